using System.Globalization;
using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>The consent ledger with an audit entry for each of its events, and exactly one: also after a power cut between the two, when the next
/// start writes the missing entry. Any thread.</summary>
public sealed class AuditedConsents : IConsentLedger
{
    private const string EventWord = "event";

    private readonly IConsentLedger _ledger;
    private readonly IAuditLog _audit;
    private readonly Lock _lock = new();
    private long _told;

    /// <summary>Begins; writes the entries that are missing.</summary>
    /// <param name="ledger">The ledger.</param>
    /// <param name="audit">Where the entries go.</param>
    /// <param name="chain">The log behind it, to see which were written.</param>
    /// <exception cref="StoreFault">The ledger or the log cannot be read.</exception>
    public AuditedConsents(IConsentLedger ledger, IAuditLog audit, IAuditChain chain)
    {
        _ledger = ledger;
        _audit = audit;
        var tail = AuditTail.Read(chain);
        var told = tail.Numbers(EventWord, AuditKind.Consent, AuditKind.Hold, AuditKind.Policy, AuditKind.Exemption);
        _told = told.Count > 0 ? told.Max() : tail.IsWhole ? 0 : Newest();
        TryTell();
    }

    /// <inheritdoc/>
    /// <remarks>When the event is stored and its entry cannot be, the event holds; the entry comes with the next event or start.</remarks>
    public ConsentEvent Append(ConsentEvent consent)
    {
        lock (_lock)
        {
            var stored = _ledger.Append(consent);
            TryTell();
            return stored;
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<ConsentEvent> All() => _ledger.All();

    private void TryTell()
    {
        try
        {
            foreach (var next in _ledger.All())
            {
                if (next.Id > _told)
                {
                    _audit.Append(Entry(next));
                    _told = next.Id;
                }
            }
        }
        catch (StoreFault)
        {
            // What was withdrawn must hold although the log cannot be written: refusing the event would be the greater harm.
        }
    }

    private long Newest() => _ledger.All() is [.., var last] ? last.Id : 0;

    // The attestation and the person's words stay in the ledger.
    private static AuditEntry Entry(ConsentEvent e)
    {
        var (kind, what) = e.Action switch
        {
            ConsentAction.Grant when LedgerScope.IsEverything(e) => (AuditKind.Consent, "resumed"),
            ConsentAction.Grant => (AuditKind.Consent, "granted"),
            ConsentAction.Withdraw when LedgerScope.IsEverything(e) => (AuditKind.Consent, "refused"),
            ConsentAction.Withdraw => (AuditKind.Consent, "withdrawn"),
            ConsentAction.Restrict => (AuditKind.Consent, "restricted"),
            ConsentAction.Unrestrict => (AuditKind.Consent, "unrestricted"),
            ConsentAction.Minor => (AuditKind.Consent, "minor"),
            ConsentAction.Hold => (AuditKind.Hold, "held"),
            ConsentAction.Release => (AuditKind.Hold, "released"),
            ConsentAction.Exempt => (AuditKind.Exemption, "used"),
            _ => (AuditKind.Policy, "adopted"),
        };
        var more = e.Action switch
        {
            ConsentAction.Grant => $"{e.Scope} {e.Reason}",
            ConsentAction.Exempt => string.Create(
                CultureInfo.InvariantCulture, $"{e.Scope} {e.Reason} until {ClockExtensions.ToDate(e.ExpiresWallUnixNs):yyyy-MM-dd'T'HH:mm:ss'Z'}"),
            ConsentAction.Hold or ConsentAction.Release => $"{e.Reference} {e.Reason}",
            ConsentAction.Adopt => $"version {e.PolicyVersion} {(e.Reference.Length > 0 ? "suspends " + e.Reference : "")}",
            _ => "",
        };
        return new AuditEntry(
            kind, what, e.Function, e.Field, string.Create(CultureInfo.InvariantCulture, $"{EventWord} {e.Id} {more.Trim()}").Trim(),
            e.Role.Length > 0 ? e.Role : "agent");
    }
}
