using FieldAgent.Core;
using FieldAgent.Core.Configuration;
using FieldAgent.Devices.W1;

namespace FieldAgent.Devices.Tests.W1;

/// <summary>1-Wire thermometers in a copied tree; texts as the kernel's w1_therm writes them.</summary>
public sealed class W1Tests : IDisposable
{
    private const string Inlet = "28-0316a2795bff";
    private const string Outlet = "28-0416b3806caa";
    private const string Good = "72 01 4b 46 7f ff 0e 10 57 : crc=57 YES\n72 01 4b 46 7f ff 0e 10 57 t=23125\n";
    private const string Cold = "5e ff 4b 46 7f ff 02 10 cc : crc=cc YES\n5e ff 4b 46 7f ff 02 10 cc t=-10125\n";
    private const string PowerOn = "50 05 4b 46 7f ff 0c 10 1c : crc=1c YES\n50 05 4b 46 7f ff 0c 10 1c t=85000\n";
    private const string Near = "4c 05 4b 46 7f ff 04 10 2f : crc=2f YES\n4c 05 4b 46 7f ff 04 10 2f t=84750\n";
    private const string Noise = "72 01 4b 46 7f ff 0e 10 58 : crc=57 NO\n72 01 4b 46 7f ff 0e 10 57 t=23125\n";

    private readonly TempFolder _root = new();
    private readonly RecordingHost _host = new();

    [Fact]
    public void Each_thermometer_is_a_stream_by_its_name_in_the_configuration()
    {
        Slave(Inlet, Good);
        Slave(Outlet, Cold);
        using var run = _host.Start(Sensor($$"""{ "thermometers": [ { "name": "inlet", "id": "{{Inlet}}" }, { "name": "outlet", "id": "{{Outlet}}", "add": 0.5 } ] }"""));
        Eventually.True(() => _host.Rows.Count == 1, "a row");
        Assert.Equal(23.125, _host.Rows[0]["inlet"]);
        Assert.Equal(-9.625, _host.Rows[0]["outlet"]);
        Assert.All(_host.Sets[0].Streams, static stream => Assert.Equal("Cel", stream.Unit));
    }

    [Theory]
    [InlineData(Noise, "checksum")]
    [InlineData(PowerOn, "power-on")]
    [InlineData("", "malformed")]
    [InlineData("72 01 4b 46 7f ff 0e 10 57 : crc=57 YES\n", "malformed")]
    [InlineData("00 00 00 00 00 00 00 00 00 : crc=00 YES\n00 00 00 00 00 00 00 00 00 t=0\n", "checksum")]
    [InlineData("72 01 4b 46 7f ff 0e 10 57 : crc=57 YES\n72 01 4b 46 7f ff 0e 10 57 t=999999\n", "malformed")]
    public void What_is_no_temperature_is_no_value_and_counted(string text, string reason)
    {
        Slave(Inlet, text);
        using var run = _host.Start(Sensor("""{ "thermometers": [ { "name": "inlet" } ] }"""));
        Eventually.True(() => _host.Skips.GetValueOrDefault(reason) == 1, reason);
        Assert.Empty(_host.Rows);
        Slave(Inlet, Good);
        Until(() => _host.Rows.Count >= 1, "the next round");
    }

    [Fact]
    public void A_true_eighty_five_degrees_is_believed_when_it_was_near_before()
    {
        Slave(Inlet, Near);
        using var run = _host.Start(Sensor("""{ "thermometers": [ { "name": "inlet" } ] }"""));
        Eventually.True(() => _host.Rows.Count == 1, "a row");
        Slave(Inlet, PowerOn);
        Until(() => _host.Rows[^1]["inlet"] == 85, "85 degrees");
        Assert.DoesNotContain("power-on", _host.Skips.Keys);
    }

