using FieldAgent.Core;
using FieldAgent.Devices.EffaceableMemory;
using FieldAgent.Devices.I2c;

namespace FieldAgent.Devices.Tests;

/// <summary>The two chips on a bus that behaves as their datasheets say.</summary>
public class EffaceableMemoryTests
{
    [Fact]
    public void An_fram_takes_two_address_bytes_high_first_and_reads_after_a_repeated_start()
    {
        var bus = new FakeBus(0x50, new FakeFram());
        var memory = new Mb85rc(bus.Chip);
        memory.Write(0x1234, [1, 2, 3]);
        Assert.Equal("W 12 34 01 02 03", bus.Log[^1]);
        var back = new byte[3];
        memory.Read(0x1234, back);
        Assert.Equal("W 12 34 R 3", bus.Log[^1]);
        Assert.Equal([1, 2, 3], back);
        Assert.Equal(32_768, memory.Bytes);
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.Write(32_766, [1, 2, 3]));
    }

    [Fact]
    public void The_ram_of_a_clock_begins_at_register_8_and_the_clock_is_never_touched()
    {
        var chip = new FakeDs1307();
        var bus = new FakeBus(0x68, chip);
        var memory = new Ds1307(bus.Chip);
        var all = Enumerable.Range(1, 56).Select(static n => (byte)n).ToArray();
        memory.Write(0, all);
        Assert.StartsWith("W 08 01 02", bus.Log[^1], StringComparison.Ordinal);
        var back = new byte[56];
        memory.Read(0, back);
        Assert.Equal(all, back);
        Assert.Equal(0, chip.ClockWrites);
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.Write(50, new byte[7]));
    }

    [Fact]
    public void A_bus_or_chip_that_is_not_there_is_a_fault_that_names_the_remedy()
    {
        var memory = EffaceableMemories.Create("mb85rc", "/no/such/i2c-9", 0x50);
        var fault = Assert.Throws<StoreFault>(() => memory.Read(0, new byte[4]));
        Assert.Equal((StoreFaultKind.Io, true), (fault.Kind, fault.Retry));
        Assert.Contains("dtparam=i2c_arm=on", fault.Message, StringComparison.Ordinal);
        fault = Assert.Throws<StoreFault>(() => EffaceableMemories.Create("ds1307", "/dev/null", 0x68).Write(0, [1]));
        Assert.Contains("not an I2C bus", fault.Message, StringComparison.Ordinal);
        Assert.Equal(0x68, EffaceableMemories.DefaultAddress("ds1307"));
    }

    private interface IChip
    {
        void Write(ReadOnlySpan<byte> bytes);

        byte Next();
    }

    private sealed class FakeBus(byte address, IChip chip) : II2cBus
    {
        public List<string> Log { get; } = [];

        public MemoryChip Chip => new(new I2cBuses(_ => this), Name, address);

        public string Name => "fake bus";

        public I2cOutcome Transfer(byte to, ReadOnlySpan<byte> write, Span<byte> read)
        {
            Assert.Equal(address, to);
            chip.Write(write);
            for (var i = 0; i < read.Length; i++)
            {
                read[i] = chip.Next();
            }

            Log.Add($"W {Hex(write)}" + (read.Length > 0 ? $" R {read.Length}" : ""));
            return I2cOutcome.Done;
        }

        public void Dispose()
        {
        }

        private static string Hex(ReadOnlySpan<byte> bytes) => string.Join(' ', bytes.ToArray().Select(static b => b.ToString("x2", null)));
    }

    private sealed class FakeFram : IChip
    {
        private readonly byte[] _memory = new byte[32 << 10];
        private int _at;

        public void Write(ReadOnlySpan<byte> bytes)
        {
            _at = (bytes[0] << 8) | bytes[1];
            foreach (var b in bytes[2..])
            {
                _memory[_at] = b;
                _at = (_at + 1) % _memory.Length;
            }
        }

        public byte Next() => _memory[_at++ % _memory.Length];
    }

    private sealed class FakeDs1307 : IChip
    {
        private readonly byte[] _registers = new byte[64];
        private int _at;

        public int ClockWrites { get; private set; }

        public void Write(ReadOnlySpan<byte> bytes)
        {
            _at = bytes[0] & 0x3f;
            foreach (var b in bytes[1..])
            {
                ClockWrites += _at < 8 ? 1 : 0;
                _registers[_at] = b;
                _at = (_at + 1) & 0x3f;
            }
        }

        public byte Next()
        {
            var value = _registers[_at];
            _at = (_at + 1) & 0x3f;
            return value;
        }
    }
}
