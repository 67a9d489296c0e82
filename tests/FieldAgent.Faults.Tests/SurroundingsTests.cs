using System.Diagnostics;

namespace FieldAgent.Faults.Tests;

/// <summary>Disks that fill and devices that vanish.</summary>
public sealed class SurroundingsTests
{
    [Fact]
    public void On_a_full_disk_the_oldest_goes_first_is_announced_and_the_agent_goes_on()
    {
        using var disk = SmallDisk.Mount(6);
        using var board = new Board(disk.File("state"));
        board.Configure(Board.Url(MosquittoBroker.FreePort()), $$"""
            { "name": "fast", "kind": "simulated", "pace": "asap", "count": 6000000, "interval": "1ms", "seed": 3, "streams": [
              { "name": "a", "unit": "1", "waveform": "walk", "offset": 1, "amplitude": 0.1234567 } ] }
            """);
        using var agent = board.Run("--summary", board.SummaryFile);
        var status = board.StatusUntil(
            static s => s.GetProperty("dropped").EnumerateObject().Any(static d => d.Value.GetInt64() > 0), "evictions", agent);
        var before = status.GetProperty("store").GetProperty("readingsStored").GetInt64();
        board.StatusUntil(s => s.GetProperty("store").GetProperty("readingsStored").GetInt64() > before, "storing to go on", agent);
        Assert.True(disk.UsedBytes <= disk.Bytes);
        agent.Terminate();
        Assert.Equal(0, agent.WaitForExit());

        // And it opens again.
        using var again = board.Run();
        board.StatusUntil(static s => s.GetProperty("spool").GetProperty("blocks").GetInt64() > 0, "the old blocks", again);
    }

    [Fact]
    public void The_state_folder_never_exceeds_its_cap()
    {
        using var board = new Board();
        board.Configure(Board.Url(MosquittoBroker.FreePort()), """
            { "name": "fast", "kind": "simulated", "pace": "asap", "count": 6000000, "interval": "1ms", "seed": 3, "streams": [
              { "name": "a", "unit": "1", "waveform": "walk", "offset": 1, "amplitude": 0.1234567 } ] }
            """, state: """, "bytesMax": "5MiB" """);
        using var agent = board.Run();
        for (var i = 0; i < 20; i++)
        {
            board.StatusUntil(static _ => true, "an answer", agent);
            // Files are weighed one after the other: only two equal sums in a row are of one instant.
            var bytes = Weigh(board.State);
            Assert.True(bytes != Weigh(board.State) || bytes <= 5 << 20, $"{bytes} bytes in the state folder");
        }

        board.StatusUntil(
            static s => s.GetProperty("dropped").EnumerateObject().Any(static d => d.Value.GetInt64() > 0), "evictions", agent);
    }

    [Fact]
    public void A_picture_that_the_disk_refuses_waits_in_memory_the_readings_go_on_and_it_is_stored_once()
    {
        using var board = new Board();
        board.Configure(Board.Url(MosquittoBroker.FreePort()), Board.Simulated() + ", " + EndToEndBoard.Camera(""", "interval": "1s" """));
        using var agent = board.Run();
        board.StatusUntil(static s => Rows(s, "env") > 5, "a running sensor", agent);
        EndToEndBoard.Ok(board, "consent", "grant", "photo");
        var images = Path.Join(board.State, "images");
        board.StatusUntil(static s => s.GetProperty("store").GetProperty("imagesStored").GetInt64() > 0, "a picture", agent);
        board.StatusUntil(static s => Trouble(s).Length == 0, "no trouble", agent);
        Directory.Move(images, images + ".away");

        var status = board.StatusUntil(static s => Trouble(s).Contains("pictures in", StringComparison.Ordinal), "the refusal", agent);
        var stored = status.GetProperty("store").GetProperty("readingsStored").GetInt64();
        board.StatusUntil(s => s.GetProperty("store").GetProperty("readingsStored").GetInt64() > stored + 20, "readings to go on", agent);
        Assert.Contains("A picture cannot be stored", agent.Error, StringComparison.Ordinal);

        var pictures = status.GetProperty("store").GetProperty("imagesStored").GetInt64();
        Directory.Move(images + ".away", images);
        status = board.StatusUntil(s => s.GetProperty("store").GetProperty("imagesStored").GetInt64() > pictures, "the picture", agent);
        Assert.Equal("", Trouble(status));
    }

