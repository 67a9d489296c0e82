using FieldAgent.Core;

namespace FieldAgent.Devices.Tests;

public sealed class PictureWorkTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly RecordingHost _host = new();

    public PictureWorkTests()
    {
        if (TurboJpeg.Problem is not null)
        {
            Assert.Skip("skipped: libturbojpeg0");
        }
    }

    public void Dispose()
    {
        _host.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Masks_are_black_in_what_is_handed_on_and_the_rest_is_as_it_was()
    {
        WriteWhite("a.jpg", 320, 240);
        using var picture = Shoot("""{ "folder": ".", "masks": [{ "left": 25, "top": 50, "width": 25, "height": 25 }, { "left": 90, "top": 0, "width": 10, "height": 10 }] }""");
        Assert.Equal((320, 240), (picture.Width, picture.Height));
        for (var y = 0; y < 240; y++)
        {
            for (var x = 0; x < 320; x++)
            {
                var masked = (x is >= 80 and < 160 && y is >= 120 and < 180) || (x >= 288 && y < 24);
                var near = (x is >= 64 and < 176 && y is >= 104 and < 196) || (x >= 272 && y < 40);
                var red = picture.Pixels[((y * 320) + x) * 3];
                if (masked ? red > 40 : !near && red < 250)
                {
                    Assert.Fail($"pixel {x}, {y} is {red}");
                }
            }
        }
    }

    [Fact]
    public void Nothing_of_what_is_masked_is_in_the_file_not_even_as_a_preview()
    {
        var photo = Path.Join(Places.Repository, "hardware", "boards", "photos", "01-pressure-gauge.jpg");
        File.Copy(photo, _folder.File("a.jpg"));
        Assert.True(File.ReadAllBytes(photo).AsSpan().IndexOf("Exif\0\0"u8) > 0);
        using var picture = Shoot("""{ "folder": ".", "masks": [{ "left": 0, "top": 0, "width": 100, "height": 100 }] }""");
        Assert.True(picture.Pixels.IndexOfAnyExceptInRange((byte)0, (byte)3) < 0);
        Assert.Equal(-1, _host.Images[0].Jpeg.Span.IndexOf("Exif\0\0"u8));
    }

    [Theory]
    [InlineData(320, 320, 240)]
    [InlineData(319, 280, 210)]
    [InlineData(160, 160, 120)]
    [InlineData(10, 40, 30)]
    [InlineData(0, 320, 240)]
    public void A_picture_is_scaled_down_in_eighths(int widthMax, int width, int height)
    {
        WriteWhite("a.jpg", 320, 240);
        using var picture = Shoot($$"""{ "folder": ".", "widthMax": {{widthMax}} }""");
        Assert.Equal((width, height), (picture.Width, picture.Height));
    }

    [Fact]
    public void Without_masks_or_scale_the_file_stays_as_it_is()
    {
        var file = WriteWhite("a.jpg", 32, 32);
        Shoot("""{ "folder": "." }""").Dispose();
        Assert.Equal(File.ReadAllBytes(file), _host.Images[0].Jpeg.ToArray());
    }

    [Fact]
    public void A_damaged_or_huge_picture_is_refused_and_never_handed_on_unmasked()
    {
        var file = WriteWhite("a.jpg", 320, 240);
        var whole = File.ReadAllBytes(file);
        var masked = new PictureWork([new PictureMask(0, 0, 1, 1)], 0);
        Assert.Equal(SensorFaultKind.Malformed, Assert.Throws<SensorFault>(() => masked.Apply(whole.AsMemory(0, whole.Length / 2))).Kind);
        Assert.Equal(SensorFaultKind.Malformed, Assert.Throws<SensorFault>(() => masked.Apply(new byte[] { 0xFF, 0xD8, 0xFF, 0xD9 })).Kind);

        // The header says 65,000 × 65,000.
        var start = whole.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xC0]);
        (whole[start + 5], whole[start + 6], whole[start + 7], whole[start + 8]) = (0xFD, 0xE8, 0xFD, 0xE8);
        Assert.Contains("65000 × 65000", Assert.Throws<SensorFault>(() => masked.Apply(whole)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Debians_own_decoder_takes_the_result()
    {
        var djpeg = Places.Program("djpeg");
        WriteWhite("a.jpg", 320, 240);
        Shoot("""{ "folder": ".", "masks": [{ "left": 0, "top": 0, "width": 50, "height": 100 }] }""").Dispose();
        File.WriteAllBytes(_folder.File("out.jpg"), _host.Images[0].Jpeg.ToArray());
        var result = FieldAgent.Devices.Linux.OneShot.Run(
            new FieldAgent.Devices.Linux.ChildPlan(djpeg, ["-pnm", _folder.File("out.jpg")]), 1 << 20, TimeSpan.FromSeconds(60), CancellationToken.None);
        Assert.Equal(0, result.Exit?.Code);
        var pixels = result.Output.Span[^(320 * 240 * 3)..];
        Assert.InRange(pixels[((120 * 320) + 100) * 3], 0, 3);
        Assert.InRange(pixels[((120 * 320) + 300) * 3], 252, 255);
    }

    private DecodedPicture Shoot(string options)
    {
        using var run = _host.Start(RecordingHost.Create(new CameraKind(), options, baseDirectory: _folder.Path));
        _host.Trigger("x");
        Eventually.True(() => _host.Images.Count == 1 || run.IsOver, "the shot");
        Assert.Null(run.Failure);
        return TurboJpeg.Decode(_host.Images[0].Jpeg.Span, 0, 1 << 24);
    }

    private string WriteWhite(string name, int width, int height)
    {
        using var picture = new DecodedPicture(width, height, 3);
        picture.Pixels.Fill(255);
        File.WriteAllBytes(_folder.File(name), TurboJpeg.Encode(picture, 95));
        return _folder.File(name);
    }
}
