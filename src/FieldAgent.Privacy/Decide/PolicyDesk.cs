using System.Globalization;
using FieldAgent.Core;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Privacy;

/// <summary>What became of a policy that was handed in.</summary>
/// <param name="Done">True when it is staged or in force.</param>
/// <param name="Reason">Why not, one word: <c>not-accepted</c>, <c>older</c>; empty when it is.</param>
/// <param name="Message">In plain words: what was done and what follows, or all that is wrong.</param>
/// <param name="Policy">The policy; null when it could not be read.</param>
public sealed record PolicyOutcome(bool Done, string Reason, string Message, Policy? Policy);

/// <summary>Where policies come in, wait for their day, and take effect (R104–R108). The one in force and the one that waits are kept sealed.
/// A policy that takes effect suspends the functions that it widens until they are granted again, and no others. Any thread.</summary>
/// <remarks>A configuration that names another policy than before is treated like one that was handed in. The very first policy is in force at
/// once: there is nothing that it could widen. What is remembered of the configuration is the hash of its policy: one that came from afar
/// since is not undone by the next start.</remarks>
public sealed class PolicyDesk
{
    private const string DocumentType = "policy";
    private const string InForceShelf = "in-force";
    private const string BeforeShelf = "before";
    private const string StagedShelf = "staged";
    private const string ConfiguredShelf = "configured";

    private readonly IDocumentShelf _shelf;
    private readonly IConsentLedger _ledger;
    private readonly IAuditLog _audit;
    private readonly IClock _clock;
    private readonly Lock _lock = new();
    private Gate? _gate;
    private volatile Policy? _staged;

    /// <summary>Finds out which policy is in force, and which waits.</summary>
    /// <param name="configured">The policy that the configuration names.</param>
    /// <param name="shelf">Keeps both.</param>
    /// <param name="ledger">Gets the adoptions.</param>
    /// <param name="audit">Gets an entry for each policy that is staged or refused.</param>
    /// <param name="clock">Time.</param>
    /// <exception cref="StoreFault">The store cannot be read.</exception>
    public PolicyDesk(Policy configured, IDocumentShelf shelf, IConsentLedger ledger, IAuditLog audit, IClock clock)
    {
        _shelf = shelf;
        _ledger = ledger;
        _audit = audit;
        _clock = clock;
        _staged = Load(StagedShelf);
        AtStart = Load(InForceShelf) ?? configured;
        try
        {
            AtStart = Settle(configured);
            Notice(configured);
        }
        catch (StoreFault)
        {
            // Nothing could be written: the one in force stays, and the next start sees the same.
        }
    }

    /// <summary>The policy to start with.</summary>
    public Policy AtStart { get; }

    /// <summary>The policy that waits for its day; null when none does.</summary>
    public Policy? Staged => _staged;

    /// <summary>The policy that was in force before the present one; null when there was none, or it is not kept.</summary>
    /// <exception cref="StoreFault">The store cannot be read.</exception>
    public Policy? Before() => Load(BeforeShelf);

    /// <summary>Connects the gate, which was made with <see cref="AtStart"/>; what waits and may take effect does.</summary>
    public void Use(Gate gate)
    {
        _gate = gate;
        Watch();
    }

    /// <summary>Puts the policy that waits into force when its day has come by a trusted clock. Cheap when none waits. A fault of the store leaves
    /// it to the next call.</summary>
    public void Watch()
    {
        if (_staged is null)
        {
            return;
        }

        lock (_lock)
        {
            try
            {
                TakeEffect();
            }
            catch (StoreFault)
            {
                // Either it is not adopted yet, or it is and its place on the shelf follows.
            }
        }
    }

    /// <summary>Takes a policy in: it waits for its day, or is in force at once when that has come. One that waits already gives way.</summary>
    /// <param name="source">Where it comes from: one from afar must be signed, and never goes back behind the one in force.</param>
    /// <param name="document">The document's bytes.</param>
    /// <param name="signature">The content of its detached signature; empty when there is none.</param>
    /// <param name="trustedKeyPem">The configured public key; null when none is.</param>
    /// <param name="by">Who: <c>operator</c>, or the recipient's name.</param>
    /// <exception cref="StoreFault">It could not be stored; hand it in again.</exception>
    public PolicyOutcome Stage(PolicySource source, ReadOnlySpan<byte> document, ReadOnlySpan<byte> signature, string? trustedKeyPem, string by)
    {
        var errors = new ConfigErrors();
        var policy = PolicyIntake.Take(source, document, signature, trustedKeyPem, errors);
        lock (_lock)
        {
            if (policy is null)
            {
                return Refuse("not-accepted", string.Join('\n', errors.All), null, by);
            }

            var inForce = InForce;
            if (policy.Hash == inForce.Hash)
            {
                return new PolicyOutcome(true, "", $"policy {policy.Version} is in force already", policy);
            }

            if (source == PolicySource.Remote && policy.EffectiveFrom < inForce.EffectiveFrom)
            {
                return Refuse("older", $"policy {policy.Version} is older than the one in force ({inForce.Version})", policy, by);
            }

            if (policy.Hash != _staged?.Hash)
            {
                Stage(policy, by);
            }

            TakeEffect();
            return new PolicyOutcome(true, "", Message(policy, inForce), policy);
        }
    }

    /// <summary>The functions that the policy in force suspends until they are granted again.</summary>
    public IReadOnlyList<string> Suspended() => _gate is not { } gate
        ? []
        : [.. gate.Policy.Rules.Where(rule => gate.Decide(Core.Stage.Collect, rule.Function.Name, rule.Field.Name).Reason == DenyReason.Suspended)
            .Select(static rule => rule.Function.Name).Distinct()];

