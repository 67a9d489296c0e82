using System.Diagnostics;
using FieldAgent.Core;
using MetadataExtractor;
using MetadataExtractor.Formats.Exif;
using MetadataExtractor.Formats.Jpeg;

namespace FieldAgent.Privacy.Tests;

public sealed class JpegTests
{
    private static readonly string[] DecodingOnly = ["JPEG", "JFIF", "Huffman", "Adobe JPEG", "File Type"];

    // Structurally broken: a reserved marker in the middle of its picture data.
    private static readonly string[] Broken = ["corrupted.jpg"];

    public static TheoryData<string> Photographs
    {
        get
        {
            var folder = Path.GetFullPath(Path.Join(Places.Repository, "..", "shared", "data", "images"));
            var names = System.IO.Directory.Exists(folder)
                ? System.IO.Directory.EnumerateFiles(folder, "*.jpg").Select(static file => Path.GetFileName(file)).Order()
                : Enumerable.Repeat("DSCN0010.jpg", 1);
            return [.. names];
        }
    }

    [Theory]
    [MemberData(nameof(Photographs))]
    [Promise("R63")]
    public void NothingButThePictureRemainsOfAPhotograph(string name)
    {
        var jpeg = File.ReadAllBytes(Places.Data(Path.Join("images", name)));
        var house = Granted();
        var decision = house.Gate.Admit(Raw(jpeg), out var admitted);
        if (Broken.Contains(name))
        {
            Assert.Equal(DenyReason.Unreadable, decision.Reason);
            Assert.Null(admitted);
            Assert.Equal(1, house.Counters["denied.admit.unreadable"]);
            return;
        }

        Assert.True(decision.IsPermitted);
        var clean = admitted!.Jpeg.ToArray();
        Assert.All(Directories(clean), static directory => Assert.Contains(directory.Name, DecodingOnly));
        foreach (var word in new[] { "Exif", "http", "ICC_PROFILE", "Photoshop", "NIKON", "Canon", "COOLPIX", "JFXX", "MPF\0", "xpacket" })
        {
            Assert.False(clean.AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(word)) >= 0, word);
        }

        Assert.Equal(Entropy(jpeg), Entropy(clean));
        Assert.True(house.Counters["stripped.image-segments"] > 0);
        Assert.Equal(house.Clock.Now(), admitted.Captured);

