using FieldAgent.Core;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Devices;

/// <summary>Totals of uptime and active time (R34): <c>activity.uptime</c>, off until granted.</summary>
public sealed class ActivityKind : ISensorKind
{
    /// <summary>The field of the readings.</summary>
    public const string Field = "activity.uptime";

    internal static readonly Option<TimeSpan> Bucket = Opt.Duration(
        "bucket", "Length of the spans that are summed up; they begin at midnight UTC.", TimeSpan.FromHours(6), TimeSpan.FromHours(1), TimeSpan.FromDays(1));

    /// <inheritdoc/>
    public string Kind => "activity";

    /// <inheritdoc/>
    public ConfigShape Shape { get; } = new(
        "Totals of uptime and active time: one row a span, in whole steps of five minutes. No event is recorded; a power cut takes the "
        + "span it falls into.",
        Bucket);

    /// <inheritdoc/>
    public ISensor Create(SensorSetup setup) => new ActivitySensor(setup);
}

/// <summary>Counts without storing: what it knows is the start of the span and of itself.</summary>
internal sealed class ActivitySensor(SensorSetup setup) : ISensor
{
    /// <summary>What a total is rounded to, ns: finer would tell when somebody switched the instrument on.</summary>
    internal const long StepNs = 5 * 60 * ClockExtensions.NsPerSecond;

    private readonly long _bucketNs = setup.Options.Get(ActivityKind.Bucket).ToNs();

    /// <inheritdoc/>
    public string Name => setup.Name;

    /// <inheritdoc/>
    public IReadOnlyList<string> OpensFor { get; } = [ActivityKind.Field];

    /// <inheritdoc/>
    public void Run(ISensorHost host, CancellationToken stop)
    {
        var writer = host.Declare(new StreamSet(
            Name, ActivityKind.Field, [new StreamInfo("uptime", "min", 5), new StreamInfo("active", "min", 5)], 0, importance: Importance.Low));
        var clock = host.Clock;
        var since = clock.BootNs;
        bool goesOn;
        do
        {
            var wall = clock.BootNs + clock.WallOffsetNs;
            var ends = clock.BootNs + _bucketNs - (wall % _bucketNs);
            goesOn = clock.WaitUntil(ends, stop);
            // When it is stopped in order the span ends there: the rest of it belongs to the next start.
            var now = Math.Min(clock.BootNs, ends);
            var began = ends - _bucketNs;
            var up = Minutes(now - Math.Max(0, began));
            var active = Minutes(now - Math.Max(since, began));
            if (up > 0)
            {
                writer.Write(now, [up, Math.Min(up, active)], CancellationToken.None);
            }
        }
        while (goesOn);
    }

    private static double Minutes(long ns) => Math.Max(0, (ns + (StepNs / 2)) / StepNs) * 5;
}
