using System.Globalization;
using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>A (function, field) whose decision changed.</summary>
/// <param name="Function">The function.</param>
/// <param name="Field">The field.</param>
/// <param name="Reach">The steps at which it is permitted now.</param>
/// <param name="Permits">True when it is permitted at a step at which it was refused.</param>
/// <param name="Entry">What the audit log says of it.</param>
internal sealed record DecisionChange(string Function, string Field, StageReach Reach, bool Permits, AuditEntry Entry);

/// <summary>The steps at which something is permitted.</summary>
[Flags]
internal enum StageReach : byte
{
    /// <summary>Refused at every one.</summary>
    None = 0,

    /// <summary>May be collected.</summary>
    Collect = 1,

    /// <summary>May be kept.</summary>
    Admit = 2,

    /// <summary>May be sent.</summary>
    Send = 4,
}

/// <summary>Writes one audit entry for each (function, field) that was permitted and is refused from now on, or the other way round. What was
/// written is remembered here, so that a change is told once, however often the writing is tried. Callers hold the gate's lock.</summary>
internal sealed class DecisionAudit
{
    private readonly IAuditLog? _log;
    private readonly Dictionary<(string Function, string Field), StageReach> _told;
    private int _eventsSeen;

    /// <summary>Begins with what <paramref name="table"/> decides now; that is told nowhere.</summary>
    public DecisionAudit(IAuditLog? log, DecisionTable table, int eventsSeen, in Stamp now)
    {
        _log = log;
        _eventsSeen = eventsSeen;
        _told = ReachOf(table, now);
    }

    /// <summary>What <paramref name="table"/> decides otherwise than was told last.</summary>
    public IReadOnlyList<DecisionChange> Compare(DecisionTable table, IReadOnlyList<ConsentEvent> events, in Stamp now)
    {
        var changes = new List<DecisionChange>();
        if (_log is null)
        {
            return changes;
        }

        // Whoever wrote the newest event made the change; with no event since, its time came.
        var actor = events.Count > _eventsSeen && events[^1].Role.Length > 0 ? events[^1].Role : "agent";
        _eventsSeen = events.Count;
        var after = ReachOf(table, now);
        foreach (var pair in _told.Keys.Union(after.Keys))
        {
            var (old, fresh) = (_told.GetValueOrDefault(pair), after.GetValueOrDefault(pair));
            if (old != fresh)
            {
                var refuses = (old & ~fresh) != StageReach.None;
                changes.Add(new DecisionChange(
                    pair.Function, pair.Field, fresh, (fresh & ~old) != StageReach.None,
                    new AuditEntry(
                        AuditKind.Decision, refuses ? "refused" : "permitted", pair.Function, pair.Field, Detail(table, pair, now), actor)));
            }
        }

        return changes;
    }

    /// <summary>Writes the entries, one by one.</summary>
    /// <exception cref="StoreFault">The rest was not written; compare again.</exception>
    public void Append(IReadOnlyList<DecisionChange> changes)
    {
        foreach (var change in changes)
        {
            _log!.Append(change.Entry);
            _told[(change.Function, change.Field)] = change.Reach;
        }
    }

    private static string Detail(DecisionTable table, (string Function, string Field) pair, in Stamp now)
    {
        foreach (var stage in Enum.GetValues<Stage>())
        {
            var decision = table.Answer(Ask(stage, pair, now));
            if (!decision.IsPermitted)
            {
                return DenialCounts.Word(decision.Reason);
            }

            if (stage == Stage.Send)
            {
                return decision.Permit.ConsentId > 0 ? string.Create(CultureInfo.InvariantCulture, $"under event {decision.Permit.ConsentId}") : "";
            }
        }

        return "";
    }

    private static Dictionary<(string Function, string Field), StageReach> ReachOf(DecisionTable table, in Stamp now)
    {
        var reach = new Dictionary<(string Function, string Field), StageReach>();
        foreach (var entry in table.Entries)
        {
            var pair = (Function: entry.Rule.Function.Name, Field: entry.Rule.Field.Name);
            var steps = StageReach.None;
            foreach (var stage in Enum.GetValues<Stage>())
            {
                steps |= entry.Answer(Ask(stage, pair, now)).IsPermitted ? (StageReach)(1 << (int)stage) : StageReach.None;
            }

            reach.Add(pair, steps);
        }

        return reach;
    }

    private static Question Ask(Stage stage, (string Function, string Field) pair, in Stamp now) =>
        new(stage, pair.Function, pair.Field, now.WallUnixNs, now.Quality);
}
