using System.Collections.Immutable;
using FieldAgent.Core;

namespace FieldAgent.Devices;

/// <summary>The open channels of one chip, polled together. A channel that fails alone is absent in the row and counted;
/// a row in which every channel fails is a fault of the chip.</summary>
internal sealed class SysfsDevice : IPolledDevice
{
    private readonly ISensorHost _host;
    private readonly SysfsChannel[] _channels;

    private SysfsDevice(ISensorHost host, StreamSet set, SysfsChannel[] channels)
    {
        _host = host;
        Set = set;
        _channels = channels;
    }

    /// <inheritdoc/>
    public StreamSet Set { get; }

    /// <summary>Opens all of <paramref name="plans"/>, one at least.</summary>
    /// <exception cref="SensorFault">A channel is absent or refused; none stays open.</exception>
    public static SysfsDevice Open(
        ISensorHost host, IReadOnlyList<SysfsChannelPlan> plans, Func<ImmutableArray<StreamInfo>, StreamSet> declare)
    {
        var channels = new List<SysfsChannel>(plans.Count);
        try
        {
            foreach (var plan in plans)
            {
                channels.Add(SysfsChannel.Open(plan));
            }

            return new SysfsDevice(host, declare([.. channels.Select(static c => c.Stream)]), [.. channels]);
        }
        catch
        {
            channels.ForEach(static c => c.Dispose());
            throw;
        }
    }

    /// <inheritdoc/>
    public ulong Poll(Span<double> values)
    {
        ulong present = 0;
        var failed = 0;
        var lastErrno = 0;
        var lastFailed = 0;
        for (var i = 0; i < _channels.Length; i++)
        {
            var errno = _channels[i].Read(out values[i]);
            if (errno == 0)
            {
                present |= 1UL << i;
            }
            else if (errno == SysfsNative.ENODATA)
            {
                _host.Skipped("no-data");
            }
            else if (errno == SysfsNative.ENODEV)
            {
                // The driver let go of the chip: every other channel is gone as well.
                throw SysfsFault.Of(errno, _channels[i].FullPath);
            }
            else
            {
                failed++;
                lastErrno = errno;
                lastFailed = i;
                _host.Skipped("read-error");
            }
        }

        return failed == _channels.Length ? throw SysfsFault.Of(lastErrno, _channels[lastFailed].FullPath) : present;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var channel in _channels)
        {
            channel.Dispose();
        }
    }
}
