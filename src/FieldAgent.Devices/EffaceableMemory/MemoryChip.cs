using FieldAgent.Core;
using FieldAgent.Devices.I2c;

namespace FieldAgent.Devices.EffaceableMemory;

/// <summary>A memory on a bus, which is opened for each transaction: there are a few an erasure.</summary>
/// <param name="buses">Where the bus comes from.</param>
/// <param name="path">The bus.</param>
/// <param name="address">Address, 7 bits.</param>
internal sealed class MemoryChip(I2cBuses buses, string path, byte address)
{
    /// <summary>Where it is, for messages.</summary>
    public string Place => $"{path}, address 0x{address:x2}";

    /// <summary>Writes bytes, then reads after a repeated start.</summary>
    /// <exception cref="StoreFault">Io: nobody answers, or the bus is not there.</exception>
    public void Transfer(ReadOnlySpan<byte> write, Span<byte> read)
    {
        using var bus = buses.Take(path);
        var outcome = bus.Transfer(address, write, read);
        if (outcome != I2cOutcome.Done)
        {
            throw Fault(outcome);
        }
    }

    private StoreFault Fault(I2cOutcome outcome) => new(StoreFaultKind.Io, outcome switch
    {
        I2cOutcome.BusAbsent => $"key root memory: {path} is not there: switch I2C on (dtparam=i2c_arm=on) or correct state.keyRoot.bus",
        I2cOutcome.Refused => $"key root memory: {path} may not be opened: add the agent's user to group i2c",
        I2cOutcome.NoAnswer =>
            $"key root memory: no chip answers at address 0x{address:x2} on {path}: check its wiring and state.keyRoot.address",
        I2cOutcome.NotABus => $"key root memory: {path} is not an I2C bus: correct state.keyRoot.bus",
        I2cOutcome.TimedOut => $"key root memory: {path} hangs: a chip holds SCL or SDA low; switch it off and on",
        I2cOutcome.Busy or I2cOutcome.ArbitrationLost => $"key root memory: {path} is held by another master or program",
        _ => $"key root memory: {path}, address 0x{address:x2}: the bus adapter reports a fault; the kernel's log (dmesg) may say more",
    }, retry: true);
}
