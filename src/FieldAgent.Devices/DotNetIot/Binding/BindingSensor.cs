using FieldAgent.Core;
using FieldAgent.Devices.I2c;

namespace FieldAgent.Devices.DotNetIot;

/// <summary>A binding, polled.</summary>
/// <param name="setup">Name and options.</param>
/// <param name="buses">Where the bus comes from.</param>
/// <param name="model">Which binding; null only beside a configuration error.</param>
/// <param name="address">Address, 7 bits.</param>
internal sealed class BindingSensor(SensorSetup setup, I2cBuses buses, BindingModel? model, byte address)
    : PolledSensor(setup.Name, setup.Options.Get(SensorOptions.Field), setup.Options.Get(SensorOptions.Interval))
{
    /// <inheritdoc/>
    protected override IPolledDevice Open(ISensorHost host, CancellationToken stop)
    {
        ArgumentNullException.ThrowIfNull(model);
        var options = setup.Options;
        var set = new StreamSet(Name, Field, model.Streams, IntervalNs, options.Get(SensorOptions.Urgent), options.ReadImportance());
        var bus = buses.Take(setup.DevicePath(options.Get(I2cOptions.Bus)));
        try
        {
            var chip = new I2cChip(bus, address, (int)options.Get(I2cOptions.Retries), host, stop);
            return new Device(set, bus, chip, InSequence(chip, model, () => model.Open(new BusDevice(chip, address))), model);
        }
        catch
        {
            bus.Dispose();
            throw;
        }
    }

    // What a binding says of a chip that answers with nonsense is an exception of any kind.
    private static T InSequence<T>(I2cChip chip, BindingModel model, Func<T> work)
    {
        chip.Begin();
        try
        {
            return work();
        }
        catch (Exception e) when (e is not (SensorFault or OperationCanceledException))
        {
            throw new SensorFault(SensorFaultKind.Malformed, chip.Place, $"{model.Name}: {e.Message} Correct 'model' or 'address', or look what is wired there.");
        }
        finally
        {
            chip.End();
        }
    }

    private sealed class Device(StreamSet set, I2cBusOwner bus, I2cChip chip, OpenBinding binding, BindingModel model) : IPolledDevice
    {
        private readonly double[] _values = new double[set.Streams.Length];

        public StreamSet Set => set;

        public ulong Poll(Span<double> values)
        {
            InSequence(chip, model, () =>
            {
                binding.Read(_values);
                return true;
            });
            ulong present = 0;
            for (var i = 0; i < _values.Length; i++)
            {
                values[i] = _values[i];
                present |= double.IsNaN(_values[i]) ? 0 : 1UL << i;
            }

            return present;
        }

        public void Dispose()
        {
            try
            {
                // Some switch their chip off, which may be gone.
                binding.Device.Dispose();
            }
            catch (SensorFault)
            {
                // It is being closed.
            }
            finally
            {
                bus.Dispose();
            }
        }
    }
}
