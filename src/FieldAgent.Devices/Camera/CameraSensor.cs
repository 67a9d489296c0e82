using FieldAgent.Core;
using FieldAgent.Devices.Codes;

namespace FieldAgent.Devices;

/// <summary>Takes pictures on a schedule, on edges and on command, and hands on nothing before masks and scale are applied. A shot that failed is
/// taken again with the supervisor's next try, for a few minutes.</summary>
/// <param name="name">The sensor's name.</param>
/// <param name="source">Where pictures come from.</param>
/// <param name="work">Masks and scale.</param>
/// <param name="interval">Time between shots; zero: only on command.</param>
/// <param name="scans">True: only the codes in a picture are handed on, and the picture is forgotten.</param>
/// <param name="trigger">The line whose edges take pictures; null where there is none.</param>
internal sealed class CameraSensor(
    string name, IShotSource source, PictureWork work, TimeSpan interval, bool scans, EdgeTrigger? trigger = null) : ISensor
{
    private const string Field = "image.photo";
    private const string CodeField = "image.code";

    /// <summary>A picture later than that is not the one that was asked for.</summary>
    private static readonly long OwedNsMax = TimeSpan.FromMinutes(5).ToNs();

    private Owed? _owed;

    /// <inheritdoc/>
    public string Name { get; } = name;

    /// <inheritdoc/>
    public IReadOnlyList<string> OpensFor { get; } = [scans ? CodeField : Field];

    /// <inheritdoc/>
    public IReadOnlyList<(string Function, string Field)> AlsoNeeds { get; } = scans ? [("scan", Field)] : [];

    /// <inheritdoc/>
    public IReadOnlyList<BoardLine> Lines { get; } = trigger is null ? [] : [trigger.Taken];

    /// <inheritdoc/>
    public TimeSpan CallLimit => source.ShotLimit;

    /// <inheritdoc/>
    public void Run(ISensorHost host, CancellationToken stop)
    {
        // Tells a technician at once that there is nothing to take, and not at the first shot.
        work.Check();
        if (scans && CodeReader.Problem is { } problem)
        {
            throw new SensorFault(SensorFaultKind.Refused, "scan", problem);
        }

        source.Check();
        using var edges = trigger?.Open(stop);
        PayOwed(host, stop);
        var intervalNs = interval.ToNs();
        var grid = new SamplingGrid(intervalNs > 0 ? host.Clock.BootNs + intervalNs : long.MaxValue, intervalNs);
        while (!stop.IsCancellationRequested)
        {
            var asked = Wait(host, edges, grid.NextBootNs, stop, out var requestId);
            if (stop.IsCancellationRequested)
            {
                return;
            }

            if (!asked && host.Clock.BootNs < grid.NextBootNs)
            {
                continue;
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

    /// <returns>True when an edge or a command asks for a shot; false when the time came, or there is something new to look at.</returns>
    private static bool Wait(ISensorHost host, OpenTrigger? edges, long untilBootNs, CancellationToken stop, out string? requestId)
    {
        requestId = null;
        if (edges is null)
        {
            return host.WaitForTrigger(untilBootNs, stop, out requestId);
        }

        if (edges.TryTake(host))
        {
            return true;
        }

        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, edges.Arrived);
        return host.WaitForTrigger(untilBootNs, either.Token, out requestId);
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
            if (scans)
            {
                var codes = CodeReader.Read(jpeg.Span);
                _owed = null;
                foreach (var code in codes)
                {
                    host.Tell(new RawFact(CodeField, code.Text));
                }
            }
            else
            {
                _owed = null;
                host.Deliver(new RawImage(Name, Field, jpeg, shot.Captured, owed.RequestId));
            }
        }
    }

    private sealed record Owed(ISensorHost Host, string? RequestId, long SinceNs);
}
