namespace FieldAgent.Core;

/// <summary>At which step the gate is asked.</summary>
public enum Stage : byte
{
    /// <summary>May the sensor be opened?</summary>
    Collect,

    /// <summary>May the reading be kept?</summary>
    Admit,

    /// <summary>May the stored block be sent to this recipient now?</summary>
    Send,
}

/// <summary>How exact a value may be kept. Coarser values are larger.</summary>
public enum Precision : byte
{
    /// <summary>As measured.</summary>
    Exact = 0,

    /// <summary>The centre of a grid cell about 100 m wide.</summary>
    Cell100m = 1,

    /// <summary>The centre of a grid cell about 1 km wide.</summary>
    Cell1km = 2,

    /// <summary>The centre of a grid cell about 10 km wide.</summary>
    Cell10km = 3,
}

/// <summary>Legal basis of a rule; a closed list (R18).</summary>
public enum LegalBasis : byte
{
    /// <summary>The person agreed.</summary>
    Consent,

    /// <summary>Needed to perform the contract.</summary>
    Contract,

    /// <summary>Demanded by law.</summary>
    LegalObligation,

    /// <summary>Protects someone's life.</summary>
    VitalInterest,

    /// <summary>A balanced interest of the controller.</summary>
    LegitimateInterest,

    /// <summary>A task in the public interest.</summary>
    PublicInterest,
}

/// <summary>Why the gate said no. Every refusal is counted under one of these.</summary>
public enum DenyReason : byte
{
    /// <summary>Not denied.</summary>
    None = 0,

    /// <summary>No rule of the policy in force names this function with this field (R8, R44).</summary>
    NoRule,

    /// <summary>The function is an extended one and nobody has granted it (R2, R54).</summary>
    NotGranted,

    /// <summary>It was granted and has been withdrawn (R9, R10).</summary>
    Withdrawn,

    /// <summary>The rule does not list this recipient (R72).</summary>
    NotARecipient,

    /// <summary>The data's region and the recipient's do not match (R83).</summary>
    Region,

    /// <summary>The policy prohibits it.</summary>
    Prohibited,

    /// <summary>Processing is frozen at the subject's request (R92).</summary>
    Restricted,

    /// <summary>The retention term is over (R85).</summary>
    Expired,

    /// <summary>The input could not be made safe: a picture that cannot be parsed cannot be stripped.</summary>
    Unreadable,
}

/// <summary>What the gate allows, and on what grounds. One immutable object a rule and consent state, made when either changes.</summary>
/// <param name="Function">The function that may use the data.</param>
/// <param name="Field">The field.</param>
/// <param name="Purpose">The rule's purpose.</param>
/// <param name="Basis">Legal basis.</param>
/// <param name="Precision">How exact the data may be.</param>
/// <param name="Term">How long the data may be kept; finite.</param>
/// <param name="Recipients">Names of those who may receive it.</param>
/// <param name="ConsentId">The consent event it rests on, or 0 when it needs none.</param>
/// <param name="PolicyVersion">Version of the policy.</param>
/// <param name="PolicyHash">SHA-256 of the policy document, lower-case hexadecimal.</param>
/// <param name="Personal">True when the field's class is personal or sensitive: buffers are wiped after use.</param>
public sealed record Permit(
    string Function,
    string Field,
    string Purpose,
    LegalBasis Basis,
    Precision Precision,
    TimeSpan Term,
    IReadOnlyList<string> Recipients,
    long ConsentId,
    string PolicyVersion,
    string PolicyHash,
    bool Personal);

/// <summary>The gate's answer: a permit, or the reason why not.</summary>
/// <param name="Permit">What is allowed; null when denied.</param>
/// <param name="Reason"><see cref="DenyReason.None"/> when permitted.</param>
public readonly record struct Decision(Permit? Permit, DenyReason Reason)
{
    /// <summary>True when allowed.</summary>
    [System.Diagnostics.CodeAnalysis.MemberNotNullWhen(true, nameof(Permit))]
    public bool IsPermitted => Permit is not null;

    /// <summary>A refusal.</summary>
    public static Decision Deny(DenyReason reason) => new(null, reason);
}
