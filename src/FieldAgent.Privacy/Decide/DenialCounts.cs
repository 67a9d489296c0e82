using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>The names under which refusals are counted, made once: <c>denied.admit.not-granted</c>.</summary>
internal static class DenialCounts
{
    private static readonly string[][] Names =
        [.. Enum.GetValues<Stage>().Select(static stage => Enum.GetValues<DenyReason>()
            .Select(reason => $"denied.{stage.ToString().ToLowerInvariant()}.{Word(reason)}").ToArray())];

    public static string Name(Stage stage, DenyReason reason) => Names[(int)stage][(int)reason];

    /// <summary>The word for a reason: <c>not-granted</c>.</summary>
    public static string Word(DenyReason reason) => reason switch
    {
        DenyReason.None => "none",
        DenyReason.NoRule => "no-rule",
        DenyReason.NotGranted => "not-granted",
        DenyReason.Withdrawn => "withdrawn",
        DenyReason.NotARecipient => "not-a-recipient",
        DenyReason.Region => "region",
        DenyReason.Prohibited => "prohibited",
        DenyReason.Restricted => "restricted",
        DenyReason.Expired => "expired",
        DenyReason.Unreadable => "unreadable",
        DenyReason.Suspended => "suspended",
        DenyReason.NotYetInForce => "not-yet-in-force",
        DenyReason.ControllerChanged => "controller-changed",
        DenyReason.NeedsGuardian => "needs-guardian",
        DenyReason.AnonymousOnly => "anonymous-only",
        DenyReason.Lapsed => "lapsed",
        DenyReason.ClockUntrusted => "clock-untrusted",
        DenyReason.Paused => "paused",
        _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, null),
    };
}
