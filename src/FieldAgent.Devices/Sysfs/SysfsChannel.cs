using FieldAgent.Core;

namespace FieldAgent.Devices;

/// <summary>What a channel is and how it is read, before it is opened.</summary>
/// <param name="Name">The stream's name.</param>
/// <param name="Unit">UCUM code.</param>
/// <param name="Path">The file with the number.</param>
/// <param name="FaultPath">A file whose 1 says that the number must not be trusted (hwmon's <c>_fault</c>), or null.</param>
/// <param name="Conversion">Number to value.</param>
/// <param name="Step">The configured step of the values, or 0 to find it out.</param>
internal sealed record SysfsChannelPlan(
    string Name, string Unit, string Path, string? FaultPath, LinearConversion Conversion, double Step);

/// <summary>An open channel. One thread.</summary>
internal sealed class SysfsChannel : IDisposable
{
    private readonly SysfsFile _file;
    private readonly SysfsFile? _fault;
    private readonly StepConversion _conversion;

    private SysfsChannel(SysfsChannelPlan plan, SysfsFile file, SysfsFile? fault, int decimals)
    {
        _file = file;
        _fault = fault;
        _conversion = new StepConversion(plan.Conversion, plan.Step, decimals);
        Stream = new StreamInfo(plan.Name, plan.Unit, _conversion.Step);
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

        value = _conversion.Convert(number);
        return errno;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _file.Dispose();
        _fault?.Dispose();
    }
}
