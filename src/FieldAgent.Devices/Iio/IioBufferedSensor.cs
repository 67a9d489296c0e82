using System.Globalization;
using FieldAgent.Core;
using FieldAgent.Devices.Linux;

namespace FieldAgent.Devices;

/// <summary>An IIO chip whose samples come through the kernel's buffer: nothing is lost between two wake-ups, and each row has the time at which
/// the kernel took it. Samples that are missing (dropped by a full buffer, or never taken because the trigger came too late) are seen by the holes
/// in the times, and counted as <c>overrun</c>.</summary>
internal sealed class IioBufferedSensor(SensorSetup setup) : ISensor
{
    private const int BlockBytes = 64 << 10;
    private const int LookMs = 1_000;

    // A trigger that does not fire is a fault; ten periods of a slow one are none.
    private const long SilenceNs = 5 * ClockExtensions.NsPerSecond;
    private const int SilencePeriods = 10;

    // And so many looks: a machine that stood still for a while has not listened.
    private const int SilenceLooks = 3;

    private readonly string _field = setup.Options.Get(SensorOptions.Field);

    /// <inheritdoc/>
    public string Name => setup.Name;

    /// <inheritdoc/>
    public IReadOnlyList<string> OpensFor => [_field];

    /// <inheritdoc/>
    public void Run(ISensorHost host, CancellationToken stop)
    {
        using var stopped = new StopEvent(stop);
        using var buffer = IioBuffer.Start(setup);
        var decoder = new ScanDecoder(buffer, host);
        var writer = host.Declare(new StreamSet(
            Name, _field, decoder.Streams, decoder.PeriodNs, setup.Options.Get(SensorOptions.Urgent), setup.Options.ReadImportance()));
        var description = buffer.Rate > 0 ? string.Create(CultureInfo.InvariantCulture, $"buffered, {buffer.Rate:0.###} Hz") : "buffered";
        host.Describe(description);
        var block = new byte[Math.Max(1, BlockBytes / buffer.ScanBytes) * buffer.ScanBytes];
        var values = new double[decoder.Streams.Length];
        var kept = 0;
        var silenceNs = Math.Max(SilenceNs, SilencePeriods * decoder.PeriodNs);
        var heardNs = host.Clock.BootNs;
        var looks = 0;
        while (true)
        {
            if (buffer.Descriptor.WaitReadable(stopped, LookMs) == Readiness.Stopped)
            {
                return;
            }

            var read = buffer.Descriptor.Read(block.AsSpan(kept), out var error);
            if (read < 0 && error == Libc.EAGAIN)
            {
                if (++looks >= SilenceLooks && host.Clock.BootNs - heardNs > silenceNs)
                {
                    throw new SensorFault(SensorFaultKind.Timeout, buffer.Device, "No sample comes: the trigger does not fire. Check 'trigger' and its rate, or the chip's interrupt line.");
                }

                // A slow trigger is no call that hangs.
                host.Describe(description);
                continue;
            }

            if (read <= 0)
            {
                throw FileDescriptor.Fault(buffer.Device, read == 0 ? Libc.ENODEV : error);
            }

            heardNs = host.Clock.BootNs;
            looks = 0;
            var bytes = block.AsSpan(0, kept + read);
            var scans = bytes.Length / buffer.ScanBytes;
            for (var i = 0; i < scans; i++)
            {
                var bootNs = decoder.Decode(bytes.Slice(i * buffer.ScanBytes, buffer.ScanBytes), heardNs, scans - 1 - i, values);
                if (!writer.Write(bootNs, values, stop))
                {
                    return;
                }
            }

            kept = bytes.Length - (scans * buffer.ScanBytes);
            bytes[^kept..].CopyTo(block);
        }
    }
}