    [Fact]
    [Promise("R13")]
    public void A_deleted_sensor_tree_is_a_quiet_named_state_the_others_go_on_and_it_comes_back()
    {
        using var board = new Board();
        var tree = board.File("root/sys/bus/iio/devices/iio:device0");
        void Plug()
        {
            Directory.CreateDirectory(tree);
            File.WriteAllText(Path.Join(tree, "name"), "bme280\n");
            File.WriteAllText(Path.Join(tree, "in_temp_input"), "25080\n");
            File.WriteAllText(Path.Join(tree, "in_pressure_input"), "100.653\n");
        }

        Plug();
        board.Configure(Board.Url(MosquittoBroker.FreePort()),
            Board.Simulated() + """, { "name": "climate", "kind": "iio", "device": "bme280", "interval": "50ms" }""");
        using var agent = board.Run();
        board.StatusUntil(static s => State(s, "climate") == "Running" && Rows(s, "climate") > 5, "a running sensor", agent);

        Directory.Delete(tree, recursive: true);
        var status = board.StatusUntil(static s => State(s, "climate") == "Absent", "the sensor to be absent", agent);
        var others = Rows(status, "env");
        board.StatusUntil(s => Rows(s, "env") > others + 10, "the other sensor to go on", agent);
        var (_, text, _) = board.Command("status");
        Assert.Contains("climate: absent", text, StringComparison.Ordinal);

        var rows = Rows(status, "climate");
        Plug();
        board.StatusUntil(s => State(s, "climate") == "Running" && Rows(s, "climate") > rows, "the sensor to be back", agent);
        Assert.True(agent.Error.Split('\n').Count(static l => l.Contains("climate", StringComparison.Ordinal)) < 12, agent.Error);
    }

    private static long Weigh(string folder) =>
        new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories).Sum(static f => f.Exists ? f.Length : 0);

    private static string Trouble(System.Text.Json.JsonElement status) => status.GetProperty("store").GetProperty("trouble").GetString()!;

    private static string State(System.Text.Json.JsonElement status, string sensor) => Sensor(status, sensor).GetProperty("state").GetString()!;

    private static long Rows(System.Text.Json.JsonElement status, string sensor) => Sensor(status, sensor).GetProperty("rows").GetInt64();

    private static System.Text.Json.JsonElement Sensor(System.Text.Json.JsonElement status, string name) =>
        status.GetProperty("sensors").EnumerateArray().First(s => s.GetProperty("name").GetString() == name);
}

/// <summary>A tmpfs of a few MiB; skips the test where it may not be mounted.</summary>
internal sealed class SmallDisk : IDisposable
{
    private readonly string _path = Directory.CreateTempSubdirectory("fieldagent-disk-").FullName;

    private SmallDisk(int megabytes) => Bytes = (long)megabytes << 20;

    public long Bytes { get; }

    public long UsedBytes
    {
        get
        {
            var drive = new DriveInfo(_path);
            return drive.TotalSize - drive.TotalFreeSpace;
        }
    }

    public static SmallDisk Mount(int megabytes)
    {
        var disk = new SmallDisk(megabytes);
        if (Run("mount", "-t", "tmpfs", "-o", $"size={megabytes}m", "tmpfs", disk._path) != 0)
        {
            disk.Dispose();
            Assert.Skip("skipped: mounting a tmpfs (needs root)");
        }

        return disk;
    }

    public string File(string name) => Path.Join(_path, name);

    public void Dispose()
    {
        _ = Run("umount", "-l", _path);
        Directory.Delete(_path, recursive: true);
    }

    private static int Run(string program, params string[] args)
    {
        using var process = Process.Start(new ProcessStartInfo(program, args) { RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode;
    }
}
