using FieldAgent.Core;

namespace FieldAgent.Devices.I2c;

/// <summary>One chip on a bus, as a running sensor sees it: tries again what a disturbance spoilt, counts it, and says what is wrong.
/// One thread.</summary>
/// <param name="bus">Its bus.</param>
/// <param name="address">Its address, 7 bits.</param>
/// <param name="retries">How often a transaction is tried again.</param>
/// <param name="host">Where is counted, and whose clock waits.</param>
/// <param name="stop">Ends waits.</param>
internal sealed class I2cChip(I2cBusOwner bus, byte address, int retries, ISensorHost host, CancellationToken stop)
{
    /// <summary>The place, for messages.</summary>
    public string Place => $"{bus.Name}, address 0x{address:x2}";

    /// <summary>A transaction; a missing answer and a lost arbitration are tried again, a time-out is not: each takes the bus for a second.
    /// Does not allocate.</summary>
    public I2cOutcome Transfer(ReadOnlySpan<byte> write, Span<byte> read)
    {
        for (var attempt = 0; ; attempt++)
        {
            var outcome = bus.Transfer(address, write, read);
            switch (outcome)
            {
                case I2cOutcome.NoAnswer:
                    host.Skipped("no-answer");
                    break;
                case I2cOutcome.ArbitrationLost:
                    host.Skipped("arbitration-lost");
                    break;
                case I2cOutcome.TimedOut:
                    host.Skipped("bus-timeout");
                    return outcome;
                default:
                    return outcome;
            }

            if (attempt >= retries)
            {
                return outcome;
            }
        }
    }

    /// <summary>A transaction that must succeed.</summary>
    /// <exception cref="SensorFault">It did not.</exception>
    public void MustTransfer(ReadOnlySpan<byte> write, Span<byte> read)
    {
        var outcome = Transfer(write, read);
        if (outcome != I2cOutcome.Done)
        {
            throw Fault(outcome);
        }
    }

    /// <summary>Waits for the chip to be ready.</summary>
    /// <returns>False when the sensor shall stop.</returns>
    public bool Wait(TimeSpan span) => span <= TimeSpan.Zero || host.Clock.Wait(span, stop);

    /// <summary>Counts something that made a value be absent.</summary>
    public void Count(string reason) => host.Skipped(reason);

    /// <summary>Takes the chip for a sequence of transactions.</summary>
    /// <exception cref="SensorFault">Another sensor has it all the time.</exception>
    public void Begin()
    {
        if (!bus.TryBeginSequence(address))
        {
            throw Fault(I2cOutcome.Busy);
        }
    }

    /// <summary>Gives it back.</summary>
    public void End() => bus.EndSequence(address);

    /// <summary>Which chip it is by its id registers, as its driver is called; empty when none of the known ones.</summary>
    public string Recognise()
    {
        var probe = new I2cProbe(bus.Name, address, (_, at, write, read) => bus.Transfer(at, write, read) == I2cOutcome.Done);
        return string.Join(" or ", I2cChips.All.Where(family => family.Addresses.Contains(address))
            .Select(family => family.Recognise(probe).Name).Where(static name => name.Length > 0).Distinct());
    }

    /// <summary>The fault that an outcome stands for.</summary>
    public SensorFault Fault(I2cOutcome outcome) => outcome switch
    {
        I2cOutcome.NoAnswer => new(SensorFaultKind.Absent, Place,
            "No chip answers there. Check wiring, power and 'address'; it is looked for again by itself."),
        I2cOutcome.ArbitrationLost => new(SensorFaultKind.Busy, Place,
            "Another master takes the bus each time. Disconnect it, or give this chip a bus of its own."),
        I2cOutcome.TimedOut => new(SensorFaultKind.Timeout, Place,
            "The bus hangs: a chip holds SCL or SDA low. Check pull-ups and cable length, and switch the chip off and on."),
        I2cOutcome.Busy => new(SensorFaultKind.Busy, Place,
            "The bus did not become free. A chip may hold SDA low: switch it off and on; or fewer sensors, or longer intervals."),
        I2cOutcome.BusAbsent => new(SensorFaultKind.Absent, bus.Name,
            "There is no such bus: switch I2C on (dtparam=i2c_arm=on in config.txt), load i2c-dev, or correct 'bus'."),
        I2cOutcome.Refused => new(SensorFaultKind.Refused, bus.Name, "Access is denied: add the agent's user to group i2c."),
        I2cOutcome.NotABus => new(SensorFaultKind.Malformed, bus.Name, "It is not an I2C bus: correct 'bus'."),
        _ => new(SensorFaultKind.Io, Place, "The bus adapter reports a fault; the kernel's log (dmesg) may say more."),
    };
}
