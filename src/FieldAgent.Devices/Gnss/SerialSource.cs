using FieldAgent.Core;
using FieldAgent.Devices.Linux;

namespace FieldAgent.Devices.Gnss;

/// <summary>Reads a receiver on a serial device or pty.</summary>
internal static class SerialSource
{
    /// <summary>Most time between two looks at the clock while the line is silent.</summary>
    private const int TickMs = 1000;

    /// <summary>The number under which a speed that was found is remembered.</summary>
    private const string Remembered = "baud";

    /// <summary>Reads until <paramref name="stop"/>.</summary>
    /// <param name="path">The device.</param>
    /// <param name="baud">Its speed; 0: it is found out, and remembered.</param>
    /// <param name="open">Makes what decodes.</param>
    /// <param name="host">For the agent's clock, and for what is remembered.</param>
    /// <param name="publisher">Gets the fixes.</param>
    /// <param name="stop">Ends the reading at once.</param>
    /// <exception cref="SensorFault">Absent, refused, unplugged, or silent for long.</exception>
    public static void Run(
        string path, int baud, Func<int, INmeaDecoder> open, ISensorHost host, FixPublisher publisher, CancellationToken stop)
    {
        var clock = host.Clock;
        var lastGoodNs = clock.BootNs;
        var search = baud == 0 ? new BaudSearch(lastGoodNs, (int)host.Memory.Recall(Remembered)) : null;
        using var stopEvent = new StopEvent(stop);
        using var line = SerialLine.Open(path, search?.Baud ?? baud);
        long bytes = 0;
        var decoder = open(GnssLimits.LiveNotBeforeDay);
        var buffer = new byte[GnssLimits.ReadBytes];
        var epoch = new EpochTiming();
        long good = 0;
        while (true)
        {
            var readiness = line.Descriptor.WaitReadable(stopEvent, epoch.IsPending ? epoch.QuietMs : TickMs);
            if (readiness == Readiness.Stopped)
            {
                return;
            }

            var nowNs = clock.BootNs;
            if (readiness == Readiness.Timeout)
            {
                if (decoder.TryComplete(out var waiting))
                {
                    publisher.Publish(waiting, epoch.ArrivedNs);
                }

                epoch.End();
            }
            else if (Read(path, line.Descriptor, buffer) is > 0 and var read)
            {
                epoch.Begin(nowNs);
                bytes += read;
                var data = (ReadOnlySpan<byte>)buffer.AsSpan(0, read);
                while (decoder.TryRead(ref data, out var fix))
                {
                    if (!fix.IsRevised)
                    {
                        publisher.Publish(fix, epoch.ArrivedNs);
                        epoch.Next(nowNs);
                    }
                }

                epoch.Learn(decoder.LateSentences);
            }

            var counts = decoder.Counts;
            publisher.Count(counts);
            publisher.Tick(nowNs);
            if (search is not null)
            {
                Follow(search, line, path, host, nowNs, counts.Good + counts.Foreign, bytes);
            }

            if (counts.Good + counts.Foreign > good)
            {
                good = counts.Good + counts.Foreign;
                lastGoodNs = nowNs;
            }
            else if (nowNs - lastGoodNs > GnssLimits.SerialSilenceNs)
            {
                throw counts.Faulty > 0
                    ? new SensorFault(SensorFaultKind.Malformed, DeviceName.Of(path), $"Bytes come, but no NMEA: set another 'baud' ({SerialLine.KnownSpeeds}), or NMEA output on the receiver.")
                    : new SensorFault(SensorFaultKind.Timeout, DeviceName.Of(path), "The receiver sends nothing: check its power, its wiring and 'baud'.");
            }
        }
    }

    private static void Follow(BaudSearch search, SerialLine line, string path, ISensorHost host, long nowNs, long good, long bytes)
    {
        var was = search.IsFound;
        if (search.Look(nowNs, good, bytes) && !line.TryChange(path, search.Baud))
        {
            search.Next(nowNs);
            _ = line.TryChange(path, search.Baud);
        }

        if (search.IsFound && !was)
        {
            host.Memory.Remember(Remembered, search.Baud);
        }
    }

    private static int Read(string path, FileDescriptor descriptor, byte[] buffer)
    {
        var read = descriptor.Read(buffer, out var error);
        return read switch
        {
            > 0 => read,
            0 => throw FileDescriptor.Fault(path, Libc.EIO),
            _ when error == Libc.EAGAIN => 0,
            _ => throw FileDescriptor.Fault(path, error),
        };
    }

    /// <summary>When the epoch that is being received began, and how long a pause ends it.</summary>
    private struct EpochTiming()
    {
        private long _late;

        /// <summary>True while an epoch is coming in.</summary>
        public bool IsPending { get; private set; }

        /// <summary>Boot-time of its first byte: the moment nearest to the fix.</summary>
        public long ArrivedNs { get; private set; }

        /// <summary>Pause that ends an epoch.</summary>
        public int QuietMs { get; private set; } = GnssLimits.EpochQuietMs;

        public void Begin(long nowNs)
        {
            if (!IsPending)
            {
                Next(nowNs);
            }
        }

        public void Next(long nowNs)
        {
            IsPending = true;
            ArrivedNs = nowNs;
        }

        public void End() => IsPending = false;

        /// <summary>A receiver that pauses within its epochs gets more time.</summary>
        public void Learn(long lateSentences)
        {
            if (lateSentences > _late)
            {
                _late = lateSentences;
                QuietMs = Math.Min(QuietMs * 2, GnssLimits.EpochQuietMsMax);
            }
        }
    }
}
