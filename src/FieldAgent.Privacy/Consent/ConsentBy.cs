using System.Globalization;

namespace FieldAgent.Privacy;

/// <summary>Who decides about a consent, and how: recorded with every event (R4, R14).</summary>
/// <param name="Role">One of <see cref="Roles"/>.</param>
/// <param name="Method">One of <see cref="Methods"/>.</param>
public sealed record ConsentBy(string Role, string Method)
{
    /// <summary>The person the data is about.</summary>
    public const string Subject = "subject";

    /// <summary>Who runs the instrument.</summary>
    public const string Operator = "operator";

    /// <summary>Who answers for a person under 14 (R102).</summary>
    public const string Guardian = "guardian";

    /// <summary>Characters of an attestation at most: a sentence, or the reference of a paper.</summary>
    public const int AttestationMax = 200;

    /// <summary>Who can decide.</summary>
    public static IReadOnlyList<string> Roles { get; } = [Subject, Operator, Guardian];

    /// <summary>How a decision can be given.</summary>
    public static IReadOnlyList<string> Methods { get; } = ["cli", "page", "switch", "signed-command"];

    /// <summary>Language of the notice that was shown: one of <see cref="ConsentNotice.Languages"/>.</summary>
    public string Language { get; init; } = ConsentNotice.DefaultLanguage;

    /// <summary>What the decider declares about the person's own will, in words or as the reference of a paper; empty when nothing
    /// was declared. It is recorded as it was given and is never inferred.</summary>
    public string Attestation { get; init; } = "";

    /// <summary>What is wrong with it, or null.</summary>
    internal string? Problem()
    {
        if (!Roles.Contains(Role))
        {
            return $"the role must be one of: {string.Join(", ", Roles)}";
        }

        if (!Methods.Contains(Method))
        {
            return $"the method must be one of: {string.Join(", ", Methods)}";
        }

        if (!ConsentNotice.Languages.Contains(Language))
        {
            return $"there is no notice in '{Language}'; there is one in: {string.Join(", ", ConsentNotice.Languages)}";
        }

        return Attestation.Length > AttestationMax || Attestation.Any(char.IsControl)
            ? string.Create(CultureInfo.InvariantCulture, $"the attestation must be one line of at most {AttestationMax} characters")
            : null;
    }
}
