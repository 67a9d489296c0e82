using System.Buffers.Binary;
using FieldAgent.Core;
using FieldAgent.Core.Configuration;
using FieldAgent.Devices.I2c;
using FieldAgent.Devices.Linux;
using FsCheck;
using FsCheck.Fluent;

namespace FieldAgent.Devices.Tests.I2c;

public sealed class I2cTests : IDisposable
{
    private const string Lm75 = """{ "map": "lm75", "bus": "/dev/i2c-1" }""";

    private readonly FakeI2c _bus = new();

    public void Dispose() => _bus.Dispose();

    [Fact]
    public unsafe void The_layouts_are_the_kernels()
    {
        // struct i2c_msg and struct i2c_rdwr_ioctl_data: 16 and 16 bytes, 12 and 8 on 32 bit
        Assert.Equal(nint.Size == 8 ? 16 : 12, sizeof(LinuxI2cBus.Message));
        Assert.Equal(nint.Size == 8 ? 16 : 8, sizeof(LinuxI2cBus.Messages));
        LinuxI2cBus.Message message;
        Assert.Equal(8, (byte*)&message.Buffer - (byte*)&message);
        Assert.Equal(0x0707u, LinuxI2cBus.TransferRequest);
    }

    [Theory]
    [InlineData(Libc.EREMOTEIO, I2cOutcome.NoAnswer)]
    [InlineData(Libc.ENXIO, I2cOutcome.NoAnswer)]
    [InlineData(Libc.EAGAIN, I2cOutcome.ArbitrationLost)]
    [InlineData(Libc.ETIMEDOUT, I2cOutcome.TimedOut)]
    [InlineData(Libc.EBUSY, I2cOutcome.Busy)]
    [InlineData(Libc.ENODEV, I2cOutcome.BusAbsent)]
    [InlineData(Libc.EACCES, I2cOutcome.Refused)]
    [InlineData(Libc.ENOTTY, I2cOutcome.NotABus)]
    [InlineData(Libc.EIO, I2cOutcome.Failed)]
    internal void Each_error_of_the_kernel_has_a_meaning(int errno, I2cOutcome outcome) => Assert.Equal(outcome, LinuxI2cBus.OutcomeOf(errno));

    [Theory]
    [InlineData(I2cOutcome.NoAnswer, SensorFaultKind.Absent, "address 0x48", "wiring")]
    [InlineData(I2cOutcome.TimedOut, SensorFaultKind.Timeout, "address 0x48", "pull-ups")]
    [InlineData(I2cOutcome.ArbitrationLost, SensorFaultKind.Busy, "address 0x48", "master")]
    [InlineData(I2cOutcome.Busy, SensorFaultKind.Busy, "address 0x48", "SDA")]
    [InlineData(I2cOutcome.BusAbsent, SensorFaultKind.Absent, "/dev/i2c-1", "dtparam=i2c_arm=on")]
    [InlineData(I2cOutcome.Refused, SensorFaultKind.Refused, "/dev/i2c-1", "group i2c")]
    [InlineData(I2cOutcome.NotABus, SensorFaultKind.Malformed, "/dev/i2c-1", "not an I2C bus")]
    [InlineData(I2cOutcome.Failed, SensorFaultKind.Io, "address 0x48", "dmesg")]
    [Promise("R13")]
    internal void A_fault_names_place_and_remedy(I2cOutcome outcome, SensorFaultKind kind, string place, string remedy)
    {
        _bus.Always = outcome;
        var fault = _bus.Fails(Lm75);
        Assert.Equal(kind, fault.Kind);
        Assert.Contains(place, fault.Place, StringComparison.Ordinal);
        Assert.Contains(remedy, fault.Remedy, StringComparison.Ordinal);
        Assert.Equal(outcome is I2cOutcome.NoAnswer or I2cOutcome.ArbitrationLost ? 3 : 1, _bus.Transfers);
        Assert.Equal((1, 1), (_bus.Opened, _bus.Closed));
    }

    [Fact]
    public void The_kernels_bus_is_absent_or_none()
    {
        using var absent = new LinuxI2cBus("/no/such/i2c-9");
        Assert.Equal(I2cOutcome.BusAbsent, absent.Transfer(0x48, [0], []));
        using var none = new LinuxI2cBus("/dev/null");
        Assert.Equal(I2cOutcome.NotABus, none.Transfer(0x48, [0], new byte[2]));
    }

    [Fact]
    public void A_disturbance_is_tried_again_and_counted()
    {
        _bus.Chips[0x48] = new WordChip().With(0, 0x1900);
        _bus.Next.Enqueue(I2cOutcome.ArbitrationLost);
        _bus.Next.Enqueue(I2cOutcome.NoAnswer);
        using var host = _bus.Run(Lm75, waits: 3);
        Assert.Equal(25, host.Rows[0]["temperature"]);
        Assert.Equal(1, host.Skips["arbitration-lost"]);
        Assert.Equal(1, host.Skips["no-answer"]);
    }

