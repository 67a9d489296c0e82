using System.Runtime.InteropServices;
using System.Text;
using FieldAgent.Core;

namespace FieldAgent.Devices.Codes;

/// <summary>A code that was seen in a picture.</summary>
/// <param name="Symbology">Its kind as libzbar names it: <c>QR-Code</c>, <c>EAN-13</c>, <c>CODE-128</c>.</param>
/// <param name="Text">What it says, without control characters; at most <see cref="CodeReader.TextLengthMax"/> characters.</param>
internal sealed record SeenCode(string Symbology, string Text);

/// <summary>Reads the codes of a picture with libzbar, and keeps nothing of the picture: its pixels are wiped when this returns. Any thread.</summary>
internal static unsafe class CodeReader
{
    /// <summary>Longest text that is taken, characters: an asset's label has fewer than a hundred.</summary>
    public const int TextLengthMax = 512;

    /// <summary>Most codes taken of one picture.</summary>
    public const int CodesMax = 16;

    /// <summary>A wider picture is scaled down first: a code that is not readable at this width is not readable by hand either.</summary>
    private const int WidthMax = 1920;

    /// <summary>Bytes Y800: one grey byte a pixel.</summary>
    private const uint Grey = 'Y' | ('8' << 8) | ('0' << 16) | ('0' << 24);

    /// <summary>Why codes cannot be read here, with the remedy; null when they can.</summary>
    public static string? Problem => LibZbar.Problem ?? TurboJpeg.Problem;

    /// <summary>Reads all codes of a picture; blocks for as long as that takes, some 50 ms on a small board.</summary>
    /// <param name="jpeg">The picture.</param>
    /// <returns>The codes in the order they were found, each once; empty when there is none.</returns>
    /// <exception cref="SensorFault">The picture is damaged or too large, or a library is missing.</exception>
    public static IReadOnlyList<SeenCode> Read(ReadOnlySpan<byte> jpeg)
    {
        if (Problem is { } problem)
        {
            throw new SensorFault(SensorFaultKind.Refused, "scan", problem);
        }

        using var picture = TurboJpeg.Decode(jpeg, WidthMax, DeviceLimits.DecodedPixelsMax, grey: true);
        LibZbar.SetVerbosity(0);
        var scanner = LibZbar.NewScanner();
        var image = LibZbar.NewImage();
        try
        {
            _ = LibZbar.Configure(scanner, 0, LibZbar.Enable, 1);
            _ = LibZbar.Configure(scanner, LibZbar.QrCode, LibZbar.Binary, 1);
            fixed (byte* pixels = picture.Pixels)
            {
                LibZbar.SetFormat(image, Grey);
                LibZbar.SetSize(image, (uint)picture.Width, (uint)picture.Height);
                LibZbar.SetData(image, pixels, (nuint)picture.Pixels.Length, 0);
                return LibZbar.Scan(scanner, image) > 0 ? Collect(image) : [];
            }
        }
        finally
        {
            LibZbar.FreeImage(image);
            LibZbar.FreeScanner(scanner);
        }
    }

    private static List<SeenCode> Collect(nint image)
    {
        var codes = new List<SeenCode>();
        for (var symbol = LibZbar.FirstSymbol(image); symbol != 0 && codes.Count < CodesMax; symbol = LibZbar.NextSymbol(symbol))
        {
            var length = LibZbar.LengthOf(symbol);
            if (length is 0 or > 4 * TextLengthMax)
            {
                continue;
            }

            var text = Encoding.UTF8.GetString(LibZbar.DataOf(symbol), (int)length);
            var code = new SeenCode(
                Marshal.PtrToStringUTF8((nint)LibZbar.NameOf(LibZbar.SymbologyOf(symbol))) ?? "",
                string.Concat(text.Where(static c => !char.IsControl(c)).Take(TextLengthMax)));
            if (code.Text.Length > 0 && !codes.Contains(code))
            {
                codes.Add(code);
            }
        }

        return codes;
    }
}
