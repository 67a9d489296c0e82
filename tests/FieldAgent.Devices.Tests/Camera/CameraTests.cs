using FieldAgent.Core;

namespace FieldAgent.Devices.Tests;

public sealed class CameraTests : IDisposable
{
    private static readonly byte[] JpegStart = [0xFF, 0xD8, 0xFF, 0xE0];

    private readonly TempFolder _folder = new();
    private readonly RecordingHost _host = new();

    public void Dispose()
    {
        _host.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Shots_follow_the_interval_in_name_order_and_begin_again()
    {
        Photo("b.jpg", 2);
        Photo("a.JPG", 1);
        Photo("c.jpeg", 3);
        _folder.Write("notes.txt", "no picture");
        using var run = _host.Start(Camera("""{ "folder": ".", "interval": "5s" }"""));
        for (var shot = 1; shot <= 4; shot++)
        {
            AdvanceToShot(shot);
        }

        Assert.Equal([1, 2, 3, 1], _host.Images.Select(i => (int)i.Jpeg.Span[^1]));
        Assert.All(_host.Images, i => Assert.Equal("image.photo", i.Field));
        Assert.All(_host.Images, i => Assert.Null(i.RequestId));
        Assert.Equal(6_000_000_000, _host.Images[0].Captured.BootNs);
    }

    [Fact]
    public void A_command_takes_a_shot_at_once_and_the_schedule_stays()
    {
        Photo("a.jpg", 1);
        Photo("b.jpg", 2);
        using var run = _host.Start(Camera("""{ "folder": ".", "interval": "1h" }"""));
        _host.Trigger("req-1");
        Eventually.True(() => _host.Images.Count == 1, "the shot asked for");
        Assert.Equal("req-1", _host.Images[0].RequestId);
        _host.Time.Advance(TimeSpan.FromHours(1));
        Eventually.True(() => _host.Images.Count == 2, "the scheduled shot");
        Assert.Null(_host.Images[1].RequestId);
    }

    [Fact]
    [Promise("R60")]
    public void It_is_open_for_one_shot_of_one_function_and_closed_between_shots()
    {
        Photo("a.jpg", 1);
        var camera = Camera("""{ "folder": "." }""");
        Assert.Equal(["image.photo"], camera.OpensFor);
        using var run = _host.Start(camera);
        Eventually.True(() => _host.TriggerWaits == 1, "the camera waits");
        Assert.Empty(Open());
        _host.Trigger("x");
        Eventually.True(() => _host.TriggerWaits == 2, "the camera waits again");
        Assert.Single(_host.Images);
        Assert.Empty(Open());

        List<string> Open() => [.. Directory.EnumerateFileSystemEntries("/proc/self/fd")
            .Select(static link => new FileInfo(link).LinkTarget ?? "").Where(target => target.StartsWith(_folder.Path, StringComparison.Ordinal))];
    }

    [Fact]
    [Promise("R61")]
    public void Only_files_of_the_folder_that_was_named_are_imported()
    {
        Photo("named/a.jpg", 1);
        Photo("named/deeper/b.jpg", 2);
        Photo("beside/c.jpg", 3);
        Photo("d.jpg", 4);
        using var run = _host.Start(Camera("""{ "folder": "named" }"""));
        for (var i = 0; i < 3; i++)
        {
            _host.Trigger("x");
        }

        Eventually.True(() => _host.Images.Count == 3, "three shots");
        Assert.All(_host.Images, static image => Assert.Equal(1, image.Jpeg.Span[^1]));
    }

    [Fact]
    public void Without_an_interval_only_commands_take_shots()
    {
        Photo("a.jpg", 1);
        using var run = _host.Start(Camera("""{ "folder": "." }"""));
        Eventually.True(() => _host.TriggerWaits == 1, "the camera waits");
        _host.Time.Advance(TimeSpan.FromDays(10));
        _host.Trigger("x");
        Eventually.True(() => _host.Images.Count == 1, "the shot asked for");
        Assert.Equal("x", _host.Images[0].RequestId);
    }

    [Fact]
    public void What_is_no_jpeg_or_too_large_is_skipped_and_counted()
    {
        _folder.Write("a.jpg", "<html>");
        using (var large = File.Create(_folder.File("b.jpg")))
        {
            large.SetLength(DeviceLimits.PhotoBytesMax + 1L);
        }

        _folder.Write("c.jpg", "");
        Photo("d.jpg", 4);
        using var run = _host.Start(Camera("""{ "folder": ".", "interval": "5s" }"""));
        AdvanceToShot(1);
        Assert.Equal(4, _host.Images[0].Jpeg.Span[^1]);
        Assert.Equal(2, _host.Skips["not-jpeg"]);
        Assert.Equal(1, _host.Skips["photo-too-large"]);
    }

    [Fact]
    public void A_missing_or_empty_folder_is_absent()
    {
        Assert.Equal(SensorFaultKind.Absent, Fails("""{ "folder": "nowhere" }""").Kind);
        Assert.Equal(SensorFaultKind.Absent, Fails("""{ "folder": "." }""").Kind);
    }

    [Fact]
    [Promise("R2")]
    public void It_opens_for_photographs_only()
    {
        Assert.Equal(["image.photo"], Camera("""{ "folder": "." }""").OpensFor);
    }

    [Fact]
    public void The_projects_own_photographs_are_usable()
    {
        var photos = Path.Join(Places.Repository, "hardware", "boards", "photos");
        Photo("unused.jpg", 0);
        using var run = _host.Start(Camera($$"""{ "folder": "{{photos}}", "interval": "5s" }"""));
        for (var shot = 1; shot <= 4; shot++)
        {
            AdvanceToShot(shot);
        }

        Assert.Empty(_host.Skips);
        Assert.Equal(4, _host.Images.Select(i => Convert.ToHexString(i.Jpeg.Span)).Distinct().Count());
        Assert.Contains(_host.Images, i => i.Jpeg.Length > 128 * 1024);
        Assert.All(_host.Images, i => Assert.True(i.Jpeg.Span.IndexOf("Exif\0\0"u8) > 0));
    }

    private void AdvanceToShot(int shot)
    {
        Eventually.True(() => _host.TriggerWaits >= shot, "the camera waits");
        _host.Time.Advance(TimeSpan.FromSeconds(5));
        Eventually.True(() => _host.Images.Count == shot, $"shot {shot}");
    }

    private void Photo(string name, byte last)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_folder.File(name))!);
        File.WriteAllBytes(_folder.File(name), [.. JpegStart, 0, 0, last]);
    }

    private ISensor Camera(string options) => RecordingHost.Create(new CameraKind(), options, baseDirectory: _folder.Path);

    private SensorFault Fails(string options) => Assert.Throws<SensorFault>(() => Camera(options).Run(_host, CancellationToken.None));
}
