using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>How a field is to be treated.</summary>
public enum FieldClass : byte
{
    /// <summary>About the instrument, not a person.</summary>
    Instrument,

    /// <summary>About a person, directly or by combination.</summary>
    Personal,

    /// <summary>Personal and needing a consent of its own (R3).</summary>
    Sensitive,

    /// <summary>Excluded from the published policy (R43): still needs a rule, is still encrypted.</summary>
    Excluded,
}

/// <summary>Whether a function is on by contract or off until granted (R54).</summary>
public enum FunctionTier : byte
{
    /// <summary>On; its rules rest on a basis other than consent.</summary>
    Basic,

    /// <summary>Off until (function, field) is granted.</summary>
    Extended,
}

/// <summary>What kind of purpose a rule serves; a closed list.</summary>
public enum PurposeKind : byte
{
    /// <summary>The instrument's own operation.</summary>
    Operation,

    /// <summary>What a function that was switched on is for (R70).</summary>
    Feature,

    /// <summary>Statistics without persons; a purpose of its own (R5). Only aggregates (namespace <c>analytics</c>) serve it.</summary>
    Analytics,

    /// <summary>Making the product better, without persons (R70).</summary>
    Improvement,

    /// <summary>Legal compliance (R70).</summary>
    Legal,

    /// <summary>Safety of people or property; notices of this kind survive the end of marketing (R82).</summary>
    Safety,

    /// <summary>Advertising; never necessary (R82).</summary>
    Marketing,
}

/// <summary>What is done to data on its way to a recipient.</summary>
public enum RecipientTransform : byte
{
    /// <summary>Only anonymous aggregates go out, without a pseudonym (R71).</summary>
    Anonymise,

    /// <summary>Data go out under the recipient's own pseudonym.</summary>
    Pseudonymise,
}

/// <summary>A text in the languages of the notice.</summary>
/// <param name="En">English.</param>
/// <param name="Zh">Chinese.</param>
public sealed record LocalText(string En, string Zh)
{
    /// <summary>The languages, as the command line and the document name them; the first is the default.</summary>
    public static IReadOnlyList<string> Languages { get; } = ["en", "zh"];

    /// <summary>The text in <paramref name="language"/>: <c>zh</c>, else English.</summary>
    public string For(string language) => language == "zh" ? Zh : En;

    /// <inheritdoc/>
    public override string ToString() => En;

    /// <summary>The same text in every language.</summary>
    public static implicit operator LocalText(string text) => new(text, text);
}

/// <summary>An entry of the vocabulary.</summary>
/// <param name="Name">Dotted name: <c>location.position</c>.</param>
/// <param name="Class">How it is to be treated.</param>
/// <param name="Summary">What it is, one sentence.</param>
public sealed record PolicyField(string Name, FieldClass Class, LocalText Summary);

/// <summary>A purpose that rules may serve. A rule for any other purpose cannot be written (R8).</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind">Its kind.</param>
/// <param name="Summary">What it is, in a few words.</param>
public sealed record PolicyPurpose(string Name, PurposeKind Kind, LocalText Summary);

/// <summary>A right of the person concerned, and how it is exercised.</summary>
/// <param name="Name">One of <see cref="ClosedLists.Rights"/>.</param>
/// <param name="How">How it is exercised, one sentence.</param>
public sealed record PolicyRight(string Name, LocalText How);

/// <summary>An impact assessment that found a high risk.</summary>
/// <param name="Reference">Where it can be read.</param>
/// <param name="Functions">The functions that it concerns.</param>
public sealed record PolicyRisk(string Reference, IReadOnlyList<string> Functions);

/// <summary>Something the agent does for someone. A basic function is on by default, an extended one off until granted (R54).</summary>
/// <param name="Name">Its name.</param>
/// <param name="Tier">Basic or extended.</param>
/// <param name="Notice">What it does and what follows from it, as it is shown before consent is asked.</param>
public sealed record PolicyFunction(string Name, FunctionTier Tier, LocalText Notice);

/// <summary>What a rule forbids although it would otherwise allow it. A part that is null stands for every value of it.</summary>
/// <param name="Stage">At which step; null: at every one.</param>
/// <param name="Recipient">To whom; null: to everybody.</param>
/// <param name="Region">Where to, ISO 3166; null: everywhere.</param>
/// <param name="Why">The reason, one sentence.</param>
public sealed record PolicyProhibition(Stage? Stage, string? Recipient, string? Region, LocalText Why);

/// <summary>What one function may do with one field.</summary>
/// <param name="Function">The function.</param>
/// <param name="Field">The field.</param>
/// <param name="Necessary">True when the function cannot work without it (R26, R27).</param>
/// <param name="Purpose">Name of the purpose.</param>
/// <param name="Basis">The primary legal basis.</param>
/// <param name="Precision">The finest that any grant can allow.</param>
/// <param name="Term">Retention term; finite.</param>
/// <param name="Recipients">Names of those who may receive it; empty: it stays on the board.</param>
public sealed record PolicyRule(
    PolicyFunction Function,
    PolicyField Field,
    bool Necessary,
    string Purpose,
    LegalBasis Basis,
    Core.Precision Precision,
    TimeSpan Term,
    IReadOnlyList<string> Recipients)
{
    /// <summary>All legal bases; the first is <see cref="Basis"/> (R18).</summary>
    public IReadOnlyList<LegalBasis> Bases { get; init; } = [Basis];

    /// <summary>ISO 3166 codes of the countries the data may be sent to (R83). A country other than the policy's jurisdiction needs a consent
    /// of its own besides (R84).</summary>
    public IReadOnlyList<string> Regions { get; init; } = [];

    /// <summary>What is forbidden all the same.</summary>
    public IReadOnlyList<PolicyProhibition> Prohibitions { get; init; } = [];
}

/// <summary>Who may receive data, with all that must be published about it (R73, R75).</summary>
/// <param name="Name">Its name in policy and configuration.</param>
/// <param name="Subject">Who it is.</param>
/// <param name="Endpoint">Name of the endpoint in the configuration.</param>
/// <param name="Agreement">Reference of the agreement with it.</param>
/// <param name="Method">How it receives.</param>
/// <param name="Purpose">What for.</param>
/// <param name="PolicyLink">Its own privacy policy, an https address.</param>
/// <param name="Region">ISO 3166 code of where the data goes.</param>
/// <param name="Fields">All the fields it may ever receive: its projection (R72).</param>
public sealed record PolicyRecipient(
    string Name,
    LocalText Subject,
    string Endpoint,
    string Agreement,
    LocalText Method,
    LocalText Purpose,
    string PolicyLink,
    string Region,
    IReadOnlyList<string> Fields)
{
    /// <summary>Encoding of its messages: <c>json</c>.</summary>
    public string Encoding { get; init; } = "json";

    /// <summary>What is done to data on the way (R71).</summary>
    public RecipientTransform Transform { get; init; } = RecipientTransform.Anonymise;
}
