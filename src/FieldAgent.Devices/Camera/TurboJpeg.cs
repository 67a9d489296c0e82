using System.Runtime.InteropServices;
using FieldAgent.Core;

namespace FieldAgent.Devices;

/// <summary>A picture in memory, three bytes (red, green, blue) or one (grey) a pixel, row by row from the upper left. Wiped when disposed.</summary>
internal sealed unsafe class DecodedPicture(int width, int height, int bytesPerPixel) : IDisposable
{
    private byte* _pixels = (byte*)NativeMemory.Alloc((nuint)width, (nuint)(height * bytesPerPixel));

    /// <summary>Pixels across.</summary>
    public int Width => width;

    /// <summary>Pixels down.</summary>
    public int Height => height;

    /// <summary>The pixels.</summary>
    public Span<byte> Pixels => new(_pixels, width * height * bytesPerPixel);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_pixels is not null)
        {
            Pixels.Clear();
            NativeMemory.Free(_pixels);
            _pixels = null;
        }
    }
}

/// <summary>Decodes and encodes JPEG with libjpeg-turbo. Any thread. Source: turbojpeg.h 2.1, whose interface version 3 keeps.</summary>
internal static unsafe partial class TurboJpeg
{
    private const string File = "libturbojpeg.so.0";
    private const int PixelRgb = 0;
    private const int PixelGrey = 6;
    private const int Sampling420 = 2;

    /// <summary>A damaged file is refused rather than half shown; one with thousands of passes is an attack.</summary>
    private const int Strict = 8192 | 32768;

    private const string Remedy = "libturbojpeg is not installed, so no picture is taken: apt-get install libturbojpeg0";

    private static readonly Lazy<string?> FoundProblem = new(static () =>
    {
        try
        {
            var handle = InitDecompress();
            if (handle == 0)
            {
                return Remedy;
            }

            Destroy(handle);
            return null;
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException or BadImageFormatException)
        {
            return Remedy;
        }
    });

    /// <summary>Why the library cannot be used, with the remedy; null when it can.</summary>
    public static string? Problem => FoundProblem.Value;

    /// <summary>Decodes a JPEG.</summary>
    /// <param name="jpeg">The file.</param>
    /// <param name="widthMax">Scaled down in eighths until not wider, but never below an eighth; 0: not scaled.</param>
    /// <param name="pixelsMax">A picture with more pixels after that is refused before memory is taken for it.</param>
    /// <param name="grey">One byte a pixel instead of three.</param>
    /// <exception cref="SensorFault">It is damaged, no JPEG, or too large.</exception>
    public static DecodedPicture Decode(ReadOnlySpan<byte> jpeg, int widthMax, int pixelsMax, bool grey = false)
    {
        var handle = InitDecompress();
        try
        {
            fixed (byte* file = jpeg)
            {
                int width, height, sampling, colours;
                if (DecompressHeader(handle, file, (nuint)jpeg.Length, &width, &height, &sampling, &colours) != 0 || width <= 0 || height <= 0)
                {
                    throw Damaged();
                }

                var eighths = 8;
                while (widthMax > 0 && eighths > 1 && Scaled(width, eighths) > widthMax)
                {
                    eighths--;
                }

                width = Scaled(width, eighths);
                height = Scaled(height, eighths);
                if ((long)width * height > pixelsMax)
                {
                    throw new SensorFault(
                        SensorFaultKind.Malformed, "picture", $"It has {width} × {height} pixels; to be masked it may have {pixelsMax / 1_000_000} million: lower 'width' and 'height', or set 'widthMax'.");
                }

                var bytesPerPixel = grey ? 1 : 3;
                var picture = new DecodedPicture(width, height, bytesPerPixel);
                fixed (byte* pixels = picture.Pixels)
                {
                    if (Decompress(handle, file, (nuint)jpeg.Length, pixels, width, width * bytesPerPixel, height, grey ? PixelGrey : PixelRgb, Strict) != 0)
                    {
                        picture.Dispose();
                        throw Damaged();
                    }
                }

                return picture;
            }
        }
        finally
        {
            Destroy(handle);
        }
    }

    /// <summary>Encodes a picture of three bytes a pixel, without metadata.</summary>
    /// <param name="picture">The picture.</param>
    /// <param name="quality">1 to 100.</param>
    /// <exception cref="InvalidOperationException">The library failed: out of memory.</exception>
    public static byte[] Encode(DecodedPicture picture, int quality)
    {
        var handle = InitCompress();
        byte* file = null;
        try
        {
            nuint length = 0;
            fixed (byte* pixels = picture.Pixels)
            {
                return Compress(
                    handle, pixels, picture.Width, picture.Width * 3, picture.Height, PixelRgb, &file, &length, Sampling420, quality, 0) == 0
                    ? new ReadOnlySpan<byte>(file, checked((int)length)).ToArray()
                    : throw new InvalidOperationException("libturbojpeg could not compress the picture");
            }
        }
        finally
        {
            Free(file);
            Destroy(handle);
        }
    }

    private static int Scaled(int length, int eighths) => (int)((((long)length * eighths) + 7) / 8);

    private static SensorFault Damaged() =>
        new(SensorFaultKind.Malformed, "picture", "The camera's JPEG is damaged: check its cable and supply.");

    [LibraryImport(File, EntryPoint = "tjInitDecompress", SetLastError = true)]
    private static partial nint InitDecompress();

    [LibraryImport(File, EntryPoint = "tjInitCompress", SetLastError = true)]
    private static partial nint InitCompress();

    [LibraryImport(File, EntryPoint = "tjDestroy", SetLastError = true)]
    private static partial int Destroy(nint handle);

    [LibraryImport(File, EntryPoint = "tjFree", SetLastError = true)]
    private static partial void Free(byte* buffer);

    [LibraryImport(File, EntryPoint = "tjDecompressHeader3", SetLastError = true)]
    private static partial int DecompressHeader(
        nint handle, byte* file, nuint length, int* width, int* height, int* sampling, int* colours);

    [LibraryImport(File, EntryPoint = "tjDecompress2", SetLastError = true)]
    private static partial int Decompress(
        nint handle, byte* file, nuint length, byte* pixels, int width, int pitch, int height, int format, int flags);

    [LibraryImport(File, EntryPoint = "tjCompress2", SetLastError = true)]
    private static partial int Compress(
        nint handle, byte* pixels, int width, int pitch, int height, int format, byte** file, nuint* length, int sampling, int quality, int flags);
}
