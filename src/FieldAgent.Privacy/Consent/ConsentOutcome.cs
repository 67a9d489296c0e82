using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>Why a consent command was refused; nothing was changed.</summary>
public enum ConsentRefusal
{
    /// <summary>Not refused.</summary>
    None,

    /// <summary>The policy has no such function.</summary>
    UnknownFunction,

    /// <summary>The function has no rule for such a field.</summary>
    UnknownField,

    /// <summary>A basic function rests on another basis than consent: it is neither granted nor withdrawn here.</summary>
    BasicFunction,

    /// <summary>The command would cover a sensitive field that it does not name (R3).</summary>
    SensitiveNotNamed,

    /// <summary>The scope is unknown, does not fit the field, or is finer than the policy allows.</summary>
    Scope,

    /// <summary>The role, the method or the language is none there is, or the attestation is too long.</summary>
    Who,

    /// <summary>A guardian must declare being one (R102).</summary>
    Attestation,

    /// <summary>The person concerned is under 14: only a guardian can grant (R102).</summary>
    GuardianNeeded,

    /// <summary>Everything was refused, and not resumed (R7).</summary>
    Idle,

    /// <summary>No exemption of the closed list, none that covers the field, or one without an end (R16).</summary>
    Exemption,
}

/// <summary>A function and a field of it.</summary>
/// <param name="Function">The function.</param>
/// <param name="Field">The field.</param>
public readonly record struct ConsentPair(string Function, string Field)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Function} {Field}";
}

/// <summary>What a grant stores for one rule.</summary>
/// <param name="Rule">The rule.</param>
/// <param name="Field">The field's name in the ledger: the rule's, or with a country behind it.</param>
/// <param name="Scope">For a place how exact; empty for all else.</param>
public readonly record struct ConsentGrant(PolicyRule Rule, string Field, string Scope);

/// <summary>What a consent command did.</summary>
/// <param name="Refusal"><see cref="ConsentRefusal.None"/> when it was carried out.</param>
/// <param name="Message">In plain words: what was done, or why not and what is possible instead.</param>
/// <param name="Events">The events that were appended.</param>
/// <param name="Erase">Pairs whose unsent data the caller must erase now (<see cref="ISpool.Erase"/>): withdrawn ones, and those whose
/// grant became narrower than what is stored.</param>
public sealed record ConsentOutcome(
    ConsentRefusal Refusal, string Message, IReadOnlyList<ConsentEvent> Events, IReadOnlyList<ConsentPair> Erase)
{
    /// <summary>The event that stands already, when the command found nothing to add; null when it added some, or there is none.</summary>
    public ConsentEvent? Stands { get; init; }

    /// <summary>True when it was carried out.</summary>
    public bool Done => Refusal == ConsentRefusal.None;

    internal static ConsentOutcome Refuse(ConsentRefusal refusal, string message) => new(refusal, message, [], []);
}

/// <summary>Where a (function, field) stands.</summary>
public enum ConsentState
{
    /// <summary>Part of a basic function: allowed by the rule's basis.</summary>
    Basic,

    /// <summary>Extended, and nobody has granted it.</summary>
    NotGranted,

    /// <summary>Granted.</summary>
    Granted,

    /// <summary>Granted once, and withdrawn.</summary>
    Withdrawn,

    /// <summary>The policy in force allows more than the one that was agreed to: it waits to be granted again (R106).</summary>
    Suspended,

    /// <summary>Granted, and refused for now: what the grant hangs on, such as a switch at the board, cannot be read.</summary>
    Paused,

    /// <summary>Not granted, and in use on one of the closed list of grounds, until its end (R16).</summary>
    Exempt,

    /// <summary>Everything was refused (R7); whatever else the ledger says.</summary>
    Refused,
}

/// <summary>One line of what <c>consent show</c> shows.</summary>
/// <param name="Rule">The rule, with function, field, purpose, basis, term, recipients.</param>
/// <param name="State">Where it stands.</param>
/// <param name="Precision">How exact a place may be now; <see cref="Core.Precision.Exact"/> for all that is no place.</param>
/// <param name="Last">The event that made it so: when, by whom, how; null when there was none.</param>
public sealed record ConsentLine(PolicyRule Rule, ConsentState State, Precision Precision, ConsentEvent? Last)
{
    /// <summary>The field as it is granted: the rule's, or with a country behind it (R84).</summary>
    public string Field { get; init; } = Rule.Field.Name;
}
