using System.Globalization;
using System.Text.Json;

namespace FieldAgent.Board.Tests;

/// <summary>The virtual board with chips, camera, gpsd and a broker that wants certificates, set up so that the doctor finds nothing wrong. Booted
/// when it is first asked for; whoever breaks something puts it right again.</summary>
public sealed class DoctorBoard : IDisposable
{
    /// <summary>The doctor, for the configuration of <see cref="Configure"/>.</summary>
    internal const string Doctor = "fieldagent doctor --config /root/config.json";

    /// <summary>What reaches the broker.</summary>
    internal const string Tls = """
        { "ca": "/root/ca.crt", "certificate": "/root/board.crt", "key": "/root/board.key" }
        """;

    private TestPki? _pki;
    private MosquittoBroker? _broker;
    private ServiceBoard? _board;

    /// <summary>The board.</summary>
    internal ServiceBoard Board
    {
        get
        {
            if (_board is null)
            {
                Boot();
            }

            return _board!;
        }
    }

    /// <summary>The broker's port.</summary>
    internal string Port => (_broker ?? throw new InvalidOperationException("not booted")).Port.ToString(CultureInfo.InvariantCulture);

    /// <summary>A finding.</summary>
    internal sealed record Found(string Id, string Result, string Text, string Remedy);

    /// <summary>The configuration with which nothing is wrong.</summary>
    /// <param name="sensors">More sensors, after a comma.</param>
    /// <param name="recipients">More recipients, after a comma.</param>
    internal string Config(string sensors = "", string recipients = "")
    {
        _ = Board;
        return $$"""
            {
              "state": { "directory": "/root/card/state", "freeBytesMin": "16MiB" }, "runtimeDirectory": "/run/fieldagent",
              "geofences": [ { "id": "yard", "circle": { "latitude": 48.137154, "longitude": 11.576124, "radiusM": 200 } } ],
              "recipients": [ { "name": "vendor", "url": "mqtts://broker.example:{{Port}}", "tls": {{Tls}} }{{recipients}} ],
              "sensors": [
                { "name": "door", "kind": "gpio", "lines": [ { "name": "door", "line": "line3" } ] },
                { "name": "air", "kind": "i2c", "map": "bme280", "bus": "/dev/i2c-1", "address": "0x76" },
                { "name": "case", "kind": "hwmon", "device": "lm75" },
                { "name": "shake", "kind": "iio", "device": "board-iio" },
                { "name": "camera", "kind": "camera", "source": "usb", "device": "/dev/video0" },
                { "name": "place", "kind": "gnss", "gpsd": "localhost:2947" }{{sensors}} ]
            }
            """;
    }

    /// <summary>Puts a configuration in place.</summary>
    internal void Configure(string config)
    {
        Board.Share.Write("config.json", config);
        Board.Must("cp /share/config.json /root/config.json");
    }

    /// <summary>Breaks something, holds that the doctor ends with 1 and names each fault with its remedy and calls nothing else a failure, and puts it
    /// right.</summary>
    /// <returns>All findings.</returns>
    internal List<Found> Breaks(string on, string off, string config, params (string Id, string Text, string Remedy)[] faults)
    {
        Configure(config);
        try
        {
            Board.Must(on);
            var found = Look(1);
            Assert.All(faults, fault => Assert.True(
                found.Exists(f => f.Id == fault.Id && f.Result == "fail" && f.Text.Contains(fault.Text, StringComparison.Ordinal) && f.Remedy.Contains(fault.Remedy, StringComparison.Ordinal)),
                $"{fault} is not among\n{string.Join('\n', found)}"));
            Assert.All(found.Where(static f => f.Result == "fail"), f => Assert.True(faults.Any(fault => fault.Id == f.Id), f.ToString()));
            return found;
        }
        finally
        {
            Board.Must(off);
        }
    }

    /// <summary>What the doctor finds.</summary>
    /// <param name="code">The exit code that it must end with.</param>
    internal List<Found> Look(int code)
    {
        var (ended, output) = Board.Shell(Doctor + " --json");
        Assert.True(ended == code, output);
        using var report = JsonDocument.Parse(output);
        Assert.Equal(code == 0, report.RootElement.GetProperty("healthy").GetBoolean());
        List<Found> found =
        [
            .. report.RootElement.GetProperty("findings").EnumerateArray().Select(static f => new Found(
                f.GetProperty("id").GetString()!, f.GetProperty("result").GetString()!, f.GetProperty("finding").GetString()!, f.GetProperty("remedy").GetString()!)),
        ];
        Assert.All(found, static f => Assert.True((f.Result == "ok" || f.Remedy.Length > 0) && !(f.Text + f.Remedy).Contains('\n', StringComparison.Ordinal), f.ToString()));
        return found;
    }

    public void Dispose()
    {
        _board?.Dispose();
        _broker?.Dispose();
        _pki?.Dispose();
    }

    // User, groups and rules as the installation makes them; the state is on a card of its own.
    private void Boot()
    {
        var board = new ServiceBoard();
        _pki = new TestPki();
        _broker = new MosquittoBroker(new MosquittoSetup { Pki = _pki, ServerCertificate = _pki.OtherHost, RequireClientCertificate = true });
        foreach (var file in new[] { "fieldagent.sysusers", "fieldagent.rules" })
        {
            File.Copy(Path.Join(Places.Repository, "systemd", file), board.Share.File(file));
        }

        foreach (var (name, file) in new[]
        {
            ("ca.crt", _pki.Authority.CertificateFile), ("alien.crt", _pki.Alien.CertificateFile),
            ("board.crt", _pki.Client.CertificateFile), ("board.key", _pki.Client.KeyFile),
            ("ended.crt", _pki.ExpiredClient.CertificateFile), ("ended.key", _pki.ExpiredClient.KeyFile),
        })
        {
            File.Copy(file, board.Share.File(name));
        }

        _board = board;
        board.Boot();
        board.Must("""
            systemd-sysusers /share/fieldagent.sysusers
            cp /share/fieldagent.rules /usr/lib/udev/rules.d/60-fieldagent.rules
            udevadm control --reload
            udevadm trigger --settle --action=add --subsystem-match=gpio --subsystem-match=i2c-dev --subsystem-match=iio
            cp /share/fieldagent /share/libe_sqlite3.so /usr/local/bin
            install -m 600 -t /root /share/*.crt /share/*.key
            mkdir -p /root/card
            mount -t tmpfs -o size=96M,mode=755 card /root/card
            """);
    }
}