    [Fact]
    public void A_value_whose_arbitration_stays_lost_is_absent_and_the_others_are_there()
    {
        _bus.Chips[0x40] = new WordChip().With(2, 0x5d98);
        foreach (var outcome in (I2cOutcome[])[I2cOutcome.Done, I2cOutcome.Done, I2cOutcome.ArbitrationLost])
        {
            _bus.Next.Enqueue(outcome);
        }

        using var host = _bus.Run("""{ "map": "ina219", "retries": 0 }""", waits: 3);
        Assert.Null(host.Rows[0]["shunt-voltage"]);
        Assert.Equal(11.98, host.Rows[0]["voltage"]!.Value, 9);
        Assert.NotNull(host.Rows[1]["shunt-voltage"]);
    }

    [Fact]
    public void A_chip_of_ones_own_is_described()
    {
        var chip = new CommandChip();
        var crc = new Crc8(0x31, 0xff, 4);
        var answer = new byte[] { 0x00, 0x00, 0xc8, 0x41, 0 };
        answer[4] = crc.Of(answer.AsSpan(0, 4));
        chip.Answers["0210"] = answer;
        chip.Answers["1234"] = [0xff, 0x38];
        _bus.Chips[0x2a] = chip;
        var row = _bus.FirstRow("""
            { "map": "custom", "address": "0x2A", "registerBits": 16, "init": [ "0001 80", "00 02 01" ], "streams": [
                { "name": "flow", "unit": "L/min", "command": "02 10", "wait": "5ms", "bits": 32, "endianness": "little", "format": "float",
                  "crc": { "polynomial": "0x31", "init": "0xff" }, "polynomial": [ 1, 0, 2 ] },
                { "name": "level", "unit": "cm", "register": "0x1234", "format": "signed", "shift": 3, "mask": "0xfff", "scale": 0.5 } ] }
            """);
        Assert.Equal(1 + (2 * 25.0 * 25.0), row["flow"]);
        Assert.Equal(-12.5, row["level"]);
        Assert.Equal(["W 00 01 80", "W 00 02 01", "W 02 10", "R 5", "W 12 34 R 2"], _bus.Log.Take(5));
        Assert.Equal([0, 0.5], row.Set.Streams.Select(s => s.Scale));
    }

    [Fact]
    public void Values_with_the_same_register_are_read_together()
    {
        _bus.Chips[0x2a] = new ByteChip().With(0x10, 1, 2, 3, 4);
        var row = _bus.FirstRow("""
            { "map": "custom", "address": 42, "streams": [
                { "name": "a", "register": 16, "bytes": 4, "at": 0 }, { "name": "b", "register": 16, "bytes": 4, "at": 2, "endianness": "little" } ] }
            """);
        Assert.Equal([0x0102, 0x0403], row.Values);
        Assert.Equal("W 10 R 4", _bus.Log.Distinct().Single());
    }

    [Fact]
    public void All_that_is_wrong_is_said_at_once()
    {
        var errors = new ConfigErrors();
        _ = RecordingHost.Create(new I2cKind(_bus.Buses), """
            { "map": "custom", "registerBits": 12, "id": { "register": 0, "value": 3, "mask": 1 }, "streams": [
                { "name": "a", "register": 300, "bits": 12, "format": "float" },
                { "name": "b", "bytes": 1, "shift": 20 },
                { "name": "c", "bytes": 5, "crc": { "polynomial": 7, "word": 3 } } ] }
            """, errors);
        var text = string.Join('\n', errors.All);
        foreach (var part in (string[])["'address' is missing", "registerBits", "outside 'mask'", "streams[0].register", "streams[0].bits", "streams[0].format", "streams[1].bytes", "streams[1].shift", "streams[2].crc"])
        {
            Assert.Contains(part, text, StringComparison.Ordinal);
        }

        errors = new ConfigErrors();
        _ = RecordingHost.Create(new I2cKind(_bus.Buses), """
            { "map": "lm75", "address": "0x90", "init": [ "0" ], "streams": [ { "name": "x" } ], "channels": [ { "channel": "humidity" } ] }
            """, errors);
        Assert.Equal(["address", "channels[0].channel", "init", "init[0]", "streams"], errors.All.Select(e => e.Path).Distinct().Order());
        Assert.Contains("it has: temperature", string.Join('\n', errors.All), StringComparison.Ordinal);
    }

    [Fact]
    public void Sensors_of_one_bus_share_it_and_never_meet_on_it()
    {
        _bus.Logs = false;
        for (byte address = 0x48; address < 0x4c; address++)
        {
            _bus.Chips[address] = new WordChip().With(0, (ushort)(address << 8));
        }

        var hosts = Enumerable.Range(0x48, 4).Select(_ => new RecordingHost(new LinuxClock())).ToList();
        var runs = hosts.Select((host, i) => host.Start(RecordingHost.Create(
            new I2cKind(_bus.Buses), $$"""{ "map": "lm75", "address": {{0x48 + i}}, "interval": "1ms" }"""))).ToList();
        Eventually.True(() => hosts.All(h => h.Rows.Count > 50), "rows of all four");
        runs.ForEach(r => r.Dispose());
        Assert.All(runs, r => Assert.Null(r.Failure));
        for (var i = 0; i < 4; i++)
        {
            Assert.All(hosts[i].Rows, row => Assert.Equal(0x48 + i, row["temperature"]));
            hosts[i].Dispose();
        }

        Assert.Equal((1, 1), (_bus.Opened, _bus.Closed));
    }

