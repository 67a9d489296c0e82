using System.Text.Json;

namespace FieldAgent.Board.Tests;

/// <summary>A card that fails while the agent runs: from one moment on the block device answers nothing but errors.</summary>
public sealed class CardFaultTests : IDisposable
{
    private readonly VirtualBoard _board = new();

    [Fact]
    public void A_failing_card_is_named_the_agent_goes_on_and_what_was_stored_before_is_whole()
    {
        var photos = Path.Join(Places.Repository, "hardware", "boards", "photos");
        Directory.CreateDirectory(_board.Share.File("photos"));
        var photo = Directory.EnumerateFiles(photos, "*.jpg").Order(StringComparer.Ordinal).First();
        File.Copy(photo, _board.Share.File("photos/" + Path.GetFileName(photo)));
        _board.Share.Write("config.json", """
            { "runtimeDirectory": "/run/fieldagent", "state": { "directory": "/card/state", "freeBytesMin": "0B", "bytesMax": "16MiB" },
              "flush": { "interval": "500ms" },
              "recipients": [ { "name": "vendor", "url": "mqtt://localhost:1999" } ],
              "sensors": [
                { "name": "env", "kind": "simulated", "interval": "50ms", "seed": 1, "streams": [ { "name": "a", "unit": "1" } ] },
                { "name": "camera", "kind": "camera", "folder": "/share/photos", "interval": "2s" } ] }
            """);
        using var board = _board.TurnOn();
        board.Ok("""
            set -e
            modprobe loop; modprobe dm-mod
            truncate -s 64M /tmp/card
            losetup -f --show /tmp/card >loop
            cat >become <<'EOF'
            export DM_DISABLE_UDEV=1
            dmsetup suspend --noflush --nolockfs card && dmsetup load card --table "$1" && dmsetup resume card
            EOF
            DM_DISABLE_UDEV=1 dmsetup create card --table "0 131072 linear $(cat loop) 0"
            mkfs.ext4 -q /dev/mapper/card
            mkdir /card
            mount /dev/mapper/card /card
            """);
        board.StartAgent();
        board.Ok("fieldagent consent grant photo --config config.json");
        var before = board.StatusUntil(static s => Stored(s, "readingsStored") > 100 && Stored(s, "imagesStored") > 0, "readings and a picture");

        board.Ok("bash become '0 131072 error'");
        var failing = board.StatusUntil(
            static s => s.GetProperty("store").GetProperty("trouble").GetString()!.Length > 0 && s.GetProperty("spool").GetProperty("unwritten").GetInt64() > 50,
            "the trouble, and readings in memory alone");
        Assert.Contains("/card/state", failing.GetProperty("store").GetProperty("trouble").GetString(), StringComparison.Ordinal);
        Assert.Equal("Running", LiveBoard.Sensor(failing, "env").GetProperty("state").GetString());
        var (_, text) = board.Run("fieldagent status --config config.json; fieldagent doctor --config config.json");
        Assert.Contains("! store: ", text, StringComparison.Ordinal);
        Assert.Contains("check the card and the kernel log", text, StringComparison.Ordinal);
        Assert.Contains("lost if the agent stops now", text, StringComparison.Ordinal);
        Assert.Contains("FAIL  store.trouble", text, StringComparison.Ordinal);
        board.StopAgent();
        Assert.Contains("were in memory alone and are lost", board.Log(), StringComparison.Ordinal);

        // What a restart of the board does.
        board.Ok("bash become \"0 131072 linear $(cat loop) 0\" && umount /card && fsck.ext4 -p /dev/mapper/card; [ $? -lt 4 ] && mount /dev/mapper/card /card");
        board.StartAgent();
        var after = board.Status();
        Assert.True(
            after.GetProperty("spool").GetProperty("readings").GetInt64() >= Stored(before, "readingsStored"),
            $"stored before: {before.GetProperty("store")}; there now: {after.GetProperty("spool")}\n{board.Log()}");
        Assert.True(after.GetProperty("spool").GetProperty("images").GetInt64() >= Stored(before, "imagesStored"));
        board.StopAgent();
    }

    public void Dispose() => _board.Dispose();

    private static long Stored(JsonElement status, string what) => status.GetProperty("store").GetProperty(what).GetInt64();
}
