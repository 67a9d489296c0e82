using System.Formats.Tar;
using System.Globalization;
using System.IO.Compression;

namespace FieldAgent.Board.Tests;

/// <summary>What the doctor says of a board with a kernel, chips, a camera, gpsd and a broker: healthy, with one fault after the other, and as the
/// reference kit; and what it writes down for others. One boot for all.</summary>
public sealed class DoctorTests(DoctorBoard doctor) : IClassFixture<DoctorBoard>
{
    [Fact]
    public void A_healthy_board_is_healthy()
    {
        doctor.Configure(doctor.Config());
        var (code, output) = doctor.Board.Shell(DoctorBoard.Doctor);
        Assert.True(code == 0, output);
        Assert.Contains("nothing fails", output, StringComparison.Ordinal);
        Assert.Contains("/dev/i2c-1 0x76: a BME280, as the configuration says (sensor air)", output, StringComparison.Ordinal);
        Assert.Contains("broker vendor: resolved", output, StringComparison.Ordinal);
        Assert.Contains("gpsd answers", output, StringComparison.Ordinal);

        // the test's certificates are good for less than a month
        var ends = output.Split('\n').First(static line => line.Contains("certificate of the board (vendor)", StringComparison.Ordinal));
        Assert.StartsWith("warn  certificate.ends", ends, StringComparison.Ordinal);
        Assert.Contains("-> get the next one now", ends, StringComparison.Ordinal);
    }

    // Another chip, no right to the bus, a line that is taken, no camera, no gpsd, an instrument without power.
    [Fact]
    public void Each_fault_on_the_board_has_its_line_and_its_remedy() => doctor.Breaks(
        """
        . /root/put
        put 76 0xd0 58
        chgrp root /dev/i2c-1
        fieldagent sample --config /root/config.json --sensor door --count 100 >/root/holder 2>&1 &
        echo $! >/root/holder-pid
        until [ -s /root/holder ]; do sleep 0.2; done
        rmmod vivid
        systemctl stop gpsd.socket gpsd.service
        """,
        """
        kill $(cat /root/holder-pid)
        . /root/put
        put 76 0xd0 60
        chgrp i2c /dev/i2c-1
        modprobe vivid n_devs=1 node_types=0x1 num_inputs=1 input_types=0x0
        systemctl start gpsd.socket
        udevadm settle
        """,
        doctor.Config(sensors: """, { "name": "boiler", "kind": "modbus", "host": "127.0.0.1", "port": 1502, "registers": [ { "name": "a", "address": 0 } ] }"""),
        ("i2c.wrong-chip", "0x76 answers as a BMP280; the configuration says BME280", "fit the chip"),
        ("access.mode", "may not open /dev/i2c-1", "fieldagent.rules"),
        ("gpio.busy", "line3 is held by", "stop that program"),
        ("camera.no-node", "there is no /dev/video*", "plug the camera in"),
        ("kernel.no-node", "there is no /dev/video0", "plug the device in"),
        ("package.missing", "needs the package libmodbus5", "apt-get install libmodbus5"),
        ("gnss.gpsd", "gpsd does not answer", "systemctl enable --now gpsd.socket"),
        ("modbus.silent", "nobody answers at 127.0.0.1 port 1502", "power"));

    // An authority that did not sign, a name that nobody knows, a full card, a person who waits for an answer.
    [Fact]
    public void Each_fault_around_the_board_has_its_line_and_its_remedy()
    {
        doctor.Breaks(
            """
            cp /share/alien.crt /root/ca.crt
            now=$(date +%s)
            date -s "@$((now - 40 * 86400))" >/dev/null
            fieldagent privacy request new access --config /root/config.json
            fieldagent privacy request verify 1 --config /root/config.json
            date -s "@$((now + 5))" >/dev/null
            fallocate -l $(($(df --output=avail -B1 /root/card | tail -n 1) - 8000000)) /root/card/filling
            """,
            """
            cp /share/ca.crt /root/ca.crt
            rm -f /root/card/filling
            fieldagent privacy request complete 1 --config /root/config.json
            """,
            doctor.Config(recipients: """, { "name": "statistics", "url": "mqtts://no-such-broker.invalid", "tls": { "ca": "/root/ca.crt" } }"""),
            ("broker.tls", "comes from an unknown authority", "put that authority's certificate into /root/ca.crt"),
            ("broker.name", "the name 'no-such-broker.invalid' has no address", "name server"),
            ("disk.full", "free; the agent leaves 16.0 MiB free", "delete what is not needed"),
            ("privacy.overdue", "1 request of a person is past the deadline", "answer them at once"));
        doctor.Configure(doctor.Config());
        Assert.DoesNotContain(doctor.Look(0), static f => f.Id == "privacy.overdue");
    }