    [Fact]
    public void A_link_to_a_bus_is_that_bus()
    {
        using var folder = new TempFolder();
        var bus = folder.Write("i2c-1", "");
        File.CreateSymbolicLink(folder.File("sensors"), bus);
        using var one = _bus.Buses.Take(bus);
        using var two = _bus.Buses.Take(folder.File("sensors"));
        Assert.Same(one, two);
        Assert.Equal(1, _bus.Opened);
    }

    [Fact]
    public void Nobody_comes_between_a_command_and_its_answer()
    {
        // two sensors on one ADS1115: an answer must belong to the input that its own command chose
        _bus.Logs = false;
        var chip = new WordChip();
        chip.Written = (register, value) => chip.Registers[0] = register == 1 ? (ushort)((value >> 12) & 3) : (ushort)0;
        _bus.Chips[0x48] = chip;
        using var one = new RecordingHost(new LinuxClock());
        using var two = new RecordingHost(new LinuxClock());
        using (one.Start(RecordingHost.Create(new I2cKind(_bus.Buses), """{ "map": "ads1115", "interval": "1ms", "channels": [ { "channel": "voltage1" } ] }""")))
        using (two.Start(RecordingHost.Create(new I2cKind(_bus.Buses), """{ "map": "ads1115", "interval": "1ms", "channels": [ { "channel": "voltage2" } ] }""")))
        {
            Eventually.True(() => one.Rows.Count > 10 && two.Rows.Count > 10, "rows of both");
        }

        Assert.All(one.Rows, row => Assert.Equal(0.000125, row["voltage1"]!.Value, 9));
        Assert.All(two.Rows, row => Assert.Equal(0.00025, row["voltage2"]!.Value, 9));
    }

    [Theory]
    [InlineData("""{ "map": "ads1115" }""")]
    [InlineData("""{ "map": "ina219", "channels": [ { "channel": "current", "multiply": 2, "add": 1 } ] }""")]
    [InlineData("""{ "map": "sht3x", "address": "0x45" }""")]
    public void Polling_does_not_allocate(string options)
    {
        _bus.Logs = false;
        _bus.Chips[0x48] = new WordChip();
        _bus.Chips[0x40] = new WordChip();
        _bus.Chips[0x45] = new Constant();
        Assert.Equal(0, RecordingHost.BytesAllocated(RecordingHost.Create(new I2cKind(_bus.Buses), options), warm: 400, until: 4_000));
    }

    [Fact]
    public void Its_constructor_touches_no_device()
    {
        _ = RecordingHost.Create(new I2cKind(_bus.Buses), Lm75);
        Assert.Equal((0, 0), (_bus.Opened, _bus.Transfers));
    }

    [Fact]
    public void Whatever_the_layout_a_field_is_read_as_it_was_written() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(2_000),
        Prop.ForAll(
            (from bits in Gen.Choose(1, 8)
             from shift in Gen.Choose(0, (bits * 8) - 1)
             from width in Gen.Choose(1, (bits * 8) - shift)
             from little in Gen.Elements(true, false)
             from signed in Gen.Elements(true, false)
             from noise in ArbMap.Default.GeneratorFor<ulong>()
             from value in ArbMap.Default.GeneratorFor<ulong>()
             from at in Gen.Choose(0, 3)
             select (bits: bits * 8, shift, width, little, signed, noise, value, at)).ToArbitrary(),
            t =>
            {
                var mask = t.width == 64 ? ulong.MaxValue : (1UL << t.width) - 1;
                var raw = (t.noise & ~(mask << t.shift)) | ((t.value & mask) << t.shift);
                Span<byte> wide = stackalloc byte[8];
                if (t.little)
                {
                    BinaryPrimitives.WriteUInt64LittleEndian(wide, raw);
                }
                else
                {
                    BinaryPrimitives.WriteUInt64BigEndian(wide, raw << (64 - t.bits));
                }

                var answer = new byte[12];
                wide[..(t.bits / 8)].CopyTo(answer.AsSpan(t.at));
                var field = new BitField(t.at, t.bits, t.signed ? NumberFormat.Signed : NumberFormat.Unsigned, t.little, t.shift, mask);
                var expected = t.value & mask;
                var isNegative = t.signed && (expected >> (t.width - 1)) == 1;
                return field.Read(answer) == (isNegative ? (double)(long)(expected | ~mask) : expected);
            }));

    private sealed class Constant : IFakeChip
    {
        public void Write(ReadOnlySpan<byte> bytes)
        {
        }

        public void Read(Span<byte> bytes)
        {
            for (var i = 0; i < bytes.Length; i++)
            {
                bytes[i] = (byte)(i % 3 == 0 ? 0xbe : i % 3 == 1 ? 0xef : 0x92);
            }
        }
    }
}
