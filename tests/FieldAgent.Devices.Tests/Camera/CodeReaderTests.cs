using FieldAgent.Core;
using FieldAgent.Devices.Codes;
using FieldAgent.Devices.Linux;

namespace FieldAgent.Devices.Tests;

public sealed class CodeReaderTests
{
    // Seven modules a digit, odd parity of the left half; the first digit's parities: ISO/IEC 15420.
    private static readonly string[] Left = ["0001101", "0011001", "0010011", "0111101", "0100011", "0110001", "0101111", "0111011", "0110111", "0001011"];
    private static readonly string[] Parity = ["OOOOOO", "OOEOEE", "OOEEOE", "OOEEEO", "OEOOEE", "OEEOOE", "OEEEOO", "OEOEOE", "OEOEEO", "OEEOEO"];

    public CodeReaderTests()
    {
        if (CodeReader.Problem is not null)
        {
            Assert.Skip("skipped: libzbar0 or libturbojpeg0");
        }
    }

    [Fact]
    public void A_bar_code_is_read()
    {
        Assert.Equal([new SeenCode("EAN-13", "4006381333931")], CodeReader.Read(Draw("4006381333931")));
    }

    [Fact]
    public void A_picture_without_a_code_has_none()
    {
        Assert.Empty(CodeReader.Read(File.ReadAllBytes(Path.Join(Places.Repository, "hardware", "boards", "photos", "03-mast.jpg"))));
    }

    [Fact]
    public void A_damaged_picture_is_a_fault()
    {
        var jpeg = Draw("4006381333931");
        Assert.Equal(SensorFaultKind.Malformed, Assert.Throws<SensorFault>(() => CodeReader.Read(jpeg.AsSpan(0, 300))).Kind);
    }

    [Fact]
    public void A_square_code_is_read()
    {
        var qrencode = Places.Program("qrencode");
        // One character a module, two lines a row of modules: drawn here, as qrencode knows no JPEG.
        var text = OneShot.Run(new ChildPlan(qrencode, ["-t", "ASCII", "-m", "4", "-o", "-", "pump 7 / Ölstand"]), 1 << 20, TimeSpan.FromSeconds(60), CancellationToken.None);
        var rows = System.Text.Encoding.ASCII.GetString(text.Output.Span).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var modules = rows.Length;
        const int scale = 8;
        using var picture = new DecodedPicture(modules * scale, modules * scale, 3);
        picture.Pixels.Fill(255);
        for (var y = 0; y < modules * scale; y++)
        {
            for (var x = 0; x < modules * scale; x++)
            {
                if (rows[y / scale][2 * (x / scale)] == '#')
                {
                    picture.Pixels.Slice(((y * modules * scale) + x) * 3, 3).Clear();
                }
            }
        }

        Assert.Equal([new SeenCode("QR-Code", "pump 7 / Ölstand")], CodeReader.Read(TurboJpeg.Encode(picture, 90)));
    }

    private static byte[] Draw(string digits)
    {
        var bars = "101";
        for (var i = 1; i <= 6; i++)
        {
            var odd = Left[digits[i] - '0'];
            bars += Parity[digits[0] - '0'][i - 1] == 'O' ? odd : Invert(string.Concat(odd.Reverse()));
        }

        bars += "01010";
        for (var i = 7; i <= 12; i++)
        {
            bars += Invert(Left[digits[i] - '0']);
        }

        bars += "101";
        const int scale = 4;
        const int quiet = 12;
        var width = (bars.Length + (2 * quiet)) * scale;
        using var picture = new DecodedPicture(width, 160, 3);
        picture.Pixels.Fill(255);
        for (var y = 20; y < 140; y++)
        {
            for (var x = 0; x < bars.Length * scale; x++)
            {
                if (bars[x / scale] == '1')
                {
                    picture.Pixels.Slice(((y * width) + (quiet * scale) + x) * 3, 3).Clear();
                }
            }
        }

        return TurboJpeg.Encode(picture, 90);
    }

    private static string Invert(string bits) => string.Concat(bits.Select(static b => b == '1' ? '0' : '1'));
}
