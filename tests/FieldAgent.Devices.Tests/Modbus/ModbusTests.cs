using FieldAgent.Core;
using FieldAgent.Core.Configuration;
using FieldAgent.Devices.Modbus;

namespace FieldAgent.Devices.Tests.Modbus;

public sealed class ModbusTests : IDisposable
{
    private const string AllKinds = """
        { "name": "coil", "table": "coil", "address": 3 },
        { "name": "discrete", "table": "discrete", "address": 7 },
        { "name": "u16", "address": 10, "multiply": 0.1, "unit": "Cel" },
        { "name": "i16", "address": 11, "type": "int16", "add": 100 },
        { "name": "u32", "address": 12, "type": "uint32" },
        { "name": "i32", "address": 14, "type": "int32", "wordOrder": "little" },
        { "name": "f32", "table": "input", "address": 20, "type": "float32" },
        { "name": "f32-little", "table": "input", "address": 22, "type": "float32", "wordOrder": "little" },
        { "name": "f64", "table": "input", "address": 24, "type": "float64" },
        { "name": "u64", "table": "input", "address": 40, "type": "uint64" }
        """;

    private readonly RecordingHost _host = new();

    public void Dispose() => _host.Dispose();

    [Fact]
    public void Every_table_type_and_word_order_is_read_over_tcp_with_neighbours_in_one_request()
    {
        using var slave = Slave.OverTcp();
        Fill(slave);
        using (_host.Start(Tcp(slave, AllKinds)))
        {
            FirstRow();
        }

        Same(_host.Rows[0]);
        // Coils, discrete inputs, holding 10 to 15, input 20 to 27, input 40 to 43.
        Assert.Equal(5 * _host.Rows.Count, slave.Requests);
        Assert.Equal("Cel", _host.Sets[0].Streams[2].Unit);
        Assert.Equal(0.1, _host.Sets[0].Streams[2].Scale);
    }

    [Fact]
    public void The_same_over_a_serial_line()
    {
        using var slave = Slave.OverSerial(unit: 17);
        Fill(slave);
        using (_host.Start(Serial(slave, 17, AllKinds)))
        {
            FirstRow();
        }

        Same(_host.Rows[0]);
    }

    [Fact]
    public void Nobody_there_is_absent_and_a_wrong_unit_on_a_serial_line_is_silence()
    {
        using var line = Slave.OverSerial(unit: 17);
        using var nobody = new ClosedPort();
        var fault = Fault($$"""{ "host": "127.0.0.1", "port": {{nobody.Number}}, "registers": [{ "name": "a", "address": 0 }] }""");
        Assert.Equal(SensorFaultKind.Absent, fault.Kind);

        // A label longer than the 63 characters of a name: the resolver refuses it without asking anyone.
        var nameless = Fault($$"""{ "host": "{{new string('x', 70)}}.invalid", "registers": [{ "name": "a", "address": 0 }] }""");
        Assert.Equal(SensorFaultKind.Absent, nameless.Kind);
        Assert.Contains("name of the instrument is not known", nameless.Message, StringComparison.Ordinal);
        Assert.Equal(SensorFaultKind.Absent, Fault("""{ "device": "/dev/no-such-line", "registers": [{ "name": "a", "address": 0 }] }""").Kind);

        using var run = _host.Start(Serial(line, 18, """{ "name": "a", "address": 0 }""", "1s"));
        Polls(() => run.IsOver, "the sensor gives up");
        Assert.Equal(SensorFaultKind.Timeout, Assert.IsType<SensorFault>(run.Failure).Kind);
        Assert.Equal(2, _host.Skips["timeout"]);
    }

