using FieldAgent.Core;

namespace FieldAgent.Devices;

/// <summary>A sensor that is asked for one row at regular moments: opens, samples on the grid, closes. A moment that a slow device
/// made it miss is skipped and counted as <c>overrun</c>; each row carries the time at which it was really sampled.</summary>
/// <param name="name">The sensor's name.</param>
/// <param name="field">The vocabulary's field of its readings.</param>
/// <param name="interval">Time between samplings.</param>
internal abstract class PolledSensor(string name, string field, TimeSpan interval) : ISensor
{
    /// <inheritdoc/>
    public string Name { get; } = name;

    /// <inheritdoc/>
    public IReadOnlyList<string> OpensFor { get; } = [field];

    /// <inheritdoc/>
    public virtual TimeSpan CallLimit => TimeSpan.Zero;

    /// <summary>The vocabulary's field of the readings.</summary>
    protected string Field { get; } = field;

    /// <summary>Nanoseconds between samplings.</summary>
    protected long IntervalNs { get; } = Math.Max(1, interval.ToNs());

    /// <inheritdoc/>
    public void Run(ISensorHost host, CancellationToken stop)
    {
        using var device = Open(host, stop);
        var writer = host.Declare(device.Set);
        var values = new double[device.Set.Streams.Length];
        var grid = new SamplingGrid(host.Clock.BootNs, IntervalNs);
        while (host.Clock.WaitUntil(grid.NextBootNs, stop))
        {
            var sampled = host.Clock.BootNs;
            var missed = grid.Arrive(sampled);
            if (missed > 0)
            {
                host.Skipped("overrun", missed);
            }

            var present = device.Poll(values);
            if (present != 0 && !writer.Write(sampled, values, stop, present))
            {
                return;
            }

            grid.Advance();
        }
    }

    /// <summary>Opens the device and finds out what it measures.</summary>
    /// <exception cref="SensorFault">It is absent, refused or broken.</exception>
    protected abstract IPolledDevice Open(ISensorHost host, CancellationToken stop);
}

/// <summary>An open device that is asked for rows. One thread; closed by disposing.</summary>
internal interface IPolledDevice : IDisposable
{
    /// <summary>The streams of a row.</summary>
    StreamSet Set { get; }

    /// <summary>Samples one row; does not allocate.</summary>
    /// <param name="values">Gets one value a stream.</param>
    /// <returns>Mask of the values that are there; 0 when the device has none at this moment.</returns>
    /// <exception cref="SensorFault">The device is gone or broken.</exception>
    ulong Poll(Span<double> values);
}
