using System.Collections.Concurrent;
using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace FieldAgent.Faults.Tests;

/// <summary>A board that knows its serial number, hardware address, machine id, IMEI, host name and exact place runs everything; none of them
/// is in a byte that left it or that it stored.</summary>
public sealed class CanaryTests
{
    private const string Serial = "10000000c0ffee42";
    private const string Mac = "b8:27:eb:c4:7a:21";
    private const string MachineId = "4fca9be81c0d47e2a5d36b70e19f8c24";
    private const string Imei = "356938035643809";
    private const string HostName = "canary-board-of-miss-marple";
    private const double Latitude = 46.8182773;
    private const double Longitude = 8.2275146;

    private static Canaries All { get; } = new Canaries()
        .Text("the serial number", Serial).Text("the hardware address", Mac).Text("the machine id", MachineId).Text("the IMEI", Imei)
        .Text("the host name", HostName).Coordinate("the latitude", Latitude).Coordinate("the longitude", Longitude);

    [Fact]
    public void The_scanner_finds_each_canary_in_each_form()
    {
        var random = new Random(7);
        var forms = new List<(string, byte[])>
        {
            ("plain", Encoding.UTF8.GetBytes(Serial)),
            ("plain", Encoding.UTF8.GetBytes("x" + MachineId.ToUpperInvariant() + "y")),
            ("without separators", Encoding.UTF8.GetBytes(Mac.Replace(":", "", StringComparison.Ordinal))),
            ("bytes", Convert.FromHexString(Mac.Replace(":", "", StringComparison.Ordinal))),
            ("bytes", Convert.FromHexString(MachineId)),
            ("bytes backwards", [.. Convert.FromHexString(Serial).Reverse()]),
            ("hexadecimal", Encoding.UTF8.GetBytes(Convert.ToHexString(Encoding.UTF8.GetBytes(HostName)))),
            ("base64", Encoding.UTF8.GetBytes(Convert.ToBase64String(Encoding.UTF8.GetBytes(Imei)))),
            ("base64 in the middle", Encoding.UTF8.GetBytes(Convert.ToBase64String(Encoding.UTF8.GetBytes("{" + Imei + "}")))),
            ("base64 in the middle", Encoding.UTF8.GetBytes(Convert.ToBase64String(Encoding.UTF8.GetBytes("{\"" + HostName + "\"}")))),
            ("UTF-16", Encoding.Unicode.GetBytes(HostName)),
            ("UTF-16, big-endian", Encoding.BigEndianUnicode.GetBytes(Serial)),
            ("four decimals", "46.8182"u8.ToArray()),
            ("four decimals, rounded", "[46.8183]"u8.ToArray()),
            ("seven decimals", Encoding.ASCII.GetBytes(Longitude.ToString("F7", CultureInfo.InvariantCulture))),
            ("NMEA", "4649.09664"u8.ToArray()),
            ("doubles", BitConverter.GetBytes(Latitude)),
            ("doubles, big-endian", [.. BitConverter.GetBytes(-Longitude).Reverse()]),
        };
        var pair = new byte[20];
        BinaryPrimitives.WriteInt32LittleEndian(pair.AsSpan(2), 468182773);
        BinaryPrimitives.WriteInt32LittleEndian(pair.AsSpan(11), 82275146);
        forms.Add(("whole numbers", pair));
        foreach (var (form, bytes) in forms)
        {
            var hay = new byte[100_000];
            random.NextBytes(hay);
            Assert.Empty(All.Find(hay));
            bytes.CopyTo(hay, random.Next(hay.Length - bytes.Length));
            Assert.True(All.Find(hay).Count > 0, $"not found as {form}");
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Promise("R19", "R20", "R23", "R45", "R46", "R63")]
    public void Nothing_that_left_or_was_stored_holds_an_identifier_or_the_place(bool supplements)
    {
        using var board = new Board();
        using var broker = new MosquittoBroker();
        var relayed = new ConcurrentQueue<byte[]>();
        using var relay = new TcpRelay(broker.Port, (bytes, _) => relayed.Enqueue(bytes.ToArray()));
        using var cloud = new CloudSide(broker);
        var said = new StringBuilder();
        Seed(board, relay.Port, supplements);
        foreach (var grant in new string[][]
        {
            ["fleet-location", "--field", "location.position", "--precision", "1km"], ["photo"],
            ["photo", "--field", "image.location", "--precision", "1km"], ["geofence"], ["analytics"],
            ["geofence", "--field", "location.position", "--precision", "exact"], ["identity-supplement", "--field", "device.mac"],
            ["identity-supplement", "--field", "device.serial"],
        })
        {
            said.Append(EndToEndBoard.Ok(board, ["consent", "grant", .. grant]));
        }

        using (var agent = board.Run())
        {
            cloud.Until(
                () => cloud.Batches("fleet-location").Any() && cloud.Batches("geofence").Any() && cloud.Of("image").Any()
                    && cloud.Batches("telemetry").Count() > 3,
                "places, a fence, a picture and telemetry", agent);
            cloud.Ask("status", """{"id":"s-1","expires":"2199-01-01T00:00:00Z"}""", agent);
            cloud.Ask("photo", """{"id":"s-2","expires":"2199-01-01T00:00:00Z"}""", agent);
            Look(board, said);

            // A crash: what is stored is looked at as it lies there.
            agent.Kill();
            agent.WaitForExit();
            said.Append(agent.Out).Append(agent.Error);
        }

        AssertClean(board);
        using (var agent = board.Run())
        {
            board.StatusUntil(static s => EndToEndBoard.Link(s).GetProperty("acknowledged").GetInt64() > 10, "more to be delivered", agent);
            said.Append(EndToEndBoard.Ok(board, "identity", "rotate", "--reason", "owner-changed"));
            var seen = cloud.Messages.Count;
            cloud.Until(() => cloud.Messages.Count > seen + 20, "messages under the new pseudonym", agent);
            said.Append(EndToEndBoard.Ok(board, "consent", "withdraw", "fleet-location"));
            Look(board, said);
            EndToEndBoard.StopInOrder(agent);
            said.Append(agent.Out).Append(agent.Error);
        }

        // No command may find what the running agent did not.
        Look(board, said);
        AssertClean(board);
        Assert.Equal([], All.Find(Encoding.UTF8.GetBytes(said.ToString())));
        byte[] passed = [.. relayed.SelectMany(static bytes => bytes)];
        Assert.Equal([], All.Find(passed));
        foreach (var message in cloud.Messages)
        {
            Assert.Equal([], All.Find(Encoding.UTF8.GetBytes(message.Topic)));
            Assert.Equal([], All.Find(message.Plain));
        }

        // The test saw what it looked for: the coarse place arrived.
        var latitude = Assert.Single(cloud.Batches("fleet-location").SelectMany(static b => EndToEndBoard.Values(b, "latitude")).Distinct());
        Assert.InRange(Math.Abs(latitude - Latitude), 1e-5, 0.01);
        Assert.True(passed.Length > 10_000);
        Assert.Equal([1.0], cloud.Batches("geofence").SelectMany(static b => EndToEndBoard.Values(b, "inside")).Distinct());
    }

    private static void AssertClean(Board board)
    {
        foreach (var (name, bytes) in EndToEndBoard.FilesIn(board.State))
        {
            Assert.True(All.Find(bytes) is [], $"{name}: {string.Join(", ", All.Find(bytes))}");
        }
    }

    private static void Look(Board board, StringBuilder said)
    {
        foreach (var command in new string[][]
        {
            ["status"], ["status", "--json"], ["consent", "show"], ["identity", "show"], ["geofence", "show"], ["check-config"],
        })
        {
            var (_, text, error) = board.Command(command);
            said.Append(text).Append(error);
        }
    }

    private static void Seed(Board board, int port, bool supplements)
    {
        Environment.SetEnvironmentVariable("HOSTNAME", HostName);
        Environment.SetEnvironmentVariable("BOARD_SERIAL", Serial);
        Put(board.File("root/etc/machine-id"), MachineId + "\n");
        Put(board.File("root/etc/hostname"), HostName + "\n");
        Put(board.File("root/sys/class/net/eth0/address"), Mac + "\n");
        Put(board.File("root/sys/class/net/wwan0/imei"), Imei + "\n");
        Put(board.File("root/proc/device-tree/serial-number"), Serial + "\0");
        Put(board.File("root/proc/sys/kernel/hostname"), HostName + "\n");
        Put(board.File("still.nmea"), Recording());
        Directory.CreateDirectory(board.File("photos"));
        var photo = File.ReadAllBytes(Directory.EnumerateFiles(EndToEndBoard.Photos, "*.jpg").Order(StringComparer.Ordinal).First());
        File.WriteAllBytes(board.File("photos/1.jpg"), [.. photo[..2], .. Exif(), .. photo[2..]]);
        board.Configure(Board.Url(port), string.Join(',',
            Board.Simulated(),
            $$"""{ "name": "gnss", "kind": "gnss", "file": "{{board.File("still.nmea")}}", "pace": "asap", "interval": "0s" }""",
            $$"""{ "name": "camera", "kind": "camera", "folder": "{{board.File("photos")}}", "interval": "1s" }"""));
        var config = File.ReadAllText(board.ConfigFile);
        var identity = supplements ? """ "identity": { "supplements": ["mac", "serial"] }, """ : "";
        File.WriteAllText(board.ConfigFile, string.Create(CultureInfo.InvariantCulture, $$"""
            { {{identity}} "geofences": [ { "id": "yard", "circle": { "latitude": {{Latitude}}, "longitude": {{Longitude}}, "radiusM": 500 } } ],
            {{config[(config.IndexOf('{', StringComparison.Ordinal) + 1)..]}}
            """));
    }

    private static void Put(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    // A board standing still.
    private static string Recording()
    {
        var text = new StringBuilder();
        for (var second = 0; second < 300; second++)
        {
            var time = string.Create(CultureInfo.InvariantCulture, $"12{second / 60:00}{second % 60:00}.00");
            text.Append(Sentence(string.Create(CultureInfo.InvariantCulture, $"GNRMC,{time},A,{Angle(Latitude, 2)},N,{Angle(Longitude, 3)},E,0.012,0.00,010126,,,A,V")));
            text.Append(Sentence(string.Create(CultureInfo.InvariantCulture, $"GNGGA,{time},{Angle(Latitude, 2)},N,{Angle(Longitude, 3)},E,1,09,0.90,412.0,M,48.0,M,,")));
        }

        return text.ToString();

        static string Angle(double degrees, int digits) => string.Create(CultureInfo.InvariantCulture,
            $"{((int)degrees).ToString(CultureInfo.InvariantCulture).PadLeft(digits, '0')}{(degrees - (int)degrees) * 60:00.0000000}");

        static string Sentence(string body) =>
            string.Create(CultureInfo.InvariantCulture, $"${body}*{body.Aggregate(0, static (sum, c) => sum ^ c):X2}\r\n");
    }

    // APP1 with the place, the serial number and the IMEI, little-endian TIFF.
    private static byte[] Exif()
    {
        var note = Encoding.ASCII.GetBytes($"{Serial} {Imei} {Mac} {HostName}\0");
        using var tiff = new MemoryStream();
        using var writer = new BinaryWriter(tiff);
        writer.Write("II*\0"u8);
        writer.Write(8);
        var noteAt = 8 + 2 + (3 * 12) + 4;
        var gpsAt = noteAt + note.Length + (note.Length % 2);
        writer.Write((short)3);
        Entry(0x010E, 2, note.Length, noteAt);
        Entry(0x0131, 2, note.Length, noteAt);
        Entry(0x8825, 4, 1, gpsAt);
        writer.Write(0);
        writer.Write(note);
        writer.Write(new byte[note.Length % 2]);
        var numbersAt = gpsAt + 2 + (4 * 12) + 4;
        writer.Write((short)4);
        Entry(1, 2, 2, 'N');
        Entry(2, 5, 3, numbersAt);
        Entry(3, 2, 2, 'E');
        Entry(4, 5, 3, numbersAt + 24);
        writer.Write(0);
        foreach (var degrees in new[] { Latitude, Longitude })
        {
            var minutes = (degrees - (int)degrees) * 60;
            foreach (var (number, of) in new[] { ((int)degrees, 1), ((int)minutes, 1), ((int)Math.Round((minutes - (int)minutes) * 600_000), 10_000) })
            {
                writer.Write(number);
                writer.Write(of);
            }
        }

        writer.Flush();
        byte[] payload = [.. "Exif\0\0"u8, .. tiff.ToArray()];
        var length = payload.Length + 2;
        return [0xFF, 0xE1, (byte)(length >> 8), (byte)length, .. payload];

        void Entry(int tag, short type, int count, int value)
        {
            writer.Write((short)(ushort)tag);
            writer.Write(type);
            writer.Write(count);
            writer.Write(value);
        }
    }
}
