using System.Globalization;
using System.Text.Json;

namespace FieldAgent.Board.Tests;

/// <summary>What the doctor says of a board with a kernel, chips, a camera, gpsd and a broker: healthy, with one fault after the other, and as the
/// reference kit.</summary>
public sealed class DoctorTests : IDisposable
{
    private const string Doctor = "/share/fieldagent doctor --config /root/config.json";

    private readonly ServiceBoard _board = new();
    private readonly TestPki _pki = new();
    private readonly MosquittoBroker _broker;

    public DoctorTests() => _broker = new MosquittoBroker(new MosquittoSetup { Pki = _pki, ServerCertificate = _pki.OtherHost });

    [Fact]
    public void A_healthy_board_is_healthy_and_each_fault_has_its_line_and_its_remedy()
    {
        _board.Boot();
        MakeUser();
        Configure(Config());
        var (code, output) = _board.Shell(Doctor);
        Assert.True(code == 0, output);
        Assert.Contains("nothing fails", output, StringComparison.Ordinal);
        Assert.Contains("/dev/i2c-1 0x76: a BME280, as the configuration says (sensor air)", output, StringComparison.Ordinal);
        Assert.Contains("broker vendor: resolved", output, StringComparison.Ordinal);
        Assert.Contains("gpsd answers", output, StringComparison.Ordinal);

        // on the board: another chip, no right to the bus, a line that is taken, no camera, no gpsd, an instrument without power
        Breaks("""
            . /root/put
            put 76 0xd0 58
            chgrp root /dev/i2c-1
            /share/fieldagent sample --config /root/config.json --sensor door --count 100 >/root/holder 2>&1 &
            echo $! >/root/holder-pid
            until [ -s /root/holder ]; do sleep 0.2; done
            rmmod vivid
            systemctl stop gpsd.socket gpsd.service
            """,
            Config(""", { "name": "boiler", "kind": "modbus", "host": "127.0.0.1", "port": 1502, "registers": [ { "name": "a", "address": 0 } ] }"""),
            ("i2c.wrong-chip", "0x76 answers as a BMP280; the configuration says BME280", "fit the chip"),
            ("access.mode", "may not open /dev/i2c-1", "fieldagent.rules"),
            ("gpio.busy", "line3 is held by", "stop that program"),
            ("camera.no-node", "there is no /dev/video*", "plug the camera in"),
            ("kernel.no-node", "there is no /dev/video0", "plug the device in"),
            ("package.missing", "needs the package libmodbus5", "apt-get install libmodbus5"),
            ("gnss.gpsd", "gpsd does not answer", "systemctl enable --now gpsd.socket"),
            ("modbus.silent", "nobody answers at 127.0.0.1 port 1502", "power"));
    }

    [Fact]
    public void The_reference_kit_is_found_as_its_page_says()
    {
        _board.Boot();
        MakeUser();

        // The kit's chips on the simulated bus, and the lines of a Raspberry Pi's chip; the BME280 has the kernel's driver.
        _board.Must("""
            echo 0x48 >/sys/bus/i2c/devices/i2c-1/delete_device
            rmmod fieldagent-i2c
            modprobe fieldagent-i2c chips=0x76,0x148,0x140,0x250,0x07c,0x68
            udevadm settle
            bus=/dev/$(basename "$(dirname "$(grep -l '^fieldagent-i2c$' /sys/class/i2c-adapter/i2c-*/name | head -n 1)")")
            [ $bus = /dev/i2c-1 ]
            . /root/put
            put 76 0xd0 60
            put 76 0x88 '706b4367 18fc7d8e 43d6d00b 270b8c00 f9ff8c3c f8c67017'
            put 76 0xf7 '655ac07eed00'
            put 48 2 858380007fff
            put 40 0 399f
            put 7c 0xa0 00a510
            modprobe bmp280-i2c
            echo bme280 0x76 >/sys/bus/i2c/devices/i2c-1/new_device
            bank=/sys/kernel/config/gpio-sim/pi/bank
            mkdir -p $bank
            echo 28 >$bank/num_lines
            echo pinctrl-bcm2711 >$bank/label
            for n in $(seq 0 27); do mkdir $bank/line$n; echo GPIO$n >$bank/line$n/name; done
            echo 1 >/sys/kernel/config/gpio-sim/pi/live
            ln -s ttyS1 /dev/serial0
            printf '#!/bin/sh\n' >/usr/local/bin/rpicam-still
            chmod 755 /usr/local/bin/rpicam-still
            udevadm settle
            """);
        var kit = File.ReadAllText(Path.Join(Places.Repository, "hardware/boards/reference-kit.json"));
        Configure(kit.Replace(
            "\"url\": \"mqtts://mqtt.example.com\"", $"\"url\": \"mqtts://broker.example:{Port}\", \"tls\": {{ \"ca\": \"/root/ca.crt\" }}", StringComparison.Ordinal));
        var said = _board.Shell(Doctor).Output.Split('\n').Select(static line => line.Trim()).ToHashSet(StringComparer.Ordinal);
        var page = File.ReadAllText(Path.Join(Places.Repository, "hardware/kit/README.md"));
        var promised = page[page.IndexOf("<!-- doctor -->", StringComparison.Ordinal)..].Split('\n')
            .Where(static line => line.StartsWith("ok ", StringComparison.Ordinal) || line.StartsWith("warn", StringComparison.Ordinal)).ToList();

        // What only a Raspberry Pi has (device tree, supply monitor), and what is another number here, is not compared.
        string[] pis = ["board.model", "power.supply", "kernel.interfaces", "access.user", "clock.source", "disk.free", "broker.reached"];
        var compared = promised.Where(line => !pis.Any(id => line.Contains(id, StringComparison.Ordinal))).ToList();
        Assert.True(compared.Count >= 12, string.Join('\n', compared));
        Assert.All(compared, line => Assert.True(said.Contains(line.Trim()), $"not said: {line}\n{string.Join('\n', said)}"));
        Assert.DoesNotContain(said, static line => line.StartsWith("FAIL", StringComparison.Ordinal));
    }

