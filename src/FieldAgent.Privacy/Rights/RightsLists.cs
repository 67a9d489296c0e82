using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>The closed lists of what people can ask for, and why.</summary>
public static class RightsLists
{
    /// <summary>Days from verification to the deadline of a request. One policy says 15 days, the other 15 working days: the stricter holds
    /// (R95).</summary>
    public const int AnswerWithinDays = 15;

    /// <summary>Why something is deleted (R91); pictures need none (R67). <c>minor</c> goes before everything else (R103).</summary>
    public static ClosedList DeletionReasons { get; } = new(
        "a reason for deletion",
        ("unlawful", "collected or used against the law"),
        ("breach-of-agreement", "collected or used against what was agreed"),
        ("shared-unlawfully", "shared or transferred against the law or the agreement"),
        ("disclosed-unlawfully", "made public against the law or the agreement"),
        ("withdrawn", "the consent it rests on has ended"),
        ("purpose-fulfilled", "no longer needed for what it was collected for"),
        ("minor", "about a person under 14, discovered later"),
        ("closure", "everything ends"),
        ("images", "pictures, which need no reason"));

    /// <summary>Why data may be kept from being erased (R86).</summary>
    public static ClosedList HoldReasons { get; } = new(
        "a reason for a legal hold",
        ("legal-claim", "needed to establish, exercise or defend a legal claim"),
        ("legal-obligation", "a law demands that it is kept"),
        ("authority-order", "an authority or a court has ordered it"),
        ("incident", "needed to clear up an incident"));

    /// <summary>The kinds of a request, as words.</summary>
    public static IReadOnlyList<string> RequestKinds { get; } = [.. Enum.GetValues<RequestKind>().Select(static kind => kind.Word())];

    /// <summary>The word for a kind.</summary>
    public static string Word(this RequestKind kind) => kind.ToString().ToLowerInvariant();

    /// <summary>The word for a state.</summary>
    public static string Word(this RequestState state) => state.ToString().ToLowerInvariant();
}
