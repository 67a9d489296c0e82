using System.Device.Gpio;
using System.Device.Gpio.Drivers;
using System.Globalization;
using FieldAgent.Core;
using FieldAgent.Devices.Gpio;

namespace FieldAgent.Devices.DotNetIot;

/// <summary>GPIO over System.Device.Gpio, which asks libgpiod (Debian <c>libgpiod2</c>, or version 3). Chips and lines are found by label
/// and name as with the default stack: the package knows numbers alone.</summary>
/// <remarks>What the package does not offer is refused: switching the resistor off, and outputs that drive to one side only. It gives edges
/// no time and no number: they get those of the moment at which its thread reports them, so what the kernel dropped before is not seen.</remarks>
/// <param name="dev">The folder of device nodes: <c>/dev</c>.</param>
internal sealed class IotGpio(string dev) : IGpioController
{
    /// <inheritdoc/>
    public IGpioLines Request(GpioRequest request)
    {
        using var chip = GpioChip.Find(dev, request.Chip, request.Lines[0].Line);
        var offsets = chip.OffsetsOf(request.Lines);
        if (request.Lines.Any(static line => line.Bias == GpioBias.None || line.Drive != GpioDrive.PushPull))
        {
            throw new SensorFault(SensorFaultKind.Malformed, chip.Path,
                "System.Device.Gpio, with which this program was built, cannot do this: try without 'bias': \"none\", and an open drain or source.");
        }

        var controller = new GpioController(OpenDriver(chip));
        try
        {
            for (var i = 0; i < offsets.Length; i++)
            {
                Open(controller, (int)offsets[i], request, i);
            }

            return new IotGpioLines(controller, request, offsets, $"{chip.Name} ({chip.Label})");
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            controller.Dispose();
            throw chip.HolderFault(request.Lines, offsets)
                ?? new SensorFault(SensorFaultKind.Io, chip.Path, $"System.Device.Gpio: {e.Message}");
        }
    }

    private static void Open(GpioController controller, int offset, GpioRequest request, int index)
    {
        var line = request.Lines[index];
        if (request.Output)
        {
            controller.OpenPin(offset, PinMode.Output, ((request.Initial >> index) & 1) != 0 != line.ActiveLow ? PinValue.High : PinValue.Low);
            return;
        }

        controller.OpenPin(offset, line.Bias switch
        {
            GpioBias.PullUp => PinMode.InputPullUp,
            GpioBias.PullDown => PinMode.InputPullDown,
            _ => PinMode.Input,
        });
    }

    private static GpioDriver OpenDriver(GpioChip chip)
    {
        var number = int.Parse(chip.Name.AsSpan("gpiochip".Length), CultureInfo.InvariantCulture);
        try
        {
            return new LibGpiodDriver(number);
        }
        catch (Exception e) when (e is PlatformNotSupportedException or DllNotFoundException or TypeInitializationException)
        {
            return OpenNewerDriver(chip, number);
        }
        catch (IOException e)
        {
            throw new SensorFault(SensorFaultKind.Io, chip.Path, $"System.Device.Gpio: {e.Message}");
        }
    }

    private static LibGpiodV2Driver OpenNewerDriver(GpioChip chip, int number)
    {
        try
        {
            return new LibGpiodV2Driver(number);
        }
        catch (Exception e) when (e is PlatformNotSupportedException or DllNotFoundException or TypeInitializationException)
        {
            throw new SensorFault(SensorFaultKind.Refused, chip.Path,
                "System.Device.Gpio finds no libgpiod: install libgpiod2 (or libgpiod3), or use a program built with the default stack.");
        }
    }
}
