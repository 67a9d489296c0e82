using FieldAgent.Core;
using FieldAgent.Devices.Linux;

namespace FieldAgent.Devices.Gnss;

/// <summary>Replays a recording: the first fix now, each further one as much later as it was then; or all as fast as they are taken.</summary>
internal static class FileSource
{
    /// <summary>Most time between two signs of life while nothing comes out of a FIFO.</summary>
    private const int LookMs = 1000;

    /// <summary>Replays until the end (then waits for <paramref name="stop"/>), or for ever with <paramref name="isLooped"/>.</summary>
    /// <exception cref="SensorFault">The file is absent, refused, or holds no NMEA.</exception>
    public static void Run(
        string path, bool isPaced, bool isLooped, Func<int, INmeaDecoder> open, ISensorHost host, FixPublisher publisher, CancellationToken stop)
    {
        using var stopEvent = new StopEvent(stop);
        var pace = new ReplayPace(host.Clock, isPaced, stop);
        do
        {
            var good = Play(path, open(NmeaDate.NoDay), stopEvent, pace, publisher, stop);
            if (stop.IsCancellationRequested)
            {
                return;
            }

            if (good == 0)
            {
                throw new SensorFault(SensorFaultKind.Malformed, path, "It holds no NMEA 0183 sentences: name a recording of a receiver.");
            }

            pace.NextRound();
        }
        while (isLooped);

        host.Describe("recording ended");
        host.Clock.WaitUntil(long.MaxValue, stop);
    }

    /// <returns>The number of good sentences.</returns>
    private static long Play(string path, INmeaDecoder decoder, StopEvent stopEvent, ReplayPace pace, FixPublisher publisher, CancellationToken stop)
    {
        using var file = FileDescriptor.OpenRead(path);
        var buffer = new byte[GnssLimits.ReadBytes];
        while (!stop.IsCancellationRequested)
        {
            var read = file.Read(buffer, out var error);
            if (error == Libc.EAGAIN)
            {
                if (file.WaitReadable(stopEvent, LookMs) == Readiness.Timeout)
                {
                    publisher.SayQuiet();
                }

                continue;
            }

            if (read < 0)
            {
                throw FileDescriptor.Fault(path, error);
            }

            var data = (ReadOnlySpan<byte>)buffer.AsSpan(0, read);
            while (read > 0 ? decoder.TryRead(ref data, out var fix) : decoder.TryFinish(out fix))
            {
                if (!fix.IsRevised && pace.WaitFor(fix, out var bootNs))
                {
                    publisher.Publish(fix, bootNs);
                }
            }

            publisher.Count(decoder.Counts);
            if (read == 0)
            {
                break;
            }
        }

        publisher.EndCount();
        return decoder.Counts.Good;
    }
}

/// <summary>When the fixes of a recording are due.</summary>
internal sealed class ReplayPace(IClock clock, bool isPaced, CancellationToken stop)
{
    private long _unixNs = GnssFix.NoTime;
    private long _dueNs = long.MinValue;

    /// <summary>Waits until <paramref name="fix"/> is due.</summary>
    /// <returns>False when stopped first.</returns>
    public bool WaitFor(in GnssFix fix, out long bootNs)
    {
        if (!isPaced || _dueNs == long.MinValue)
        {
            // Unpaced rows come as fast as they are taken, each a little later than the one before.
            _dueNs = Math.Max(clock.BootNs, _dueNs + 1);
        }
        else
        {
            // A recording that jumps back was put together from several; one that jumps far ahead had a pause.
            var step = fix.HasTime && _unixNs != GnssFix.NoTime ? fix.UnixNs - _unixNs : GnssLimits.ReplayStepNs;
            _dueNs += step < 0 ? GnssLimits.ReplayStepNs : Math.Min(step, GnssLimits.ReplayGapNsMax);
        }

        _unixNs = fix.UnixNs;
        bootNs = _dueNs;
        return isPaced ? clock.WaitUntil(_dueNs, stop) : !stop.IsCancellationRequested;
    }

    /// <summary>The recording begins again.</summary>
    public void NextRound() => _unixNs = GnssFix.NoTime;
}
