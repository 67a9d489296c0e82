namespace FieldAgent.Devices.Tests;

/// <summary>What is told of the board, from the files that a Raspberry Pi and a PC have.</summary>
public sealed class BoardFactsTests : IDisposable
{
    private readonly TempFolder _root = new();

    public void Dispose() => _root.Dispose();

    [Fact]
    [Promise("R28", "R29")]
    public void A_raspberry_pi_tells_exactly_the_published_fields()
    {
        _root.Write("sys/firmware/devicetree/base/model", "Raspberry Pi 4 Model B Rev 1.4\0");
        _root.Write("sys/firmware/devicetree/base/compatible", "raspberrypi,4-model-b\0brcm,bcm2711\0");
        _root.Write("sys/firmware/devicetree/base/serial-number", "10000000deadbeef\0");
        _root.Write("sys/class/drm/card1-HDMI-A-1/status", "connected\n");
        _root.Write("sys/class/drm/card1-HDMI-A-1/modes", "1920x1080\n1280x720\n");
        _root.Write("sys/class/drm/card1-HDMI-A-2/status", "disconnected\n");
        _root.Write("etc/os-release", "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\nID=debian\n");
        _root.Write("etc/hostname", "secret-host\n");
        var facts = All("zh_CN.UTF-8");
        Assert.Equal("Raspberry Pi 4 Model B Rev 1.4", facts["device.model"]);
        Assert.Equal("raspberrypi", facts["device.manufacturer"]);
        Assert.Equal("raspberrypi,4-model-b", facts["device.product"]);
        Assert.Equal("1920x1080", facts["device.display-resolution"]);
        Assert.EndsWith(" GB", facts["device.storage-size"], StringComparison.Ordinal);
        Assert.Equal("debian", facts["os.name"]);
        Assert.Equal("12", facts["os.version"]);
        Assert.Equal("zh_CN", facts["os.language"]);
        Assert.Equal(8, facts.Count);
        Assert.DoesNotContain(facts.Values, static v => v!.Contains("deadbeef", StringComparison.Ordinal) || v.Contains("secret", StringComparison.Ordinal));
    }

    [Fact]
    public void What_the_board_does_not_have_is_absent_and_what_cannot_be_read_is_no_fault()
    {
        var facts = All(null);
        Assert.Equal(["device.storage-size"], facts.Where(static f => f.Value is not null).Select(static f => f.Key));
        Directory.CreateDirectory(_root.File("sys/firmware/devicetree/base/model"));
        _root.Write("etc/os-release", "\0\0\u0001ID\n=\nID=\n");
        Assert.Null(Read("device.model"));
        Assert.Null(Read("os.name"));
        Assert.Null(Read("device.serial"));
        Assert.Null(Read(""));
    }

    [Fact]
    public void A_text_is_cut_and_freed_of_control_characters()
    {
        _root.Write("sys/firmware/devicetree/base/model", "A\u0007B" + new string('x', 10_000));
        Assert.Equal("AB" + new string('x', DeviceLimits.FactLengthMax - 2), Read("device.model"));
    }

    [Fact]
    public void A_frame_buffer_gives_the_resolution_where_no_connector_does()
    {
        _root.Write("sys/class/graphics/fb0/virtual_size", "800,480\n");
        Assert.Equal("800x480", Read("device.display-resolution"));
    }

    private string? Read(string field) => new BoardFacts(_root.Path, _root.Path, null).Read(field);

    private Dictionary<string, string?> All(string? language)
    {
        var facts = new BoardFacts(_root.Path, _root.Path, language);
        return facts.Fields.ToDictionary(static field => field, facts.Read);
    }
}
