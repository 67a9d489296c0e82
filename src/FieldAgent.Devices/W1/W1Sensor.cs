using FieldAgent.Core;
using FieldAgent.Core.Configuration;
using Microsoft.Win32.SafeHandles;

namespace FieldAgent.Devices.W1;

/// <summary>Thermometers on a 1-Wire bus; each may come and go, and its serial number is said nowhere.</summary>
internal sealed class W1Sensor(SensorSetup setup)
    : PolledSensor(setup.Name, setup.Options.Get(SensorOptions.Field), setup.Options.Get(W1Kind.Interval))
{
    /// <inheritdoc/>
    public override TimeSpan CallLimit { get; } = W1Kind.ConversionMax * setup.Options.Get(W1Kind.Thermometers).Count;

    /// <inheritdoc/>
    protected override IPolledDevice Open(ISensorHost host, CancellationToken stop)
    {
        var folder = setup.DevicePath(W1Bus.Folder);
        var found = W1Bus.Thermometers(folder);
        var wanted = setup.Options.Get(W1Kind.Thermometers);
        var open = new List<W1Thermometer>();
        foreach (var one in wanted)
        {
            var id = one.Has(W1Kind.Id) ? one.Get(W1Kind.Id) : found.Count == 1 ? found[0] : throw new SensorFault(
                found.Count == 0 ? SensorFaultKind.Absent : SensorFaultKind.Malformed, $"1-Wire thermometer '{one.Get(W1Kind.Name)}'",
                found.Count == 0
                    ? "There is none on the bus: check wiring, and the pull-up of 4.7 kΩ."
                    : $"There are {found.Count} on the bus: tell which with 'id' (ls {W1Bus.Folder}).");
            open.Add(new W1Thermometer(one.Get(W1Kind.Name), Path.Join(folder, id, "w1_slave"), one.Get(W1Kind.Add)));
        }

        var set = new StreamSet(
            Name, Field, [.. open.Select(static one => new StreamInfo(one.Name, "Cel", 0.001))], IntervalNs,
            setup.Options.Get(SensorOptions.Urgent), setup.Options.ReadImportance());
        return new Device(host, open, set, stop);
    }

    private sealed class Device(ISensorHost host, List<W1Thermometer> thermometers, StreamSet set, CancellationToken stop) : IPolledDevice
    {
        /// <summary>So many rounds without one value from any: the sensor is said to be broken, and opened anew.</summary>
        private const int EmptyRoundsMax = 5;

        private int _emptyRounds;
        private string _said = "";

        public StreamSet Set => set;

        public ulong Poll(Span<double> values)
        {
            var present = 0UL;
            var worst = (Outcome: W1Outcome.Good, Name: "");
            for (var i = 0; i < thermometers.Count && !stop.IsCancellationRequested; i++)
            {
                var one = thermometers[i];
                var outcome = one.Read(host, out values[i]);
                if (outcome == W1Outcome.Good)
                {
                    present |= one.IsBelieved(ref values[i], host) ? 1UL << i : 0;
                }
                else if (worst.Outcome == W1Outcome.Good)
                {
                    worst = (outcome, one.Name);
                }
            }

            if (!stop.IsCancellationRequested)
            {
                Judge(present, worst.Outcome, worst.Name);
            }

            return present;
        }

        public void Dispose() => thermometers.ForEach(static one => one.Dispose());

        private void Judge(ulong present, W1Outcome worst, string name)
        {
            _emptyRounds = present != 0 || worst == W1Outcome.Good ? 0 : _emptyRounds + 1;
            if (_emptyRounds > 0 && (worst == W1Outcome.Absent || _emptyRounds >= EmptyRoundsMax))
            {
                var place = $"1-Wire thermometer '{name}'";
                throw worst == W1Outcome.Absent
                    ? new SensorFault(SensorFaultKind.Absent, place, "It is not on the bus: check wiring and 'id'; it is looked for again by itself.")
                    : new SensorFault(SensorFaultKind.Malformed, place, "Its answers are garbled: check the pull-up of 4.7 kΩ, the cable's length, and its supply.");
            }

            if (name != _said)
            {
                _said = name;
                host.Describe(name.Length > 0 ? $"'{name}' does not answer" : "");
            }
        }
    }
}

/// <summary>One thermometer, whose file stays open while it is on the bus. One thread.</summary>
internal sealed class W1Thermometer(string name, string path, double add) : IDisposable
{
    private const int TextBytes = 160;

    /// <summary>What it says after power came on and before it has measured; also a true temperature.</summary>
    private const double PowerOnCelsius = 85;

    /// <summary>A true 85 °C comes from one that was near it.</summary>
    private const double NearCelsius = 10;

    private SafeFileHandle? _file;
    private double _last = double.NaN;

    /// <summary>Its stream's name.</summary>
    public string Name => name;

    /// <summary>Reads it: up to 750 ms. What is wrong is counted.</summary>
    public W1Outcome Read(ISensorHost host, out double celsius)
    {
        var outcome = Read(out celsius);
        switch (outcome)
        {
            case W1Outcome.Absent:
                host.Skipped("absent");
                _last = double.NaN;
                break;
            case W1Outcome.Checksum:
                host.Skipped("checksum");
                break;
            case W1Outcome.Malformed:
                host.Skipped("malformed");
                break;
            default:
                break;
        }

        return outcome;
    }

    /// <summary>Whether a temperature is one, and not the value at power-on; then it is corrected by the configured offset.</summary>
    public bool IsBelieved(ref double celsius, ISensorHost host)
    {
        if (celsius == PowerOnCelsius && !(Math.Abs(_last - PowerOnCelsius) <= NearCelsius))
        {
            host.Skipped("power-on");
            return false;
        }

        _last = celsius;
        celsius += add;
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _file?.Dispose();
        _file = null;
    }

    private W1Outcome Read(out double celsius)
    {
        celsius = 0;
        if (_file is not null && SysfsNative.IsUnlinked(_file))
        {
            Dispose();
        }

        if (_file is null)
        {
            var errno = SysfsNative.Open(path, out var file);
            if (errno != 0)
            {
                file.Dispose();
                return SysfsFault.KindOf(errno) == SensorFaultKind.Refused ? throw Fault(errno) : W1Outcome.Absent;
            }

            _file = file;
        }

        Span<byte> text = stackalloc byte[TextBytes];
        var read = SysfsNative.Read(_file, text);
        if (read >= 0)
        {
            return W1Bus.Parse(text[..read], out celsius);
        }

        // The driver answers EIO when a thermometer does not react to a reset pulse, and ENODEV once it is off the list.
        Dispose();
        return W1Outcome.Absent;
    }

    // Its path holds the serial number.
    private SensorFault Fault(int errno) => new(SysfsFault.KindOf(errno), $"1-Wire thermometer '{name}'", SysfsFault.Of(errno, "").Remedy);
}
