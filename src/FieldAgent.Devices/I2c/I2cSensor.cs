using FieldAgent.Core;

namespace FieldAgent.Devices.I2c;

/// <summary>A chip on a bus, polled.</summary>
/// <param name="setup">Name and options.</param>
/// <param name="buses">Where the bus comes from.</param>
/// <param name="address">Address, 7 bits.</param>
/// <param name="instrument">What it is; null only beside a configuration error.</param>
/// <param name="selection">Which of its streams are read; null only beside a configuration error.</param>
internal sealed class I2cSensor(SensorSetup setup, I2cBuses buses, byte address, II2cInstrument? instrument, StreamSelection? selection)
    : PolledSensor(setup.Name, setup.Options.Get(SensorOptions.Field), setup.Options.Get(SensorOptions.Interval))
{
    /// <inheritdoc/>
    protected override IPolledDevice Open(ISensorHost host, CancellationToken stop)
    {
        ArgumentNullException.ThrowIfNull(instrument);
        ArgumentNullException.ThrowIfNull(selection);
        var options = setup.Options;
        var set = new StreamSet(Name, Field, selection.Streams, IntervalNs, options.Get(SensorOptions.Urgent), options.ReadImportance());
        var bus = buses.Take(setup.DevicePath(options.Get(I2cOptions.Bus)));
        try
        {
            var chip = new I2cChip(bus, address, (int)options.Get(I2cOptions.Retries), host, stop);
            chip.Begin();
            try
            {
                instrument.Start(chip);
            }
            finally
            {
                chip.End();
            }

            return new Device(set, bus, chip, instrument, selection);
        }
        catch
        {
            bus.Dispose();
            throw;
        }
    }

    private sealed class Device(StreamSet set, I2cBusOwner bus, I2cChip chip, II2cInstrument instrument, StreamSelection selection) : IPolledDevice
    {
        private readonly double[] _values = new double[instrument.Streams.Length];

        public StreamSet Set => set;

        public ulong Poll(Span<double> values)
        {
            chip.Begin();
            try
            {
                return selection.Convert(_values, instrument.Poll(chip, selection.Wanted, _values), values);
            }
            finally
            {
                chip.End();
            }
        }

        public void Dispose() => bus.Dispose();
    }
}
