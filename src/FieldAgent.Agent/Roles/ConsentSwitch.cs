using FieldAgent.Agent.Configuration;
using FieldAgent.Agent.Control;
using FieldAgent.Agent.DataProtection;
using FieldAgent.Core;
using FieldAgent.Devices;
using FieldAgent.Privacy;
using Microsoft.Extensions.Logging;

namespace FieldAgent.Agent.Roles;

/// <summary>The switch at the board with which consent is taken back and given (R2, R9, R10). Closed (its line is active) it withdraws what it
/// governs; opening it grants that, as far as the policy allows. A switch that was open all the time decides nothing: what was withdrawn
/// otherwise stays withdrawn. One that cannot be read has not been moved by anybody: what it governs is paused, neither taken nor sent nor
/// erased, until its position is known again (R13). Unless it is open, nobody can grant what it governs.</summary>
internal sealed partial class ConsentSwitch(
    ConsentSwitchConfig config, ConsentService consents, Gate gate, IConsentLedger ledger, IAuditLog audit, ISensorMemory memory, IClock clock,
    ILogger log)
{
    private const string BySwitch = "switch";
    private const string Position = "position";
    private const long WasClosed = 1;
    private const long WasOpen = 2;

    /// <summary>What could not be stored is tried again so soon: until then the switch is not obeyed.</summary>
    private static readonly TimeSpan Again = TimeSpan.FromSeconds(2);

    private readonly IReadOnlyList<ConsentPair> _pairs = [.. config.Scopes.Select(static scope => scope.Pair)];
    private volatile string _meaning = "";
    private volatile string _whyNotOpen = "has not been read yet";

    /// <summary>What the position means now, in a few words.</summary>
    public string Meaning => _meaning;

    /// <summary>Set once the first position has taken effect.</summary>
    public ManualResetEventSlim Applied { get; } = new();

    /// <summary>Why one of these cannot be granted now; null when the switch is not in the way. Any thread.</summary>
    public string? Obstacle(IEnumerable<ConsentPair> pairs) =>
        _whyNotOpen is { Length: > 0 } why && pairs.Intersect(_pairs).Select(static pair => pair.ToString()).FirstOrDefault() is { } governed
            ? $"the consent switch at the board {why}: {governed} can be granted while it is open"
            : null;

    /// <summary>Follows the switch. Blocks until the change has taken effect or <paramref name="stop"/>.</summary>
    public void Follow(ContactLevel now, ContactLevel before, CancellationToken stop)
    {
        // Before anything is withdrawn, so that nothing can be granted in between; open only after it was obeyed.
        _whyNotOpen = now switch
        {
            ContactLevel.Active => "is closed",
            ContactLevel.Inactive => _whyNotOpen,
            _ => "cannot be read ('fieldagent status' says why)",
        };
        while (!TryFollow(now, before))
        {
            if (!clock.Wait(Again, stop))
            {
                return;
            }
        }

        if (now == ContactLevel.Inactive)
        {
            _whyNotOpen = "";
        }

        memory.Remember(Position, PositionOf(now), alone: true);
        Applied.Set();
    }

    private bool TryFollow(ContactLevel now, ContactLevel before)
    {
        try
        {
            switch (now)
            {
                case ContactLevel.Inactive:
                    Open(before);
                    break;
                case ContactLevel.Active:
                    Close(before);
                    break;
                default:
                    Pause(before);
                    break;
            }

            return true;
        }
        catch (StoreFault fault)
        {
            _meaning = "not obeyed yet: " + fault.Message;
            LogNotObeyed(log, fault.Message);
            return false;
        }
    }

    private void Pause(ContactLevel before)
    {
        gate.Pause(_pairs);
        _meaning = $"Meanwhile what it governs is paused, which nobody withdrew: nothing of it is taken or sent, and what is stored is kept "
            + $"({string.Join(", ", _pairs)}).";
        Note(ContactLevel.Unreadable, before, "what it governs is paused until it can be read");
    }

    // A pause ends last: what it held back meets what the switch has decided.
    private void Close(ContactLevel before)
    {
        List<ConsentPair> granted = [.. _pairs.Where(pair => Last(pair) is { Action: ConsentAction.Grant })];
        var outcome = granted.Count > 0 ? consents.Withdraw(granted, By()).Message : "nothing that it governs was granted";
        EndPause();
        Note(ContactLevel.Active, before, outcome);
        _meaning = "what it governs is withdrawn";
    }

    private void Open(ContactLevel before)
    {
        // Somebody moved it, here, while it could not be read, or while the board was off; or a power cut came between its withdrawal and
        // the note of it.
        var moved = memory.Recall(Position) == WasClosed;
        List<SwitchScope> grants =
        [
            .. config.Scopes.Where(scope => Last(scope.Pair) is not { Action: ConsentAction.Grant } last
                ? moved || Last(scope.Pair) is { Action: ConsentAction.Withdraw, Method: BySwitch }
                : moved && IsLapsed(last)),
        ];
        var reply = grants.Count > 0 ? consents.Grant(grants, By()) : new ControlReply(true, "nothing had to be granted");
        EndPause();
        _meaning = reply.Ok ? "" : reply.Message;
        Note(ContactLevel.Inactive, before, reply.Message);
    }

    private void EndPause()
    {
        if (gate.Paused.Count > 0)
        {
            gate.Pause([]);
        }
    }

    private ConsentBy By() => new(config.Role, BySwitch);

    private bool IsLapsed(ConsentEvent grant) => grant.ExpiresWallUnixNs != 0 && grant.ExpiresWallUnixNs <= clock.Now().WallUnixNs;

    private ConsentEvent? Last(ConsentPair pair) => ledger.All().LastOrDefault(
        e => e.Function == pair.Function && e.Field == pair.Field && e.Action is ConsentAction.Grant or ConsentAction.Withdraw);

    private void Note(ContactLevel now, ContactLevel before, string message)
    {
        var word = now switch
        {
            ContactLevel.Active => "closed",
            ContactLevel.Inactive => "open",
            _ => "unreadable",
        };

        // Found as it was left: nobody has done anything.
        if (before != ContactLevel.Unknown || memory.Recall(Position) != PositionOf(now))
        {
            audit.Append(new AuditEntry(AuditKind.Consent, BySwitch, Detail: word, Actor: config.Role));
        }

        var line = message.ReplaceLineEndings("; ");
        LogMoved(log, word, line);
    }

    private long PositionOf(ContactLevel level) => level switch
    {
        ContactLevel.Active => WasClosed,
        ContactLevel.Inactive => WasOpen,
        _ => memory.Recall(Position),
    };

    [LoggerMessage(Level = LogLevel.Information, Message = "The consent switch is {Position}: {Outcome}")]
    private static partial void LogMoved(ILogger log, string position, string outcome);

    [LoggerMessage(Level = LogLevel.Error, Message = "The consent switch could not be obeyed yet: {Why}")]
    private static partial void LogNotObeyed(ILogger log, string why);
}
