using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <summary>The groups that a board belongs to, as configured on it.</summary>
public sealed record GroupSettings
{
    /// <summary>The function that the gate must permit.</summary>
    public const string Function = "group-commands";

    /// <summary>The field of that function.</summary>
    public const string Field = "group.membership";

    /// <summary>Names of the groups; topic levels.</summary>
    public IReadOnlyList<string> Names { get; init; } = [];

    /// <summary>Commands that one group may give in an hour, and at once.</summary>
    public int PerHour { get; init; } = 6;

    /// <summary>Time of day from which groups are not heard; equal to <see cref="QuietUntil"/>: they always are.</summary>
    public TimeSpan QuietFrom { get; init; }

    /// <summary>Time of day at which they are heard again.</summary>
    public TimeSpan QuietUntil { get; init; }

    /// <summary>Whose time of day: the board's.</summary>
    public TimeZoneInfo Zone { get; init; } = TimeZoneInfo.Local;
}

/// <summary>Commands to groups (R47): which arrive is decided by subscriptions that exist only while the function is on, and which are done is
/// decided here. One thread.</summary>
internal sealed class GroupDesk(GroupSettings settings, IGate gate, IClock clock)
{
    /// <summary>First levels of every group's topics.</summary>
    public const string Prefix = Topics.Root + "group/";

    private const string Middle = "/command/";

    private readonly Dictionary<string, TokenBucket> _buckets = settings.Names.ToDictionary(
        static name => name, _ => new TokenBucket(clock, settings.PerHour / 60.0, settings.PerHour), StringComparer.Ordinal);

    private bool? _isFollowing;

    private bool IsGranted => gate.Decide(Stage.Admit, GroupSettings.Function, GroupSettings.Field).IsPermitted;

    /// <summary>A connection is up: nothing is known of what the broker kept.</summary>
    public void Begin() => _isFollowing = null;

    /// <summary>Brings the subscriptions in line with what is granted.</summary>
    /// <returns>False when the broker did not accept one.</returns>
    public bool Follow(ILink link, TimeSpan timeout)
    {
        var granted = settings.Names.Count > 0 && IsGranted;
        if (settings.Names.Count == 0 || _isFollowing == granted)
        {
            return true;
        }

        _isFollowing = granted;
        var ok = true;
        foreach (var name in settings.Names)
        {
            var filter = Prefix + name + Middle + "+";
            ok &= granted ? link.Subscribe(filter, timeout) : link.Unsubscribe(filter);
        }

        return ok;
    }

    /// <summary>Reads a group's command topic.</summary>
    /// <returns>False when it is none of a group of this board, or the function is off.</returns>
    public bool TryMatch(string topic, out string group, out string command)
    {
        group = "";
        command = "";
        if (!topic.StartsWith(Prefix, StringComparison.Ordinal))
        {
            return false;
        }

        var rest = topic.AsSpan(Prefix.Length);
        var end = rest.IndexOf(Middle, StringComparison.Ordinal);
        if (end <= 0 || !Topics.IsLevel(rest[(end + Middle.Length)..]))
        {
            return false;
        }

        group = rest[..end].ToString();
        command = rest[(end + Middle.Length)..].ToString();
        return _buckets.ContainsKey(group) && IsGranted;
    }

    /// <summary>Takes one of the group's commands of this hour; a reason and a text when it may not have one now.</summary>
    public (string Reason, string Text)? WhyNot(string group)
    {
        if (IsQuiet())
        {
            return ("quiet", "these are this board's quiet hours; send it again later, or to the board itself");
        }

        return _buckets[group].TryTake() ? null : ("rate-limited", "too many commands to this group; send it again in an hour");
    }

    private bool IsQuiet()
    {
        if (settings.QuietFrom == settings.QuietUntil)
        {
            return false;
        }

        var time = TimeZoneInfo.ConvertTime(ClockExtensions.ToDate(clock.Now().WallUnixNs), settings.Zone).TimeOfDay;
        return settings.QuietFrom < settings.QuietUntil
            ? time >= settings.QuietFrom && time < settings.QuietUntil
            : time >= settings.QuietFrom || time < settings.QuietUntil;
    }
}
