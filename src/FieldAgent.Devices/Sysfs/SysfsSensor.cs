using FieldAgent.Core;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Devices;

/// <summary>A chip read through kernel attributes: finds its folder and its channels each time it is opened, so that it may come
/// and go.</summary>
/// <param name="setup">Name, options and root prefix.</param>
/// <param name="classFolder">Where such devices are.</param>
/// <param name="prefix">What their folders begin with.</param>
internal abstract class SysfsSensor(SensorSetup setup, string classFolder, string prefix)
    : PolledSensor(setup.Name, setup.Options.Get(SensorOptions.Field), setup.Options.Get(SensorOptions.Interval))
{
    /// <inheritdoc/>
    protected override IPolledDevice Open(ISensorHost host, CancellationToken stop)
    {
        var options = setup.Options;
        var folder = SysfsFolder.Find(
            setup.DevicePath(classFolder), prefix, options.Get(SysfsOptions.Device), options.Get(SysfsOptions.Label),
            (int)options.Get(SysfsOptions.Index));
        var files = SysfsFolder.Entries(folder).ToHashSet(StringComparer.Ordinal);
        var configured = options.Get(SysfsOptions.Channels);
        var plans = configured.Count > 0
            ? [.. configured.Select(channel => Configure(folder, files, channel))]
            : Discover(folder, files);
        if (plans.Count == 0)
        {
            throw new SensorFault(SensorFaultKind.Malformed, folder, "The chip has no channel that can be read. Name its channels under 'channels'.");
        }

        if (plans.Count > StreamSet.StreamsMax)
        {
            host.Skipped("channels", plans.Count - StreamSet.StreamsMax);
            plans = [.. plans.Take(StreamSet.StreamsMax)];
        }

        return SysfsDevice.Open(host, plans, streams => new StreamSet(
            Name, Field, streams, IntervalNs, options.Get(SensorOptions.Urgent), options.ReadImportance()));
    }

    /// <summary>How <paramref name="channel"/> (the kernel's name) is read, or null when the chip does not have it.</summary>
    protected abstract SysfsChannelPlan? PlanOf(string folder, HashSet<string> files, string channel);

    /// <summary>The kernel's names of the channels of a chip, in a natural order.</summary>
    protected abstract IEnumerable<string> ChannelsOf(HashSet<string> files);

    /// <summary>Text order with numbers by value: <c>temp2</c> before <c>temp10</c>.</summary>
    protected static IEnumerable<string> Natural(IEnumerable<string> names) =>
        names.OrderBy(static n => n.TrimEnd("0123456789".ToCharArray()), StringComparer.Ordinal)
            .ThenBy(static n => n.Length).ThenBy(static n => n, StringComparer.Ordinal);

    /// <summary>A stream name from a driver's word: <c>Core 0</c> becomes <c>core-0</c>; null when nothing usable is left.</summary>
    internal static string? NameFrom(string? text)
    {
        if (text is null)
        {
            return null;
        }

        var name = string.Concat(text.ToLowerInvariant().Select(static c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) ? c : '-'))
            .Trim('-');
        while (name.Contains("--", StringComparison.Ordinal))
        {
            name = name.Replace("--", "-", StringComparison.Ordinal);
        }

        return Opt.IsName(name) ? name : null;
    }

    private SysfsChannelPlan Configure(string folder, HashSet<string> files, ConfigSection channel)
    {
        var name = channel.Get(SysfsOptions.Channel);
        var plan = PlanOf(folder, files, name) ?? throw new SensorFault(SensorFaultKind.Malformed, folder,
            $"The chip has no channel '{name}'; it has: {string.Join(", ", ChannelsOf(files).Take(16))}. Correct 'channels'.");
        return SysfsOptions.Apply(channel, plan);
    }

    private List<SysfsChannelPlan> Discover(string folder, HashSet<string> files)
    {
        var plans = new List<SysfsChannelPlan>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var channel in ChannelsOf(files))
        {
            if (PlanOf(folder, files, channel) is { } plan)
            {
                // Two channels may carry the same label; the kernel's own name is unique.
                plans.Add(names.Add(plan.Name) ? plan : plan with { Name = NameFrom(channel) ?? channel });
            }
        }

        return plans;
    }
}
