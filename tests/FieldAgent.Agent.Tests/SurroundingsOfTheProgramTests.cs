using System.Text.Json;
using FieldAgent.Agent.Cli;
using FieldAgent.Agent.Configuration;
using FieldAgent.Core;
using FieldAgent.Simulation;
using FieldAgent.Store;
using Microsoft.Extensions.Logging.Abstractions;

namespace FieldAgent.Agent.Tests;

/// <summary>What the program is made of, whom it can reach, and what it comes with: read from its sources and shipped files.</summary>
public sealed class SurroundingsOfTheProgramTests
{
    private static readonly string[] Network = ["new Socket(", "TcpClient", "UdpClient", "HttpClient", "WebClient", "TcpListener", "ClientWebSocket", "SslStream"];

    // Who makes a socket, and to where. A line more here is a way out more: it needs a recipient of the policy.
    private static readonly Dictionary<string, string> Sockets = new(StringComparer.Ordinal)
    {
        ["FieldAgent.Delivery/Link/Endpoint.cs"] = "the recipient's broker, before the library connects to it",
        ["FieldAgent.Agent/Doctor/Checks/CertificateCheck.cs"] = "the recipient's broker, for the dates of its certificate; nothing is sent",
        ["FieldAgent.Agent/Doctor/Checks/ModbusCheck.cs"] = "the Modbus instrument of the configuration; nothing is sent",
        ["FieldAgent.Devices/Linux/NetworkHost.cs"] = "gpsd, for the sensor",
        ["FieldAgent.Devices/Survey/GpsdSurvey.cs"] = "gpsd",
        ["FieldAgent.Devices/SharedUplink/SharedUplinkSensor.cs"] = "a Unix socket of the runtime folder",
        ["FieldAgent.Agent/Control/ControlServer.cs"] = "a Unix socket of the runtime folder",
        ["FieldAgent.Agent/Control/ControlClient.cs"] = "a Unix socket of the runtime folder",
        ["FieldAgent.Agent/Hosting/ServiceNotifier.cs"] = "systemd",
        ["FieldAgent.Agent/Demo/DemoBroker.cs"] = "the demonstration's broker on this machine",
    };

    [Fact]
    [Promise("R74")]
    public void Nobody_makes_a_connection_but_those_who_are_listed()
    {
        var makers = Sources().Where(static s => Network.Any(word => s.Text.Contains(word, StringComparison.Ordinal))).Select(static s => s.Name);
        Assert.Equal(Sockets.Keys.Order(StringComparer.Ordinal), makers.Order(StringComparer.Ordinal));
        foreach (var unix in Sockets.Where(static s => s.Value.Contains("Unix", StringComparison.Ordinal)))
        {
            Assert.DoesNotContain("InterNetwork", Source(unix.Key), StringComparison.Ordinal);
        }
    }

    [Fact]
    [Promise("R76")]
    public void The_shared_uplink_knows_no_link_and_hands_no_device_over()
    {
        foreach (var (name, text) in Sources().Where(static s => s.Name.StartsWith("FieldAgent.Devices/SharedUplink/", StringComparison.Ordinal)))
        {
            foreach (var word in new[] { "ILink", "MqttTopic", "SCM_RIGHTS", "SendMsg", "/dev/" })
            {
                Assert.False(text.Contains(word, StringComparison.Ordinal), $"{name}: {word}");
            }
        }
    }

    [Fact]
    [Promise("R57")]
    public void Nothing_changes_the_boards_networking()
    {
        foreach (var (name, text) in Sources())
        {
            foreach (var word in new[] { "AF_NETLINK", "nmcli", "ifconfig", "rfkill", "wpa_", "SIOCSIF", "NetworkManager", "RTM_" })
            {
                Assert.False(text.Contains(word, StringComparison.Ordinal), $"{name}: {word}");
            }
        }

        var unit = File.ReadAllLines(Path.Join(Places.Repository, "systemd", "fieldagent.service"));
        Assert.Contains("CapabilityBoundingSet=", unit);
    }

    [Fact]
    [Promise("R114")]
    public void There_is_no_default_credential_and_two_boards_have_nothing_in_common()
    {
        var errors = new Core.Configuration.ConfigErrors();
        var config = ConfigLoader.Load(
            """{ "recipients": [ { "name": "vendor", "url": "mqtts://broker.example" } ], "sensors": [] }"""u8, "/nowhere/c.json", new ConfigOverrides(), errors);
        Assert.True(errors.IsEmpty, string.Join('\n', errors.All));
        var link = Assert.Single(config!.Recipients).Link;
        Assert.Null(link.UserName);
        Assert.Null(link.Password);
        Assert.NotNull(link.Tls);

        foreach (var folder in new[] { "systemd", "hardware/boards" })
        {
            foreach (var file in Directory.GetFiles(Path.Join(Places.Repository, folder), "*.json"))
            {
                var text = File.ReadAllText(file);
                Assert.DoesNotContain("userName", text, StringComparison.Ordinal);
                Assert.DoesNotContain("password", text, StringComparison.OrdinalIgnoreCase);
            }
        }

        using var boards = new TempFolder();
        var keys = new List<string>();
        foreach (var name in new[] { "a", "b" })
        {
            using var store = StateStore.Open(
                new StoreOptions { Directory = boards.File(name), Recipients = ["vendor"], FreeBytesMin = 0 }, new SimulatedClock(), new Counters(), NullLogger.Instance);
            var key = new byte[32];
            store.Keys.DeriveKey("test", key);
            keys.Add(Convert.ToHexString(key));
            Assert.Equal(
                UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Join(boards.File(name), "root.key")));
        }

        Assert.NotEqual(keys[0], keys[1]);
    }

    [Fact]
    [Promise("R74")]
    public void The_bill_of_materials_names_every_package_of_the_build_and_the_native_libraries()
    {
        using var assets = JsonDocument.Parse(File.ReadAllBytes(Path.Join(Places.Repository, "src/FieldAgent.Agent/obj/project.assets.json")));
        var target = assets.RootElement.GetProperty("targets").EnumerateObject().First().Value;
        var built = target.EnumerateObject()
            .Where(static p => p.Value.GetProperty("type").GetString() == "package"
                && (p.Value.TryGetProperty("runtime", out _) || p.Value.TryGetProperty("runtimeTargets", out _) || p.Value.TryGetProperty("native", out _)))
            .Select(static p => p.Name.Replace('/', ' '));
        Assert.Equal(built.Order(StringComparer.Ordinal), BillOfMaterials.Packages().Select(static p => $"{p.Name} {p.Version}").Order(StringComparer.Ordinal));

        var bill = JsonDocument.Parse(BillOfMaterials.Write("1.2.3", ["libmosquitto 2.0.11"])).RootElement;
        Assert.Equal("CycloneDX", bill.GetProperty("bomFormat").GetString());
        var last = bill.GetProperty("components").EnumerateArray().Last();
        Assert.Equal(("libmosquitto", "2.0.11"), (last.GetProperty("name").GetString(), last.GetProperty("version").GetString()));
    }

    private static IEnumerable<(string Name, string Text)> Sources()
    {
        var src = Path.Join(Places.Repository, "src");
        return Directory.EnumerateFiles(src, "*.cs", SearchOption.AllDirectories)
            .Where(static file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal))
            .Select(file => (Path.GetRelativePath(src, file), File.ReadAllText(file)));
    }

    private static string Source(string name) => File.ReadAllText(Path.Join(Places.Repository, "src", name));
}
