using FieldAgent.Agent.Configuration;
using FieldAgent.Agent.Control;
using FieldAgent.Agent.DataProtection;
using FieldAgent.Core;
using FieldAgent.Devices;
using FieldAgent.Privacy;
using Microsoft.Extensions.Logging;

namespace FieldAgent.Agent.Roles;

/// <summary>The switch at the board with which consent is taken back and given (R2, R9, R10). Closed (its line is active), or unreadable, it
/// withdraws what it governs, and nobody can grant that meanwhile; opening it grants what it governs, as far as the policy allows. A switch that
/// was open all the time decides nothing: what was withdrawn otherwise stays withdrawn.</summary>
internal sealed partial class ConsentSwitch(
    ConsentSwitchConfig config, ConsentService consents, IConsentLedger ledger, IAuditLog audit, ISensorMemory memory, IClock clock, ILogger log)
{
    private const string BySwitch = "switch";
    private const string Position = "position";
    private const long WasClosed = 1;
    private const long WasOpen = 2;

    /// <summary>What could not be stored is tried again so soon: until then the switch is not obeyed.</summary>
    private static readonly TimeSpan Again = TimeSpan.FromSeconds(2);

    private volatile string _meaning = "";
    private volatile bool _isOpen;

    /// <summary>What the position means now, in a few words.</summary>
    public string Meaning => _meaning;

    /// <summary>Set once the first position has taken effect.</summary>
    public ManualResetEventSlim Applied { get; } = new();

    /// <summary>Why one of these cannot be granted now; null when the switch is not in the way. Any thread.</summary>
    public string? Obstacle(IEnumerable<ConsentPair> pairs) =>
        !_isOpen && pairs.Where(pair => config.Scopes.Any(scope => scope.Pair == pair)).Select(static pair => pair.ToString()).FirstOrDefault() is { } governed
            ? $"the consent switch at the board is closed, or cannot be read: {governed} is granted by opening it"
            : null;

    /// <summary>Follows the switch. Blocks until the change has taken effect or <paramref name="stop"/>.</summary>
    public void Follow(ContactLevel now, ContactLevel before, CancellationToken stop)
    {
        // Before anything is withdrawn, so that nothing can be granted in between; open only after it was obeyed.
        _isOpen = false;
        while (!TryFollow(now, before))
        {
            if (!clock.Wait(Again, stop))
            {
                return;
            }
        }

        _isOpen = now == ContactLevel.Inactive;
        memory.Remember(Position, PositionOf(now), alone: true);
        Applied.Set();
    }

    private bool TryFollow(ContactLevel now, ContactLevel before)
    {
        try
        {
            if (now == ContactLevel.Inactive)
            {
                Open(before);
            }
            else
            {
                Close(now, before);
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

    private void Close(ContactLevel now, ContactLevel before)
    {
        List<ConsentPair> granted = [.. config.Scopes.Select(static scope => scope.Pair).Where(pair => Last(pair) is { Action: ConsentAction.Grant })];
        Note(now, before, granted.Count > 0 ? consents.Withdraw(granted, By()).Message : "nothing that it governs was granted");

        _meaning = "what it governs is withdrawn";
    }

    private void Open(ContactLevel before)
    {
        // Somebody moved it, here or while the board was off; or it can be read again, and gives back what its fault alone took.
        var moved = before == ContactLevel.Active || (before == ContactLevel.Unknown && memory.Recall(Position) == WasClosed);
        List<SwitchScope> grants =
        [
            .. config.Scopes.Where(scope => Last(scope.Pair) is not { Action: ConsentAction.Grant } last
                ? moved || Last(scope.Pair) is { Action: ConsentAction.Withdraw, Method: BySwitch }
                : moved && IsLapsed(last)),
        ];
        var reply = grants.Count > 0 ? consents.Grant(grants, By()) : new ControlReply(true, "nothing had to be granted");
        _meaning = reply.Ok ? "" : reply.Message;
        Note(ContactLevel.Inactive, before, reply.Message);
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