    [Fact]
    [Promise("R13", "R19")]
    public void One_that_is_taken_away_leaves_the_others_and_comes_back_and_no_text_holds_a_serial_number()
    {
        Slave(Inlet, Good);
        Slave(Outlet, Cold);
        const string options = $$"""{ "thermometers": [ { "name": "inlet", "id": "{{Inlet}}" }, { "name": "outlet", "id": "{{Outlet}}" } ] }""";
        using (_host.Start(Sensor(options)))
        {
            Eventually.True(() => _host.Rows.Count == 1, "a row");
            Directory.Delete(_root.File($"sys/bus/w1/devices/{Outlet}"), recursive: true);
            Until(() => _host.Rows[^1]["outlet"] is null, "a row without the outlet");
            Assert.Equal(23.125, _host.Rows[^1]["inlet"]);
            Assert.Equal("'outlet' does not answer", _host.Description);
            Slave(Outlet, Cold);
            Until(() => _host.Rows[^1]["outlet"] == -10.125, "the outlet is back");
            Eventually.True(() => _host.Description.Length == 0, "nothing is missing");
        }

        Directory.Delete(_root.File("sys/bus/w1/devices"), recursive: true);
        Directory.CreateDirectory(_root.File("sys/bus/w1/devices"));
        var fault = Fault(options);
        Assert.Equal(SensorFaultKind.Absent, fault.Kind);
        Assert.Equal("1-Wire thermometer 'inlet'", fault.Place);
        Assert.DoesNotContain("28-0", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    [Promise("R13")]
    public void Without_a_bus_or_a_thermometer_or_with_too_many_the_remedy_is_named()
    {
        const string any = """{ "thermometers": [ { "name": "inlet" } ] }""";
        Assert.Contains("w1-gpio", Fault(any).Message, StringComparison.Ordinal);
        Directory.CreateDirectory(_root.File("sys/bus/w1/devices/w1_bus_master1"));
        Assert.Contains("4.7 kΩ", Fault(any).Message, StringComparison.Ordinal);
        Slave(Inlet, Good);
        Slave(Outlet, Good);
        var fault = Fault(any);
        Assert.Contains("There are 2 on the bus", fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("28-0", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_bus_that_only_makes_noise_is_broken_and_says_what_to_check()
    {
        Slave(Inlet, Noise);
        SensorFault? fault = null;
        var thread = new Thread(() => fault = Fault("""{ "thermometers": [ { "name": "inlet" } ] }""")) { IsBackground = true };
        thread.Start();
        Until(() => !thread.IsAlive, "the end");
        Assert.Equal(SensorFaultKind.Malformed, fault!.Kind);
        Assert.Contains("pull-up", fault.Message, StringComparison.Ordinal);
        Assert.Equal(5, _host.Skips["checksum"]);
    }

    [Theory]
    [InlineData("""{ "thermometers": [] }""", "at least one")]
    [InlineData("""{ "thermometers": [ { "name": "a", "id": "28-xyz" } ] }""", "twelve hexadecimal digits")]
    [InlineData("""{ "thermometers": [ { "name": "a", "id": "01-0316a2795bff" } ] }""", "twelve hexadecimal digits")]
    [InlineData("""{ "thermometers": [ { "name": "a", "id": "28-0316a2795bff" }, { "name": "b", "id": "28-0316a2795bff" } ] }""", "a second thermometer with this 'id'")]
    [InlineData("""{ "thermometers": [ { "name": "a", "id": "28-0316a2795bff" }, { "name": "a", "id": "28-0416b3806caa" } ] }""", "called 'a'")]
    [InlineData("""{ "thermometers": [ { "name": "a", "id": "28-0316a2795bff" }, { "name": "b" } ] }""", "'id' is missing")]
    public void Wrong_options_are_named_and_no_serial_number_with_them(string options, string message)
    {
        var errors = new ConfigErrors();
        RecordingHost.Create(new W1Kind(), options, errors);
        Assert.Contains(errors.All, error => error.ToString().Contains(message, StringComparison.Ordinal));
        Assert.All(errors.All, static error => Assert.DoesNotContain("0416b3806caa", error.ToString(), StringComparison.Ordinal));
    }

    public void Dispose()
    {
        _host.Dispose();
        _root.Dispose();
    }

    private void Slave(string id, string text)
    {
        // Written aside and moved: no half of it is read.
        _root.Write($"sys/bus/w1/devices/{id}/w1_slave.new", text);
        File.Move(_root.File($"sys/bus/w1/devices/{id}/w1_slave.new"), _root.File($"sys/bus/w1/devices/{id}/w1_slave"), overwrite: true);
    }

    private ISensor Sensor(string options) => RecordingHost.Create(new W1Kind(), options, _root.Path);

    private SensorFault Fault(string options) => Assert.Throws<SensorFault>(() => Sensor(options).Run(_host, CancellationToken.None));

    private void Until(Func<bool> condition, string what) => Eventually.True(
        () =>
        {
            // Time passes only while the sensor waits for it.
            var isWaiting = _host.Time.Waiting > 0;
            if (condition())
            {
                return true;
            }

            if (isWaiting)
            {
                _host.Time.Advance(TimeSpan.FromSeconds(5));
            }

            return false;
        },
        what);
}
