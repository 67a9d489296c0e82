namespace FieldAgent.Privacy;

/// <summary>What of the board a function needs (R55).</summary>
[Flags]
public enum DevicePermissions
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>The instrument's sensors: IIO, hwmon, I2C.</summary>
    Sensors = 1,

    /// <summary>The GNSS receiver.</summary>
    Gnss = 2,

    /// <summary>The camera.</summary>
    Camera = 4,

    /// <summary>A connection to a broker.</summary>
    Network = 8,

    /// <summary>The agent's own state folder, and no other.</summary>
    Storage = 16,

    /// <summary>Hardware identifiers, as input of the pseudonym only.</summary>
    Identifiers = 32,

    /// <summary>Facts about board, operating system and network that the kernel shows.</summary>
    SystemFacts = 64,

    /// <summary>Readings of other programs, over a local socket.</summary>
    Programs = 128,

    /// <summary>Being started with the board.</summary>
    Autostart = 256,
}

/// <summary>One line of the permission table.</summary>
/// <param name="Permission">The permission, a single one.</param>
/// <param name="Required">True when a basic function cannot work without it: it is then named when it is missing; a missing optional one is
/// skipped (R55).</param>
/// <param name="Functions">The functions that need it, in the policy's order.</param>
/// <param name="Purposes">What for, in the policy's order.</param>
public sealed record PermissionLine(
    DevicePermissions Permission, bool Required, IReadOnlyList<string> Functions, IReadOnlyList<string> Purposes);

/// <summary>The permissions that follow from the rules: nobody lists them by hand.</summary>
public static class PermissionTable
{
    private static readonly (string Prefix, DevicePermissions Permission)[] ByField =
    [
        ("instrument.gnss", DevicePermissions.Gnss),
        ("instrument.", DevicePermissions.Sensors),
        ("location.", DevicePermissions.Gnss),
        ("geofence.", DevicePermissions.None),
        ("image.location", DevicePermissions.Gnss),
        ("image.", DevicePermissions.Camera),
        ("device.mac", DevicePermissions.Identifiers),
        ("device.serial", DevicePermissions.Identifiers),
        ("device.", DevicePermissions.SystemFacts),
        ("os.", DevicePermissions.SystemFacts),
        ("network.", DevicePermissions.SystemFacts),
        ("diagnostics.health", DevicePermissions.SystemFacts),
        ("foreign.", DevicePermissions.Programs),
        (Vocabulary.AgentAutostart, DevicePermissions.Autostart),
    ];

    /// <summary>The single permissions, in the table's order.</summary>
    public static IReadOnlyList<DevicePermissions> All { get; } =
        [.. Enum.GetValues<DevicePermissions>().Where(static permission => permission != DevicePermissions.None)];

    /// <summary>The word for a single permission: <c>gnss</c>.</summary>
    public static string Word(DevicePermissions permission) =>
        permission == DevicePermissions.SystemFacts ? "system-facts" : permission.ToString().ToLowerInvariant();

    /// <summary>What <paramref name="rule"/> needs while its function is on.</summary>
    public static DevicePermissions Of(PolicyRule rule)
    {
        var permissions = DevicePermissions.None;
        foreach (var (prefix, permission) in ByField)
        {
            if (rule.Field.Name.StartsWith(prefix, StringComparison.Ordinal))
            {
                permissions = permission;
                break;
            }
        }

        if (PolicyDiff.May(rule, Core.Stage.Admit))
        {
            permissions |= DevicePermissions.Storage;
        }

        return rule.Recipients.Count > 0 ? permissions | DevicePermissions.Network : permissions;
    }

    /// <summary>What the rules need that <paramref name="isOn"/> says are on: the permissions to ask the system for.</summary>
    public static DevicePermissions Needed(Policy policy, Func<PolicyRule, bool> isOn)
    {
        var permissions = DevicePermissions.None;
        foreach (var rule in policy.Rules)
        {
            if (isOn(rule))
            {
                permissions |= Of(rule);
            }
        }

        return permissions;
    }

    /// <summary>Every permission that some rule needs, with the functions it follows from.</summary>
    public static IReadOnlyList<PermissionLine> Of(Policy policy)
    {
        var lines = new List<PermissionLine>();
        foreach (var permission in All)
        {
            var rules = policy.Rules.Where(rule => Of(rule).HasFlag(permission)).ToList();
            if (rules.Count > 0)
            {
                lines.Add(new PermissionLine(
                    permission,
                    rules.Exists(static rule => rule.Necessary && rule.Function.Tier == FunctionTier.Basic),
                    [.. rules.Select(static rule => rule.Function.Name).Distinct(StringComparer.Ordinal)],
                    [.. rules.Select(static rule => rule.Purpose).Distinct(StringComparer.Ordinal)]));
            }
        }

        return lines;
    }
}
