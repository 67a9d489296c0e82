namespace FieldAgent.Faults.Tests;

/// <summary>Disks that fill and devices that vanish.</summary>
public sealed class SurroundingsTests
{
    [Fact]
    public void On_a_full_disk_the_oldest_goes_first_is_announced_and_the_agent_goes_on()
    {
        using var disk = new SmallDisk(6 << 20);
        using var board = new Board(disk.File("state"));
        board.Configure(board.NoBroker, $$"""
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
    public void With_no_room_from_the_start_it_says_so_once_beside_the_link_too_and_what_is_lost_at_the_stop()
    {
        // Less than the floor that is kept free for others.
        using var disk = new SmallDisk(3 << 20);
        using var board = new Board(disk.File("state"));
        board.Configure(board.NoBroker, Board.Simulated(), floor: "64MiB");
        using var agent = board.Run();

        // As long as three tries.
        board.StatusUntil(
            static s => s.GetProperty("uptimeSeconds").GetDouble() > 12 && Trouble(s).Contains("down to its floor", StringComparison.Ordinal)
                && s.GetProperty("links")[0].GetProperty("detail").GetString()!.Contains("down to its floor", StringComparison.Ordinal),
            "the reason, beside the link too, after some tries", agent);
        Eventually.True(() => agent.Error.Contains("the use of the pseudonym cannot be noted", StringComparison.Ordinal), "it is in the log");
        Assert.Equal(2, agent.Error.Split("the use of the pseudonym cannot be noted").Length);
        agent.Terminate();
        Assert.Equal(1, agent.WaitForExit());
        Assert.Contains("are lost", agent.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void The_state_folder_never_exceeds_its_cap()
    {
        // The disk has no more room than the cap allows, beside the unused rest of each file's last page: what would go over it for an
        // instant is refused by the kernel, and would be given up for the full disk instead of for the cap.
        const int Cap = 5 << 20;
        using var disk = new SmallDisk(Cap + (16 * SmallDisk.PageBytes));
        using var board = new Board(disk.File("state"));
        board.Configure(board.NoBroker, """
            { "name": "fast", "kind": "simulated", "pace": "asap", "count": 6000000, "interval": "1ms", "seed": 3, "streams": [
              { "name": "a", "unit": "1", "waveform": "walk", "offset": 1, "amplitude": 0.1234567 } ] }
            """, state: """, "bytesMax": "5MiB" """);
        using var agent = board.Run();
        var status = board.StatusUntil(static s => Dropped(s, "storage-cap") > 100_000, "evictions", agent);
        Assert.Equal(0, Dropped(status, "disk-full"));
        agent.Terminate();
        Assert.Equal(0, agent.WaitForExit());
        Assert.InRange(Weigh(board.State), Cap / 2, Cap);
    }

    [Fact]
    public void A_picture_that_the_disk_refuses_waits_in_memory_the_readings_go_on_and_it_is_stored_once()
    {
        using var board = new Board();
        board.Configure(board.NoBroker, Board.Simulated() + ", " + EndToEndBoard.Camera(""", "interval": "1s" """));
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
        Eventually.True(() => agent.Error.Contains("A picture cannot be stored", StringComparison.Ordinal), "it is in the log");

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
        board.Configure(board.NoBroker,
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

    private static long Dropped(System.Text.Json.JsonElement status, string why) =>
        status.GetProperty("dropped").EnumerateObject().Where(d => d.Name.EndsWith(why, StringComparison.Ordinal)).Sum(static d => d.Value.GetInt64());

    private static string Trouble(System.Text.Json.JsonElement status) => status.GetProperty("store").GetProperty("trouble").GetString()!;

    private static string State(System.Text.Json.JsonElement status, string sensor) => Sensor(status, sensor).GetProperty("state").GetString()!;

    private static long Rows(System.Text.Json.JsonElement status, string sensor) => Sensor(status, sensor).GetProperty("rows").GetInt64();

    private static System.Text.Json.JsonElement Sensor(System.Text.Json.JsonElement status, string name) =>
        status.GetProperty("sensors").EnumerateArray().First(s => s.GetProperty("name").GetString() == name);
}