    public void Dispose()
    {
        _board.Dispose();
        _broker.Dispose();
        _pki.Dispose();
    }

    private string Port => _broker.Port.ToString(CultureInfo.InvariantCulture);

    // As the installation makes it.
    private void MakeUser()
    {
        foreach (var file in new[] { "fieldagent.sysusers", "fieldagent.rules" })
        {
            File.Copy(Path.Join(Places.Repository, "systemd", file), _board.Share.File(file));
        }

        File.Copy(_pki.Authority.CertificateFile, _board.Share.File("ca.crt"));
        _board.Must("""
            systemd-sysusers /share/fieldagent.sysusers
            cp /share/fieldagent.rules /usr/lib/udev/rules.d/60-fieldagent.rules
            udevadm control --reload
            udevadm trigger --settle --action=add --subsystem-match=gpio --subsystem-match=i2c-dev --subsystem-match=iio
            cp /share/ca.crt /root/ca.crt
            """);
    }

    private string Config(string more = "") =>
        $$"""
        {
          "state": { "directory": "/root/state", "freeBytesMin": "16MiB" }, "runtimeDirectory": "/run/fieldagent",
          "geofences": [ { "id": "yard", "circle": { "latitude": 48.137154, "longitude": 11.576124, "radiusM": 200 } } ],
          "recipients": [ { "name": "vendor", "url": "mqtts://broker.example:{{Port}}", "tls": { "ca": "/root/ca.crt" } } ] , "sensors": [
            { "name": "door", "kind": "gpio", "lines": [ { "name": "door", "line": "line3" } ] },
            { "name": "air", "kind": "i2c", "map": "bme280", "bus": "/dev/i2c-1", "address": "0x76" },
            { "name": "case", "kind": "hwmon", "device": "lm75" },
            { "name": "shake", "kind": "iio", "device": "board-iio" },
            { "name": "camera", "kind": "camera", "source": "usb", "device": "/dev/video0" },
            { "name": "place", "kind": "gnss", "gpsd": "localhost:2947" }{{more}} ]
        }
        """;

    private void Configure(string config)
    {
        _board.Share.Write("config.json", config);
        _board.Must("cp /share/config.json /root/config.json");
    }

    // Breaks something, and holds that the doctor ends with 1 and names each fault in a line with its remedy.
    private void Breaks(string script, string config, params (string Id, string Text, string Remedy)[] faults)
    {
        _board.Must(script);
        Configure(config);
        var (code, output) = _board.Shell(Doctor + " --json");
        Assert.True(code == 1, output);
        using var report = JsonDocument.Parse(output);
        Assert.False(report.RootElement.GetProperty("healthy").GetBoolean());
        var found = report.RootElement.GetProperty("findings").EnumerateArray()
            .Select(static f => (Id: f.GetProperty("id").GetString()!, Result: f.GetProperty("result").GetString()!, Text: f.GetProperty("finding").GetString()!, Remedy: f.GetProperty("remedy").GetString()!)).ToList();
        Assert.All(faults, fault => Assert.True(
            found.Exists(f => f.Id == fault.Id && f.Result == "fail" && f.Text.Contains(fault.Text, StringComparison.Ordinal) && f.Remedy.Contains(fault.Remedy, StringComparison.Ordinal)),
            $"{fault} is not among\n{string.Join('\n', found)}"));

        // and nothing else is called a failure
        Assert.All(found.Where(static f => f.Result == "fail"), f => Assert.True(faults.Any(fault => fault.Id == f.Id), f.ToString()));
    }
}