        // Once more changes nothing.
        house.Gate.Admit(Raw(clean), out var twice);
        Assert.Equal(clean, twice!.Jpeg.ToArray());
    }

    [Theory]
    [MemberData(nameof(Photographs))]
    public void ThePictureItselfIsUnchanged(string name)
    {
        var djpeg = Places.Program("djpeg");
        var path = Places.Data(Path.Join("images", name));
        if (JpegMetadata.TryStrip(File.ReadAllBytes(path), default, out var clean, out _))
        {
            using var folder = new TempFolder();
            File.WriteAllBytes(folder.File("clean.jpg"), clean.ToArray());
            Assert.Equal(Decode(djpeg, path, folder.File("a.ppm")), Decode(djpeg, folder.File("clean.jpg"), folder.File("b.ppm")));
        }
        else
        {
            Assert.Contains(name, Broken);
        }
    }

    [Theory]
    [InlineData("-progressive")]
    [InlineData("-restart", "1B")]
    [InlineData("-grayscale")]
    [InlineData("-rgb")]
    [InlineData("-optimize")]
    [InlineData("-sample", "2x2")]
    public void EveryOrdinaryKindOfJpegPasses(params string[] options)
    {
        var (djpeg, cjpeg) = (Places.Program("djpeg"), Places.Program("cjpeg"));
        using var folder = new TempFolder();
        WritePicture(folder.File("in.ppm"));
        Start(cjpeg, [.. options, "-outfile", folder.File("in.jpg"), folder.File("in.ppm")]);
        var jpeg = File.ReadAllBytes(folder.File("in.jpg"));
        Assert.True(JpegMetadata.TryStrip(jpeg, default, out var clean, out _));
        File.WriteAllBytes(folder.File("clean.jpg"), clean.ToArray());
        Assert.Equal(Decode(djpeg, folder.File("in.jpg"), folder.File("a.ppm")), Decode(djpeg, folder.File("clean.jpg"), folder.File("b.ppm")));
        Assert.True(JpegMetadata.TryStrip(clean.Span, default, out var again, out var dropped));
        Assert.Equal(0, dropped);
        Assert.Equal(clean.ToArray(), again.ToArray());
    }

    [Fact]
    [Promise("R63")]
    public void CaptureTimeModelAndPlaceAreThreeSeparateGrants()
    {
        var jpeg = File.ReadAllBytes(Places.Data("images/DSCN0010.jpg"));
        var whole = Directories(jpeg);
        var place = whole.OfType<GpsDirectory>().Single().GetGeoLocation()!;
        var time = whole.OfType<ExifSubIfdDirectory>().Single().GetString(ExifDirectoryBase.TagDateTimeOriginal);
        for (var mask = 0; mask < 8; mask++)
        {
            var (wantTime, wantModel, wantPlace) = ((mask & 1) != 0, (mask & 2) != 0, (mask & 4) != 0);
            var house = Granted();
            Grant(house, wantTime, "image.capture-time", null);
            Grant(house, wantModel, "image.device-model", null);
            Grant(house, wantPlace, "image.location", "exact");
            Assert.True(house.Gate.Admit(Raw(jpeg), out var admitted).IsPermitted);
            var kept = Directories(admitted!.Jpeg.ToArray());

            var model = kept.OfType<ExifIfd0Directory>().SingleOrDefault();
            Assert.Equal(wantModel ? "NIKON" : null, model?.GetString(ExifDirectoryBase.TagMake));
            Assert.Equal(wantModel ? "COOLPIX P6000" : null, model?.GetString(ExifDirectoryBase.TagModel));
            Assert.Equal(wantTime ? time : null, kept.OfType<ExifSubIfdDirectory>().SingleOrDefault()?.GetString(ExifDirectoryBase.TagDateTimeOriginal));
            var gps = kept.OfType<GpsDirectory>().SingleOrDefault()?.GetGeoLocation();
            Assert.Equal(wantPlace, gps is not null);
            if (gps is not null)
            {
                Assert.Equal(place.Latitude, gps.Latitude, 1e-7);
                Assert.Equal(place.Longitude, gps.Longitude, 1e-7);
            }

            // Exactly these tags and no others: two texts, time with the version of the standard, position with its references.
            var allowed = (wantModel ? 2 : 0) + (wantTime ? 2 : 0) + (wantPlace ? 5 : 0);
            Assert.Equal(allowed, kept.OfType<ExifDirectoryBase>().Sum(static directory => directory.TagCount));
            Assert.All(kept, static directory => Assert.False(directory.HasError, string.Join(';', directory.Errors)));
            Assert.Equal(Entropy(jpeg), Entropy(admitted.Jpeg.ToArray()));
        }
    }

    [Theory]
    [Promise("R45", "R63")]
    [InlineData("1km", 0.0046)]
    [InlineData(null, 0.0046)]
    [InlineData("10km", 0.046)]
    public void APlaceInsideAPhotographIsAsCoarseAsGranted(string? scope, double bandMax)
    {
        var jpeg = File.ReadAllBytes(Places.Data("images/DSCN0010.jpg"));
        var exact = Directories(jpeg).OfType<GpsDirectory>().Single().GetGeoLocation()!;
        var house = Granted();
        Grant(house, true, "image.location", scope);
        house.Gate.Admit(Raw(jpeg), out var admitted);
        var coarse = Directories(admitted!.Jpeg.ToArray()).OfType<GpsDirectory>().Single().GetGeoLocation()!;
        Assert.InRange(Math.Abs(coarse.Latitude - exact.Latitude), 1e-6, bandMax);
        var grid = LocationGrid.For(scope == "10km" ? Precision.Cell10km : Precision.Cell1km);
        var centre = grid.CentreOf(grid.CellOf(exact.Latitude, exact.Longitude));
        Assert.Equal(centre.Latitude, coarse.Latitude, 1e-7);
        Assert.Equal(centre.Longitude, coarse.Longitude, 1e-7);
    }

    [Fact]
    [Promise("R2")]
    public void WithoutAGrantNoPictureComesThrough()
    {
        var house = new House();
        Assert.Equal(DenyReason.NotGranted, house.Gate.Admit(Raw(Smallest()), out var admitted).Reason);
        Assert.Null(admitted);
        Assert.Equal(1, house.Counters["denied.admit.not-granted"]);
    }

    [Fact]
    public void AFieldThatIsNoPictureIsNotAdmittedAsOne()
    {
        var house = Granted();
        Grant(house, true, "image.location", "exact");
        Assert.False(house.Gate.Admit(Raw(Smallest()) with { Field = "image.location" }, out _).IsPermitted);
        Assert.False(house.Gate.Admit(Raw(Smallest()) with { Field = "instrument.measurement" }, out _).IsPermitted);
    }

    [Fact]
    [Promise("R63")]
    public void WhatFollowsOrSurroundsThePictureGoes()
    {
        var clean = Smallest();
        var secret = "SECRET"u8.ToArray();
        byte[] Segment(byte marker, byte[] body) => [0xFF, marker, 0, (byte)(body.Length + 2), .. body];
        byte[] thumbnail = [.. "JFXX\0"u8, 0x10, .. clean];
        byte[][] variants =
        [
            [.. clean, .. secret],
            [.. clean, .. clean],
            [0xFF, 0xD8, .. Segment(0xFE, secret), .. clean[2..]],
            [0xFF, 0xD8, .. Segment(0xE0, thumbnail), .. clean[2..]],
            [0xFF, 0xD8, .. Segment(0xE0, [.. "JFIF\0"u8, 1, 2, 1, 0, 72, 0, 72, 0, 0, .. secret]), .. clean[2..]],
            [0xFF, 0xD8, .. Segment(0xEE, [.. "Adobe"u8, 0, 100, 1, 2, 3, 4, 1, .. secret]), .. clean[2..]],
            [0xFF, 0xD8, 0xFF, 0xFF, 0xFF, .. Segment(0xED, [.. "Photoshop 3.0\0"u8, .. secret]), .. clean[2..]],
            [0xFF, 0xD8, .. Segment(0xE2, [.. "MPF\0"u8, .. secret]), .. clean[2..], .. clean],
            [0xFF, 0xD8, .. Segment(0xE5, secret), .. clean[2..^2], .. Segment(0xFE, secret), .. clean[^2..]],
        ];
        foreach (var variant in variants)
        {
            Assert.True(JpegMetadata.TryStrip(variant, default, out var stripped, out _));
            Assert.Equal(-1, stripped.Span.IndexOf(secret));
            Assert.Equal(Entropy(clean), Entropy(stripped.ToArray()));
            Assert.InRange(stripped.Length, clean.Length, clean.Length + 18 + 16);
        }
    }

    [Fact]
    public void NothingCanHideInAKeptSegment()
    {
        var clean = Smallest();
        foreach (byte marker in new byte[] { 0xDB, 0xC4, 0xC0, 0xDA, 0xDD })
        {
            // The first segment of that kind gets four bytes more than it needs.
            var at = marker == 0xDD ? -1 : clean.AsSpan().IndexOf([(byte)0xFF, marker]);
            byte[] longer = at < 0
                ? [0xFF, 0xD8, 0xFF, 0xDD, 0, 8, 0, 0, 1, 2, 3, 4, .. clean[2..]]
                : [.. clean[..(at + 2)], .. Length(clean, at, 4), .. clean[(at + 4)..End(clean, at)], 1, 2, 3, 4, .. clean[End(clean, at)..]];
            Assert.False(JpegMetadata.TryStrip(longer, default, out var stripped, out _));
            Assert.True(stripped.IsEmpty);
        }

        static int End(byte[] jpeg, int at) => at + 2 + (jpeg[at + 2] << 8) + jpeg[at + 3];
        static byte[] Length(byte[] jpeg, int at, int more) => [jpeg[at + 2], (byte)(jpeg[at + 3] + more)];
    }

    [Fact]
    public void ATruncatedFileIsUnreadableWhereverItEnds()
    {
        var clean = Smallest();
        var house = Granted();
        for (var length = 0; length < clean.Length; length++)
        {
            Assert.Equal(DenyReason.Unreadable, house.Gate.Admit(Raw(clean[..length]), out var admitted).Reason);
            Assert.Null(admitted);
        }

        Assert.Equal(clean.Length, house.Counters["denied.admit.unreadable"]);
    }

    [Fact]
    [Promise("R63")]
    public void NoMutationThrowsOrLetsMetadataThrough()
    {
        var random = new Random(63);
        byte[] exif =
        [
            0xFF, 0xE1, 0, 40, .. "Exif\0\0II*\0"u8, 8, 0, 0, 0, 1, 0, 0x10, 1, 2, 0, 6, 0, 0, 0, 26, 0, 0, 0, 0, 0, 0, 0, .. "ABCDE\0"u8,
        ];
        var seeds = new List<byte[]> { Smallest(), Concat([0xFF, 0xD8], exif, Smallest()[2..]) };
        var folder = Path.GetFullPath(Path.Join(Places.Repository, "..", "shared", "data", "images"));
        if (System.IO.Directory.Exists(folder))
        {
            seeds.Add(File.ReadAllBytes(Path.Join(folder, "Canon_40D.jpg")));
            seeds.Add(File.ReadAllBytes(Path.Join(folder, "Nikon_D70.jpg")));
            seeds.Add(File.ReadAllBytes(Path.Join(folder, "image01551.jpg")));
        }

        var keepAll = new KeptMetadata(true, true, Precision.Exact);
        var passed = 0;
        for (var i = 0; i < 20_000; i++)
        {
            var copy = (byte[])seeds[i % seeds.Count].Clone();
            for (var n = random.Next(1, 8); n > 0; n--)
            {
                // Mostly in the first kilobytes, where the structure is.
                copy[random.Next(random.Next(3) == 0 ? copy.Length : Math.Min(copy.Length, 3_000))] = (byte)(random.Next(3) == 0 ? 0xFF : random.Next(256));
            }

            if (JpegMetadata.TryStrip(copy, i % 2 == 0 ? keepAll : default, out var stripped, out _))
            {
                passed++;
                foreach (var marker in Markers(stripped.Span))
                {
                    Assert.Contains(marker, new byte[] { 0xE0, 0xE1, 0xEE, 0xDB, 0xC0, 0xC1, 0xC2, 0xC4, 0xDD, 0xDA, 0xD9 });
                    Assert.False(marker == 0xE1 && i % 2 == 1);
                }
            }
        }

        Assert.InRange(passed, 1_000, 19_999);
    }

    [Fact]
    public void ADamagedExifKeepsNothingAndThePictureStillPasses()
    {
        var random = new Random(631);
        var keepAll = new KeptMetadata(true, true, Precision.Exact);
        for (var i = 0; i < 20_000; i++)
        {
            var tiff = new byte[random.Next(0, 120)];
            random.NextBytes(tiff);
            if (tiff.Length > 8 && i % 4 != 0)
            {
                ((byte[])[0x49, 0x49, 0x2A, 0, 8, 0, 0, 0]).CopyTo(tiff, 0);
            }

            byte[] jpeg = [0xFF, 0xD8, 0xFF, 0xE1, 0, (byte)(tiff.Length + 8), .. "Exif\0\0"u8, .. tiff, .. Smallest()[2..]];
            Assert.True(JpegMetadata.TryStrip(jpeg, keepAll, out var stripped, out _));
            Assert.InRange(stripped.Length, Smallest().Length, Smallest().Length + ExifWriter.BytesMax);
        }
    }

    private static void Grant(House house, bool want, string field, string? scope)
    {
        if (want)
        {
            Assert.True(house.Desk.Grant("photo", field, scope, "subject", "cli").Done);
        }
    }

    private static House Granted()
    {
        var house = new House();
        Assert.True(house.Desk.Grant("photo", null, null, "subject", "cli").Done);
        return house;
    }

    private static RawImage Raw(byte[] jpeg) => new("camera", "image.photo", jpeg, new House().Clock.Now());

    private static IReadOnlyList<MetadataExtractor.Directory> Directories(byte[] jpeg)
    {
        using var stream = new MemoryStream(jpeg);
        return JpegMetadataReader.ReadMetadata(stream);
    }

    /// <summary>A grey 8 × 8 picture: one table of each kind, one block.</summary>
    private static byte[] Smallest() =>
    [
        0xFF, 0xD8,
        0xFF, 0xDB, 0, 67, 0, .. Enumerable.Repeat((byte)1, 64),
        0xFF, 0xC0, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0,
        0xFF, 0xC4, 0, 20, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0xFF, 0xC4, 0, 20, 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0,
        0x3F, 0xFF, 0xD9,
    ];

    /// <summary>All bytes between the first SOS header and the next marker, as a reader that knows nothing of ours finds them.</summary>
    private static byte[] Entropy(byte[] jpeg)
    {
        var at = 2;
        while (jpeg[at + 1] != 0xDA)
        {
            at += jpeg[at + 1] == 0xFF ? 1 : 2 + (jpeg[at + 2] << 8) + jpeg[at + 3];
        }

        var from = at + 2 + (jpeg[at + 2] << 8) + jpeg[at + 3];
        var to = from;
        while (jpeg[to] != 0xFF || jpeg[to + 1] is 0 or (>= 0xD0 and <= 0xD7))
        {
            to++;
        }

        return jpeg[from..to];
    }

    private static List<byte> Markers(ReadOnlySpan<byte> jpeg)
    {
        var markers = new List<byte>();
        var at = 2;
        while (true)
        {
            Assert.Equal(0xFF, jpeg[at]);
            var marker = jpeg[at + 1];
            markers.Add(marker);
            if (marker == 0xD9)
            {
                Assert.Equal(jpeg.Length, at + 2);
                return markers;
            }

            at += 2 + (jpeg[at + 2] << 8) + jpeg[at + 3];
            while (marker == 0xDA && (jpeg[at] != 0xFF || jpeg[at + 1] is 0 or (>= 0xD0 and <= 0xD7)))
            {
                at++;
            }
        }
    }

    private static byte[] Concat(params byte[][] parts) => [.. parts.SelectMany(static part => part)];

    private static void WritePicture(string path)
    {
        var random = new Random(1);
        using var file = File.Create(path);
        file.Write("P6\n64 48\n255\n"u8);
        var pixels = new byte[64 * 48 * 3];
        random.NextBytes(pixels);
        file.Write(pixels);
    }

    private static byte[] Decode(string djpeg, string jpeg, string output)
    {
        Start(djpeg, ["-ppm", "-outfile", output, jpeg]);
        return File.ReadAllBytes(output);
    }

    private static void Start(string program, IReadOnlyList<string> arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, UseShellExecute = false })!;
        var said = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode is 0 or 2, said);
    }
}
