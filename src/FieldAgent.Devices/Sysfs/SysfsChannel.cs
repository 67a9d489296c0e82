using FieldAgent.Core;

namespace FieldAgent.Devices;

/// <summary>How the number in a file becomes a value: <c>(number + Offset) × Gain + Add</c>, in the stream's unit.</summary>
/// <param name="Offset">Added to the number first (IIO's <c>_offset</c>).</param>
/// <param name="Gain">The kernel's scale, times the conversion to the unit, times the configured factor.</param>
/// <param name="Add">Configured shift, in the unit.</param>
internal readonly record struct SysfsConversion(double Offset, double Gain, double Add);

/// <summary>What a channel is and how it is read, before it is opened.</summary>
/// <param name="Name">The stream's name.</param>
/// <param name="Unit">UCUM code.</param>
/// <param name="Path">The file with the number.</param>
/// <param name="FaultPath">A file whose 1 says that the number must not be trusted (hwmon's <c>_fault</c>), or null.</param>
/// <param name="Conversion">Number to value.</param>
/// <param name="Step">The configured step of the values, or 0 to find it out.</param>
internal sealed record SysfsChannelPlan(
    string Name, string Unit, string Path, string? FaultPath, SysfsConversion Conversion, double Step);

/// <summary>An open channel. One thread.</summary>
internal sealed class SysfsChannel : IDisposable
{
    private readonly SysfsFile _file;
    private readonly SysfsFile? _fault;
    private readonly SysfsConversion _conversion;
    private readonly double _step;
    private readonly bool _isWholeSteps;

    private SysfsChannel(SysfsChannelPlan plan, SysfsFile file, SysfsFile? fault, int decimals)
    {
        _file = file;
        _fault = fault;
        var conversion = plan.Conversion;
        var kept = Math.Min(decimals, DeviceLimits.SysfsDecimalsMax);
        var unitStep = Math.Abs(conversion.Gain) * Math.Pow(10, -kept);

        // A whole number plus a whole offset is a whole number of steps: stored as that number. Else the values do not lie on the
        // converter's grid, and a decimal grid at least ten times as fine stands in for it.
        _isWholeSteps = plan.Step == 0 && decimals == 0 && conversion.Add == 0 && double.IsInteger(conversion.Offset);
        _step = plan.Step > 0 ? plan.Step
            : _isWholeSteps || (conversion.Add == 0 && conversion.Offset == 0) ? unitStep
            : unitStep > 0 ? Math.Pow(10, Math.Floor(Math.Log10(unitStep / 10)))
            : 0;
        _conversion = _isWholeSteps ? conversion with { Gain = Math.Sign(conversion.Gain) } : conversion;
        Stream = new StreamInfo(plan.Name, plan.Unit, _step);
    }

    /// <summary>The stream, with the step of its values as scale.</summary>
    public StreamInfo Stream { get; }

    /// <summary>Where it is read.</summary>
    public string FullPath => _file.FullPath;

    /// <summary>Opens the channel and reads it once to learn how the kernel prints it.</summary>
    /// <exception cref="SensorFault">It is absent or refused.</exception>
    public static SysfsChannel Open(SysfsChannelPlan plan)
    {
        var file = SysfsFile.Open(plan.Path);
        SysfsFile? fault = null;
        try
        {
            var errno = file.Read(out _, out var decimals);
            if (errno != 0 && SysfsFault.KindOf(errno) is SensorFaultKind.Absent or SensorFaultKind.Refused)
            {
                throw SysfsFault.Of(errno, plan.Path);
            }

            fault = plan.FaultPath is null ? null : SysfsFile.Open(plan.FaultPath);
            return new SysfsChannel(plan, file, fault, decimals);
        }
        catch
        {
            file.Dispose();
            fault?.Dispose();
            throw;
        }
    }

    /// <summary>Reads the value; no allocation.</summary>
    /// <returns>0, or the errno. ENODATA: no value at this moment (disabled, not ready, marked as faulty).</returns>
    public int Read(out double value)
    {
        var errno = _file.Read(out var number, out _);
        if (errno == 0 && _fault is not null && _fault.Read(out var faulty, out _) == 0 && faulty != 0)
        {
            errno = SysfsNative.ENODATA;
        }

        var exact = ((number + _conversion.Offset) * _conversion.Gain) + _conversion.Add;
        value = _isWholeSteps ? exact * _step : _step > 0 ? Math.Round(exact / _step) * _step : exact;
        return errno;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _file.Dispose();
        _fault?.Dispose();
    }
}
