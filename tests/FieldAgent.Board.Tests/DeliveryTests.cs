using System.Diagnostics;
using System.Globalization;

namespace FieldAgent.Board.Tests;

/// <summary>A camera of the kernel's, a real broker over TLS on the host, and the reference consumer: the whole way of a photograph. One boot
/// for all.</summary>
public sealed class DeliveryTests(DeliveryBoard delivery) : IClassFixture<DeliveryBoard>
{
    [Fact]
    [Promise("R65")]
    public void A_photograph_is_masked_encrypted_on_disk_and_delivered_in_chunks_when_the_broker_is_back()
    {
        var live = delivery.Live;
        var seen = delivery.PhotoCount;
        delivery.Broker.Stop();
        live.StatusUntil(static s => s.GetProperty("spool").GetProperty("images").GetInt64() > 0, "a photograph waits");
        live.Ok("rm -rf state-copy; cp -r /tmp/state state-copy");
        delivery.Broker.Start();

        var files = Directory.GetFiles(delivery.Share.File("state-copy"), "*", SearchOption.AllDirectories).Select(File.ReadAllBytes).ToList();
        Assert.Contains(files, static bytes => bytes.Length > 10_000);
        Assert.All(files, static bytes =>
        {
            Assert.Equal(-1, bytes.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]));
            Assert.Equal(-1, bytes.AsSpan().IndexOf("JFIF"u8));
        });

        Eventually.True(() => delivery.PhotoCount > seen, "a photograph arrives", 300);
        var photo = delivery.Photo(seen);
        Assert.True(photo.Sound, "size and SHA-256 are as the manifest says");
        Assert.True(photo.Jpeg.Length > DeliveryBoard.PacketBytesMax, $"a photograph of {photo.Jpeg.Length} bytes came in chunks");
        AssertMasked(photo.Jpeg);
        delivery.AssertAllArrived();
    }

    [Fact]
    [Promise("R13")]
    public void A_camera_that_is_pulled_out_while_it_captures_is_absent_until_it_is_back_and_the_other_sensors_go_on()
    {
        var live = delivery.Live;
        live.Ok("until pgrep -x ffmpeg >/dev/null; do sleep 0.1; done; sleep 0.5; echo vivid.0 >/sys/bus/platform/drivers/vivid/unbind");
        try
        {
            var status = live.StatusUntil(static s => LiveBoard.Sensor(s, "camera").GetProperty("state").GetString() == "Absent", "the camera is absent");
            Assert.Contains("/dev/video0: absent. ", LiveBoard.Sensor(status, "camera").GetProperty("detail").GetString(), StringComparison.Ordinal);
            live.StatusUntil(s => Rows(s) > Rows(status) && LiveBoard.Sensor(s, "env").GetProperty("state").GetString() == "Running", "the other sensor goes on");
        }
        finally
        {
            live.Ok("echo vivid.0 >/sys/bus/platform/drivers/vivid/bind");
        }

        var seen = delivery.PhotoCount;
        Eventually.True(() => delivery.PhotoCount > seen, "a photograph arrives again", 300);
        AssertMasked(delivery.Photo(seen).Jpeg);
        delivery.AssertAllArrived();

        static long Rows(System.Text.Json.JsonElement status) => LiveBoard.Sensor(status, "env").GetProperty("rows").GetInt64();
    }

    // The middle quarter is black, and the colour bars of the simulated camera are on both sides of it.
    private void AssertMasked(ReadOnlyMemory<byte> jpeg)
    {
        var file = delivery.Share.File("photo.jpg");
        File.WriteAllBytes(file, jpeg.Span);
        using var decoder = Process.Start(new ProcessStartInfo(Places.Program("djpeg"), ["-pnm", "-outfile", file + ".ppm", file]))!;
        decoder.WaitForExit();
        Assert.Equal(0, decoder.ExitCode);
        var ppm = File.ReadAllBytes(file + ".ppm");
        const int Width = 640, Height = 360, Edge = 16;
        Assert.StartsWith(string.Create(CultureInfo.InvariantCulture, $"P6\n{Width} {Height}\n255\n"), System.Text.Encoding.ASCII.GetString(ppm, 0, 15), StringComparison.Ordinal);
        var pixels = ppm.AsSpan(ppm.Length - (Width * Height * 3));
        var (left, right) = (0, 0);
        for (var y = 0; y < Height; y++)
        {
            for (var x = 0; x < Width; x++)
            {
                var pixel = pixels.Slice(((y * Width) + x) * 3, 3);
                var brightest = Math.Max(pixel[0], Math.Max(pixel[1], pixel[2]));
                if (x is >= (Width / 4) + Edge and < (Width * 3 / 4) - Edge && y is >= (Height / 4) + Edge and < (Height * 3 / 4) - Edge)
                {
                    Assert.True(brightest <= 8, $"pixel {x}, {y} is {brightest} inside the mask");
                }

                left += x < Width / 4 && brightest > 150 ? 1 : 0;
                right += x >= Width * 3 / 4 && brightest > 150 ? 1 : 0;
            }
        }

        Assert.True(left > 1000 && right > 1000, $"there is a picture around the mask: {left} and {right} bright pixels");
    }
}