    [Fact]
    public void An_address_that_the_instrument_lacks_is_named_with_its_exception()
    {
        using var slave = Slave.OverTcp();
        var fault = Assert.Throws<SensorFault>(() => Tcp(slave, """{ "name": "a", "address": 5000 }""").Run(_host, CancellationToken.None));
        Assert.Equal(SensorFaultKind.Malformed, fault.Kind);
        Assert.Contains("holding 5000 to 5000", fault.Place, StringComparison.Ordinal);
        Assert.Contains("exception 2", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_pause_of_the_instrument_is_counted_and_passed_over()
    {
        using var slave = Slave.OverTcp();
        slave.Holding[0] = 5;
        using var run = _host.Start(Tcp(slave, """{ "name": "a", "address": 0 }""", "1s"));
        FirstRow();
        slave.IsSilent = true;
        Polls(() => _host.Skips.GetValueOrDefault("timeout") >= 1, "an answer is missed");
        slave.IsSilent = false;
        slave.Holding[0] = 6;
        Polls(() => run.IsOver || _host.Rows[^1]["a"] == 6, "it is read again");
        Assert.Null(run.Failure);
    }

    [Fact]
    public void Each_request_of_a_row_may_take_the_whole_time_out() => Assert.Equal(
        TimeSpan.FromSeconds(20),
        RecordingHost.Create(
            new ModbusKind(), """{ "host": "a", "timeout": "10s", "registers": [{ "name": "a", "address": 0 }, { "name": "b", "address": 900 }] }""").CallLimit);

    [Fact]
    public void Requests_are_joined_where_values_are_neighbours_and_never_too_long()
    {
        static ModbusRegister At(int address, ModbusType type = ModbusType.UInt16, ModbusTable table = ModbusTable.Holding) =>
            new($"r{address}", table, address, type, false, 1, 0, "1");

        Assert.Equal(
            ["holding 5 to 8", "holding 10 to 10", "input 6 to 6"],
            ModbusBlock.Plan([At(10), At(7, ModbusType.Int32), At(5), At(6), At(6, table: ModbusTable.Input), At(5, ModbusType.UInt32)]).Select(static b => b.Place));
        Assert.Equal(
            ["holding 0 to 123", "holding 124 to 199"],
            ModbusBlock.Plan([.. Enumerable.Range(0, 50).Select(static i => At(4 * i, ModbusType.Float64))]).Select(static b => b.Place));
        Assert.All(ModbusBlock.Plan([.. Enumerable.Range(0, 50).Select(static i => At(4 * i, ModbusType.Float64))]), static b => Assert.True(b.Count <= 125));
    }

    [Fact]
    public void A_float_that_is_none_is_absent()
    {
        using var slave = Slave.OverTcp();
        slave.Holding[0] = 0x7FC0;
        using (_host.Start(Tcp(slave, """{ "name": "a", "address": 0, "type": "float32" }, { "name": "b", "address": 2 }""")))
        {
            FirstRow();
        }

        Assert.Equal([null, 0], _host.Rows[0].Values);
    }

    [Fact]
    public void Wrong_options_are_all_said_with_their_place()
    {
        var errors = new ConfigErrors();
        RecordingHost.Create(
            new ModbusKind(),
            """
            { "host": "a", "device": "/dev/ttyUSB0", "baud": 9601, "registers": [
              { "name": "a", "address": 65535, "type": "int32" }, { "name": "a", "table": "coil", "address": 0, "type": "int16" }] }
            """,
            errors);
        var all = string.Join('\n', errors.All);
        Assert.Contains("either 'host' (TCP) or 'device' (RTU)", all, StringComparison.Ordinal);
        Assert.Contains("must be one of 1200", all, StringComparison.Ordinal);
        Assert.Contains("reaches beyond address 65535", all, StringComparison.Ordinal);
        Assert.Contains("a second register called 'a'", all, StringComparison.Ordinal);
        Assert.Contains("'bit' is the type of the tables coil and discrete", all, StringComparison.Ordinal);
    }

    private static void Fill(Slave slave)
    {
        slave.Coils[3] = 1;
        slave.Discrete[7] = 1;
        slave.Holding[10] = 215;
        slave.Holding[11] = unchecked((ushort)-7);
        (slave.Holding[12], slave.Holding[13]) = (0xDEAD, 0xBEEF);
        (slave.Holding[14], slave.Holding[15]) = (0xFFFE, 0xFFFF);
        (slave.Input[20], slave.Input[21]) = (0x4148, 0x0000);
        (slave.Input[22], slave.Input[23]) = (0x0000, 0x4148);
        (slave.Input[24], slave.Input[25], slave.Input[26], slave.Input[27]) = (0x4009, 0x21FB, 0x5444, 0x2D18);
        (slave.Input[40], slave.Input[43]) = (1, 2);
    }

    private static void Same(RecordedRow row) => Assert.Equal(
        [1, 1, 215 * 0.1, 93, 0xDEADBEEF, -2, 12.5, 12.5, Math.PI, (1UL << 48) + 2], row.Values.Select(static v => v!.Value));

    // Long enough for the slowest machine, where a test does not say otherwise.
    private static ISensor Tcp(Slave slave, string registers, string timeout = "10s") => RecordingHost.Create(
        new ModbusKind(), $$"""{ "host": "127.0.0.1", "port": {{slave.Port}}, "timeout": "{{timeout}}", "registers": [{{registers}}] }""");

    private static ISensor Serial(Slave slave, int unit, string registers, string timeout = "10s") => RecordingHost.Create(
        new ModbusKind(),
        $$"""{ "device": "{{slave.Device}}", "baud": 19200, "parity": "none", "unitId": {{unit}}, "timeout": "{{timeout}}", "registers": [{{registers}}] }""");

    private SensorFault Fault(string options) =>
        Assert.Throws<SensorFault>(() => RecordingHost.Create(new ModbusKind(), options).Run(_host, CancellationToken.None));

    private void FirstRow() => Polls(() => _host.Rows.Count > 0, "a row");

    // Time passes only while the sensor waits for it: each second is one poll.
    private void Polls(Func<bool> until, string what) => Eventually.True(
        () =>
        {
            var isWaiting = _host.Time.Waiting > 0;
            if (until())
            {
                return true;
            }

            if (isWaiting)
            {
                _host.Time.Advance(TimeSpan.FromSeconds(1));
            }

            return false;
        },
        what,
        60);
}
