using System.Device.I2c;
using System.Globalization;
using FieldAgent.Devices.I2c;
using FieldAgent.Devices.Linux;

namespace FieldAgent.Devices.DotNetIot;

/// <summary>A bus over System.Device.I2c, which knows <c>/dev/i2c-N</c> by its number alone.</summary>
/// <param name="path">The device node.</param>
internal sealed class IotI2cBus(string path) : II2cBus
{
    private const string Prefix = "/dev/i2c-";

    private readonly I2cDevice?[] _devices = new I2cDevice?[128];
    private I2cBus? _bus;

    /// <inheritdoc/>
    public string Name => path;

    /// <inheritdoc/>
    public I2cOutcome Transfer(byte address, ReadOnlySpan<byte> write, Span<byte> read)
    {
        if (_bus is null && !File.Exists(path))
        {
            return I2cOutcome.BusAbsent;
        }

        if (!path.StartsWith(Prefix, StringComparison.Ordinal)
            || !int.TryParse(path.AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return I2cOutcome.NotABus;
        }

        try
        {
            _bus ??= I2cBus.Create(number);
            var device = _devices[address & 0x7f] ??= _bus.CreateDevice(address);
            if (read.Length == 0)
            {
                device.Write(write);
            }
            else if (write.Length == 0)
            {
                device.Read(read);
            }
            else
            {
                device.WriteRead(write, read);
            }

            return I2cOutcome.Done;
        }
        catch (IOException e)
        {
            var error = ErrorOf(e.Message);
            var outcome = _bus is null && error == Libc.ENXIO ? I2cOutcome.BusAbsent : LinuxI2cBus.OutcomeOf(error);
            if (outcome is not (I2cOutcome.NoAnswer or I2cOutcome.ArbitrationLost or I2cOutcome.TimedOut or I2cOutcome.Busy))
            {
                Dispose();
            }

            return outcome;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Array.Clear(_devices);
        _bus?.Dispose();
        _bus = null;
    }

    // The package tells the errno in its text alone: "Error 121 (Remote I/O error) performing I2C data transfer."
    private static int ErrorOf(string message)
    {
        var digits = message.AsSpan();
        var start = digits.IndexOfAnyInRange('0', '9');
        digits = start < 0 ? default : digits[start..];
        var end = digits.IndexOfAnyExceptInRange('0', '9');
        return int.TryParse(end < 0 ? digits : digits[..end], NumberStyles.None, CultureInfo.InvariantCulture, out var error) ? error : 0;
    }
}
