using System.Formats.Tar;
using System.IO.Compression;
using System.Text;
using FieldAgent.Agent.Doctor;

namespace FieldAgent.Agent.Tests;

public sealed class SupportBundleTests
{
    private static readonly string[] Canaries =
    [
        "hunter2-canary", "canary-user", "canary-board", "b8:27:eb:ca:4a:12", "10000000canary99", "00112233445566778899aabbccddeeff", "52.379189", "4.899431",
        "canary-place", "canary-technician", "canary.key", "usb-u-blox_CANARY123-if00", "10000000abcdef99",
    ];

    [Fact]
    public void A_bundle_holds_what_helps_and_no_secret_identifier_or_position()
    {
        using var board = new BoardTree();
        using var folder = new TempFolder();
        var password = folder.Write("canary.password", "hunter2-canary\n");
        board.Write("dev/serial/by-id/usb-u-blox_CANARY123-if00", "");
        board.Configure(
            """{ "name": "gnss", "kind": "gnss", "device": "/dev/serial/by-id/usb-u-blox_CANARY123-if00" }, { "name": "climate", "kind": "iio", "device": "bme280" }""",
            recipient: $$""", "userName": "canary-user", "passwordFile": "{{password}}" """,
            more: """
                "geofences": [ { "id": "canary-place", "circle": { "latitude": 52.379189, "longitude": 4.899431, "radiusM": 200 } } ],
                "control": { "operators": [ "canary-technician" ] }
                """);
        File.WriteAllText(board.ConfigFile, File.ReadAllText(board.ConfigFile).Replace("\"bench\"", "\"canary-board\"", StringComparison.Ordinal));
        var report = board.Look(out var view, out var node);
        var file = folder.File("support.tar.gz");
        SupportBundle.Write(file, report, view, node,
        [
            "sensor gnss: running at 52.379189, 4.899431", "machine 00112233445566778899aabbccddeeff", "eth0 b8:27:eb:ca:4a:12", "serial 10000000abcdef99",
            "canary-user logged in with hunter2-canary on canary-board", "flushed 1000 readings at 2026-01-01T00:00:00Z",
        ]);

        var parts = Read(file);
        Assert.Equal(["configuration.json", "doctor.json", "log.txt", "versions.txt"], parts.Keys.Order());
        foreach (var (name, text) in parts)
        {
            foreach (var canary in Canaries)
            {
                Assert.False(text.Contains(canary, StringComparison.OrdinalIgnoreCase), $"{canary} is in {name}:\n{text}");
            }

            Assert.False(text.Contains(Environment.MachineName, StringComparison.OrdinalIgnoreCase), name);
        }

        // What helps is still there.
        Assert.Contains("\"device\": \"bme280\"", parts["configuration.json"], StringComparison.Ordinal);
        Assert.Contains("mqtt://127.0.0.1:1883", parts["configuration.json"], StringComparison.Ordinal);
        Assert.Contains("flushed 1000 readings at 2026-01-01T00:00:00Z", parts["log.txt"], StringComparison.Ordinal);
        Assert.Contains("Linux 6.6.31", parts["versions.txt"], StringComparison.Ordinal);
        Assert.Contains("board.model", parts["doctor.json"], StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
    }

    [Theory]
    [InlineData("at 52.37918, 4.8", "at (removed), 4.8")]
    [InlineData("-33.86785", "(removed)")]
    [InlineData("version 3.50.4 on 2026-01-01", "version 3.50.4 on 2026-01-01")]
    [InlineData("1-0076 at /dev/i2c-1", "1-0076 at /dev/i2c-1")]
    [InlineData("dead:beef:dead:beef::1", "(removed)")]
    [InlineData("GPIO17 is held by 'spi0 CS0'", "GPIO17 is held by 'spi0 CS0'")]
    [InlineData("up 3600.5 s, 0.0001", "up 3600.5 s, (removed)")]
    public void What_looks_like_an_identifier_or_a_position_goes(string text, string clean) => Assert.Equal(clean, new Redactor([]).Text(text));

    private static Dictionary<string, string> Read(string file)
    {
        using var zip = new GZipStream(File.OpenRead(file), CompressionMode.Decompress);
        using var tar = new TarReader(zip);
        var parts = new Dictionary<string, string>(StringComparer.Ordinal);
        while (tar.GetNextEntry() is { } entry)
        {
            using var reader = new StreamReader(entry.DataStream!, Encoding.UTF8);
            parts.Add(entry.Name["fieldagent/".Length..], reader.ReadToEnd());
        }

        return parts;
    }
}