    /// <summary>The functions that <paramref name="policy"/> would suspend if it took effect now, in its order.</summary>
    public IReadOnlyList<string> WouldSuspend(Policy policy) => Affected(InForce, policy);

    private static IReadOnlyList<string> Affected(Policy before, Policy policy)
    {
        var affected = PolicyDiff.Compare(before, policy).Affected;
        return [.. policy.Functions.Select(static function => function.Name).Where(affected.Contains)];
    }

    private Policy InForce => _gate?.Policy ?? AtStart;

    private PolicyOutcome Refuse(string reason, string message, Policy? policy, string by)
    {
        _audit.Append(new AuditEntry(
            AuditKind.Policy, "refused", Detail: policy is null ? reason : $"{reason} version {policy.Version}", Actor: by));
        return new PolicyOutcome(false, reason, message, policy);
    }

    private void Stage(Policy policy, string by)
    {
        Keep(StagedShelf, policy.Document);
        _staged = policy;
        _audit.Append(new AuditEntry(
            AuditKind.Policy, "staged",
            Detail: string.Create(CultureInfo.InvariantCulture, $"version {policy.Version} from {policy.EffectiveFrom:yyyy-MM-dd}, SHA-256 {policy.Hash}"), Actor: by));
    }

    // Each step can be repeated: the ledger says which policy was adopted, the shelf follows.
    private void TakeEffect()
    {
        if (_staged is not { } policy || _gate is not { } gate || !PolicyInForce.MayTakeEffect(policy, _clock.Now()))
        {
            return;
        }

        try
        {
            if (LastAdopted() != policy.Hash)
            {
                Adopt(policy, Affected(gate.Policy, policy));
            }

            if (gate.Policy.Hash != policy.Hash)
            {
                Keep(BeforeShelf, gate.Policy.Document);
            }

            Keep(InForceShelf, policy.Document);
            Keep(StagedShelf, default);
            _staged = null;
        }
        finally
        {
            if (LastAdopted() == policy.Hash)
            {
                gate.Use(policy);
            }
        }
    }

    // Which policy is in force by shelf and ledger, at a start; a power cut may have come between the two.
    private Policy Settle(Policy configured)
    {
        var last = LastAdopted();
        var kept = Load(InForceShelf);
        if (kept is not null && (last is null || kept.Hash == last))
        {
            return kept;
        }

        if (last is null && _shelf.Find(DocumentType, 0, InForceShelf) is null)
        {
            return First(configured);
        }

        var adopted = last is null ? null : _staged?.Hash == last ? _staged : configured.Hash == last ? configured : null;
        if (adopted is null)
        {
            // The one that was adopted is lost with a damaged store, or this program cannot read it: nobody can say what this one widens.
            adopted = kept ?? configured;
            Adopt(adopted, adopted.Functions.Where(static function => function.Tier == FunctionTier.Extended).Select(static function => function.Name));
        }

        Keep(InForceShelf, adopted.Document);
        if (_staged?.Hash == adopted.Hash)
        {
            Keep(StagedShelf, default);
            _staged = null;
        }

        return adopted;
    }

    private Policy First(Policy configured)
    {
        Keep(InForceShelf, configured.Document);
        Keep(ConfiguredShelf, System.Text.Encoding.ASCII.GetBytes(configured.Hash));
        _audit.Append(new AuditEntry(AuditKind.Policy, "adopted", Detail: $"version {configured.Version}, the first, SHA-256 {configured.Hash}"));
        return configured;
    }

    // A configuration that names another policy than at the start before hands it in.
    private void Notice(Policy configured)
    {
        var seen = _shelf.Find(DocumentType, 0, ConfiguredShelf) is { } kept ? System.Text.Encoding.ASCII.GetString(kept.Json.Span) : "";
        if (configured.Hash == seen || configured.Hash.Length == 0)
        {
            return;
        }

        if (configured.Hash != AtStart.Hash && configured.Hash != _staged?.Hash)
        {
            Stage(configured, "operator");
        }

        Keep(ConfiguredShelf, System.Text.Encoding.ASCII.GetBytes(configured.Hash));
    }

    private void Adopt(Policy policy, IEnumerable<string> suspended) => _ledger.Append(new ConsentEvent(
        0, ConsentAction.Adopt, "", "", "", "agent", "policy", policy.Version, policy.Hash, _clock.Now())
    {
        Reference = string.Join(", ", suspended),
        ControllerId = policy.ControllerId,
    });

    private string? LastAdopted() => _ledger.All().LastOrDefault(static e => e.Action == ConsentAction.Adopt)?.PolicyHash;

    private string Message(Policy policy, Policy before)
    {
        var names = Affected(before, policy);
        if (_staged?.Hash == policy.Hash)
        {
            return string.Create(CultureInfo.InvariantCulture,
                $"policy {policy.Version} is staged: it takes effect on {policy.EffectiveFrom:yyyy-MM-dd} (UTC), by a clock that is set; ")
                + $"until then policy {before.Version} holds"
                + (names.Count == 0 ? "" : $"\nit will suspend until granted again: {string.Join(", ", names)}; 'fieldagent policy staged' says why");
        }

        return $"policy {policy.Version} is in force"
            + (names.Count == 0 ? "; it asks for no consent again" : $"\nwhat it widens is suspended until granted again: {string.Join(", ", names)}; see 'fieldagent consent show'");
    }

    private void Keep(string shelf, ReadOnlyMemory<byte> bytes) => _shelf.Keep(new KeptDocument(DocumentType, 0, shelf, DocumentType, bytes));

    private Policy? Load(string shelf) => _shelf.Find(DocumentType, 0, shelf) is { Json: { IsEmpty: false } document }
        ? Policy.Load(document.Span, new ConfigErrors()) : null;
}
