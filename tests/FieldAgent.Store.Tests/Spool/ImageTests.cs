using System.Security.Cryptography;
using FieldAgent.Core;

namespace FieldAgent.Store.Tests;

public class ImageTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(65_535)]
    [InlineData(65_536)]
    [InlineData(65_537)]
    [InlineData(1_000_000)]
    public void A_picture_comes_back_whole_and_in_parts(int bytes)
    {
        var jpeg = Bytes(bytes);
        using var bench = new Bench();
        bench.Spool.Add(Admit.Image(jpeg, bench.Clock.Now(), "front", requestId: "r-1"));
        Assert.Equal(1, bench.Spool.Flush().Images);
        bench.Reopen();
        using var reader = bench.Spool.OpenReader("vendor");
        var item = new SpoolItem();
        Assert.True(reader.TryRead(item));
        var image = item.Image!;
        Assert.Equal(("front", bytes, "r-1", bench.Clock.BootNs), (image.Sensor, image.Bytes, image.RequestId, image.CapturedBootNs));
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(jpeg)), image.Sha256);
        var back = new byte[bytes + 10];
        Assert.Equal(bytes, reader.ReadImage(image, 0, back));
        Assert.True(back.AsSpan(0, bytes).SequenceEqual(jpeg));
        var random = new Random(bytes);
        for (var i = 0; i < 20; i++)
        {
            var offset = random.Next(bytes);
            var part = new byte[random.Next(1, 100_000)];
            var count = reader.ReadImage(image, offset, part);
            Assert.Equal(Math.Min(part.Length, bytes - offset), count);
            Assert.True(part.AsSpan(0, count).SequenceEqual(jpeg.AsSpan(offset, count)));
        }

        reader.Acknowledge(item.Id);
        reader.Settle();
        Assert.Empty(Directory.GetFiles(Path.Join(bench.Options.Directory, "images")));
        Assert.Equal(0, bench.Spool.State.Images);
    }

    [Fact]
    public void A_file_without_a_row_is_removed_and_a_row_without_a_file_is_announced()
    {
        using var bench = new Bench();
        bench.Spool.Add(Admit.Image(Bytes(100), bench.Clock.Now()));
        bench.Spool.Add(Admit.Image(Bytes(100), bench.Clock.Now()));
        bench.Spool.Flush();
        var images = Path.Join(bench.Options.Directory, "images");
        bench.Store.Dispose();
        File.Delete(Directory.GetFiles(images)[0]);
        File.WriteAllText(Path.Join(images, "left-over.img.new"), "x");
        bench.Reopen();
        Assert.Single(Directory.GetFiles(images));
        var got = bench.ReadAll();
        Assert.Equal([SpoolItemKind.Image, SpoolItemKind.Gap], got.Select(g => g.Kind));
        Assert.Equal(GapReason.Unreadable, got[1].Gap!.Reason);
    }

    [Fact]
    public void A_damaged_or_shortened_file_is_a_fault_and_never_wrong_bytes()
    {
        using var bench = new Bench();
        bench.Spool.Add(Admit.Image(Bytes(200_000), bench.Clock.Now()));
        bench.Spool.Flush();
        var path = Directory.GetFiles(Path.Join(bench.Options.Directory, "images"))[0];
        var content = File.ReadAllBytes(path);
        content[70_000] ^= 1;
        File.WriteAllBytes(path, content);
        using var reader = bench.Spool.OpenReader("vendor");
        var item = new SpoolItem();
        Assert.True(reader.TryRead(item));
        Assert.Equal(60_000, reader.ReadImage(item.Image!, 0, new byte[60_000]));
        var fault = Assert.Throws<StoreFault>(() => reader.ReadImage(item.Image!, 60_000, new byte[60_000]));
        Assert.Equal((StoreFaultKind.Corrupt, false), (fault.Kind, fault.Retry));
        reader.GiveUp(item.Id, GapReason.Unreadable);
        reader.Settle();
        bench.Spool.Flush();
        Assert.Equal([SpoolItemKind.Gap], Bench.ReadAll(reader).Select(g => g.Kind));
    }

    [Fact]
    public void A_picture_beyond_the_limit_is_refused_by_name()
    {
        using var bench = new Bench(o => o with { Limits = new StoreLimits { ImageBytesMax = 1000 } });
        var fault = Assert.Throws<StoreFault>(() => bench.Spool.Add(Admit.Image(Bytes(1001), bench.Clock.Now(), "front")));
        Assert.Contains("front", fault.Message);
        Assert.False(fault.Retry);
    }

    private static byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        new Random(count).NextBytes(bytes);
        return bytes;
    }
}
