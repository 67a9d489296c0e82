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

    /// <summary>The policy in force allows the function more than the one that was agreed to; it waits to be agreed to again (R106).</summary>
    Suspended,

    /// <summary>The policy is staged: it is not used before its day, nor by a clock that is not trusted (R105).</summary>
    NotYetInForce,

    /// <summary>The consent was given to another controller; this one needs its own (R79).</summary>
    ControllerChanged,

    /// <summary>The person concerned is under 14, and no guardian has granted it (R102).</summary>
    NeedsGuardian,

    /// <summary>The recipient gets anonymous aggregates only, and this is none (R71).</summary>
    AnonymousOnly,

    /// <summary>The consent or exemption was given until a time that has passed.</summary>
    Lapsed,

    /// <summary>It hangs on a time that a clock which is not trusted cannot tell: a permission that may have ended, a term that may be over.
    /// Nothing is sent on it and nothing erased for it.</summary>
    ClockUntrusted,

    /// <summary>What its consent hangs on cannot be told for the moment, as with a consent switch at the board that cannot be read (R2, R13).
    /// Nothing is taken or sent meanwhile, and nothing erased.</summary>
    Paused,
}

/// <summary>What a refusal means for what is there already.</summary>
public static class DenyReasons
{
    /// <summary>True for a refusal that holds for now and takes nothing back: what is stored, waits or is remembered stays as it is, until its
    /// term ends (R92, R106).</summary>
    public static bool IsForNow(this DenyReason reason) => reason is DenyReason.Restricted or DenyReason.Suspended or DenyReason.NotYetInForce
        or DenyReason.ClockUntrusted or DenyReason.Paused;
}

/// <summary>Whom the data concern.</summary>
public enum Subject : byte
{
    /// <summary>The person the ledger speaks of, as it describes them.</summary>
    OnRecord,

    /// <summary>A person under 14, whatever the ledger says: only a guardian's grants count (R102).</summary>
    Minor,
}

/// <summary>What the gate is asked. The answer hangs on this, the policy and the ledger, and on nothing else: no clock is read for it.</summary>
/// <param name="Stage">At which step.</param>
/// <param name="Function">The function that wants to use the data.</param>
/// <param name="Field">The field.</param>
/// <param name="AtWallUnixNs">Now, Unix ns.</param>
/// <param name="Clock">How far that can be trusted. By an unsynced clock what permits for a limited time permits nothing, and what forbids
/// for a limited time still forbids.</param>
public readonly record struct Question(Stage Stage, string Function, string Field, long AtWallUnixNs, ClockQuality Clock)
{
    /// <summary>To whom; null: not asked yet, to anyone.</summary>
    public string? Recipient { get; init; }

    /// <summary>ISO 3166 code of where it would go, as the configuration has it; null or empty: where the policy says the recipient is.</summary>
    public string? Region { get; init; }

    /// <summary>Whom the data concern.</summary>
    public Subject Subject { get; init; }

    /// <summary>For stored data the consent event that let it in (<see cref="Permit.ConsentId"/>); for new data <see cref="long.MaxValue"/>,
    /// the default. What has been withdrawn or narrowed since is denied although a later event granted it again.</summary>
    public long AdmittedUnder { get; init; } = long.MaxValue;

    /// <summary>For stored data when the oldest of it was taken, Unix ns; 0: new data, or not known. Decides whether its term is over.</summary>
    public long CapturedWallUnixNs { get; init; }
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

    /// <summary>True when what was made under such a decision may stay: it is permitted, or refused for now alone.</summary>
    public bool Keeps => IsPermitted || Reason.IsForNow();

    /// <summary>A refusal.</summary>
    public static Decision Deny(DenyReason reason) => new(null, reason);
}