    [Fact]
    public void A_certificate_that_has_ended_and_a_clock_that_nobody_set_are_named_as_what_they_are()
    {
        doctor.Breaks(
            "cp /share/ended.crt /root/board.crt; cp /share/ended.key /root/board.key",
            "cp /share/board.crt /share/board.key /root",
            doctor.Config(),
            ("certificate.expired", "expired on", "get a new one"),
            ("broker.tls", "the client certificate /root/board.crt", ""));

        // switched on after a year in a drawer, without a battery: the time of the image
        doctor.Breaks(
            """
            date -s '2020-01-01 00:01' >/dev/null
            for clock in /sys/bus/*/drivers/rtc_cmos/*; do [ ! -L "$clock" ] || [ "$(basename "$clock")" = module ] || { basename "$clock" >/root/clock; cat /root/clock >"$(dirname "$clock")/unbind"; dirname "$clock" >/root/clock-driver; }; done
            """,
            string.Create(CultureInfo.InvariantCulture, $"""
            date -s "@{TimeProvider.System.GetUtcNow().ToUnixTimeSeconds()}" >/dev/null
            cat /root/clock >$(cat /root/clock-driver)/bind
            """),
            doctor.Config(),
            ("clock.unsynced", "nobody has set the clock", "timedatectl"),
            ("certificate.early", "is valid from", "set the board's clock"),
            ("broker.tls", "is not valid yet", "see the findings of 'certificate'"));
    }

    [Fact]
    public void The_bundle_for_support_tells_neither_which_board_it_is_nor_where_nor_a_secret()
    {
        const string host = "canary-host";
        doctor.Configure(doctor.Config());
        doctor.Board.Must($$"""
            hostname {{host}}
            mac=$(cat /sys/class/net/$(ls /sys/class/net | grep -v '^lo$' | head -n 1)/address)
            key=$(head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n')
            printf '%s\n' {{host}} 48.137154 11.576124 $(cat /etc/machine-id) $mac $key 10000000abcdef01 SN0123456 >/share/secrets
            grep -v -e - /root/board.key | head -n 1 >>/share/secrets
            systemd-run --wait --quiet --unit=fieldagent.service echo "board $mac at 48.137154, 11.576124 on {{host}} has $(cat /etc/machine-id), serial 10000000abcdef01 and $key, camera usb-Maker_Camera_SN0123456-video-index0"
            """);
        var (code, output) = doctor.Board.Shell(DoctorBoard.Doctor + " --bundle /share/bundle.tar.gz");
        Assert.True(code == 0, output);
        string[] secrets = [.. File.ReadAllLines(doctor.Board.Share.File("secrets")).Where(static line => line.Length > 0)];
        Assert.Equal(9, secrets.Length);
        using var file = File.OpenRead(doctor.Board.Share.File("bundle.tar.gz"));
        using var zip = new GZipStream(file, CompressionMode.Decompress);
        using var tar = new TarReader(zip);
        var names = new HashSet<string>();
        while (tar.GetNextEntry() is { } entry)
        {
            names.Add(entry.Name);
            using var reader = new StreamReader(entry.DataStream!);
            var text = reader.ReadToEnd();
            Assert.All(secrets, secret => Assert.DoesNotContain(secret, text, StringComparison.OrdinalIgnoreCase));
            if (entry.Name == "fieldagent/log.txt")
            {
                Assert.Contains("board (removed) at", text, StringComparison.Ordinal);
            }
        }

        Assert.Superset(new HashSet<string> { "fieldagent/doctor.json", "fieldagent/configuration.json", "fieldagent/versions.txt", "fieldagent/log.txt" }, names);
    }

    [Fact]
    public void The_reference_kit_is_found_as_its_page_says()
    {
        // The kit's chips on the simulated bus, and the lines of a Raspberry Pi's chip; the BME280 has the kernel's driver.
        doctor.Board.Must("""
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
        try
        {
            KitIsFound();
        }
        finally
        {
            doctor.Board.Must("""
                rm -f /usr/local/bin/rpicam-still /dev/serial0
                sim=/sys/kernel/config/gpio-sim/pi
                echo 0 >$sim/live
                rmdir $sim/bank/line* $sim/bank $sim
                echo 0x76 >/sys/bus/i2c/devices/i2c-1/delete_device
                rmmod fieldagent-i2c
                modprobe fieldagent-i2c chips=0x76,0x148,0x149,0x140,0x250
                . /root/chips
                """);
        }
    }

    private void KitIsFound()
    {
        var kit = File.ReadAllText(Path.Join(Places.Repository, "hardware/boards/reference-kit.json"));
        doctor.Configure(kit.Replace(
            "\"url\": \"mqtts://mqtt.example.com\"", $"\"url\": \"mqtts://broker.example:{doctor.Port}\", \"tls\": {DoctorBoard.Tls}", StringComparison.Ordinal));
        var said = doctor.Board.Shell(DoctorBoard.Doctor).Output.Split('\n').Select(static line => line.Trim()).ToHashSet(StringComparer.Ordinal);
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
}
