using FieldAgent.Core;

namespace FieldAgent.Devices;

/// <summary>Takes pictures on a schedule and on command, and hands on nothing before masks and scale are applied. A shot that failed is
/// taken again with the supervisor's next try, for a few minutes.</summary>
/// <param name="name">The sensor's name.</param>
/// <param name="source">Where pictures come from.</param>
/// <param name="work">Masks and scale.</param>
/// <param name="interval">Time between shots; zero: only on command.</param>
internal sealed class CameraSensor(string name, IShotSource source, PictureWork work, TimeSpan interval) : ISensor
{
    private const string Field = "image.photo";

    /// <summary>A picture later than that is not the one that was asked for.</summary>
    private static readonly long OwedNsMax = TimeSpan.FromMinutes(5).ToNs();

    private Owed? _owed;

    /// <inheritdoc/>
    public string Name { get; } = name;

    /// <inheritdoc/>
    public IReadOnlyList<string> OpensFor { get; } = [Field];

    /// <inheritdoc/>
    public void Run(ISensorHost host, CancellationToken stop)
    {
        // Tells a technician at once that there is nothing to take, and not at the first shot.
        work.Check();
        source.Check();
        PayOwed(host, stop);
        var intervalNs = interval.ToNs();
        var grid = new SamplingGrid(intervalNs > 0 ? host.Clock.BootNs + intervalNs : long.MaxValue, intervalNs);
        while (!stop.IsCancellationRequested)
        {
            var asked = host.WaitForTrigger(grid.NextBootNs, stop, out var requestId);
            if (stop.IsCancellationRequested)
            {
                return;
            }

            // Due before it is tried: when it fails it is owed from this moment.
            _owed = new Owed(host, requestId, host.Clock.BootNs);
            PayOwed(host, stop);
            if (!asked)
            {
                var missed = grid.Arrive(host.Clock.BootNs);
                if (missed > 0)
                {
                    host.Skipped("overrun", missed);
                }

                grid.Advance();
            }
        }
    }

    private void PayOwed(ISensorHost host, CancellationToken stop)
    {
        // The host is another one after consent was withdrawn or the camera switched off: what was owed before is not taken then.
        if (_owed is not { } owed || owed.Host != host)
        {
            _owed = null;
            return;
        }

        if (host.Clock.BootNs - owed.SinceNs > OwedNsMax)
        {
            _owed = null;
            host.Skipped("shot-given-up");
            return;
        }

        if (source.Take(host, stop) is { } shot)
        {
            var jpeg = work.Apply(shot.Jpeg);
            _owed = null;
            host.Deliver(new RawImage(Name, Field, jpeg, shot.Captured, owed.RequestId));
        }
    }

    private sealed record Owed(ISensorHost Host, string? RequestId, long SinceNs);
}
