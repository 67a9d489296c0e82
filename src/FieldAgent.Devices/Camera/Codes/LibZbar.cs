using System.Runtime.InteropServices;

namespace FieldAgent.Devices.Codes;

/// <summary>The part of libzbar's C interface (<c>zbar.h</c> 0.23) that is used. Objects belong to one thread at a time.</summary>
internal static unsafe partial class LibZbar
{
    private const string File = "libzbar.so.0";

    /// <summary>ZBAR_CFG_ENABLE.</summary>
    public const int Enable = 0;

    /// <summary>ZBAR_CFG_BINARY: bytes as they are; without it libzbar guesses an encoding, and takes German for Japanese.</summary>
    public const int Binary = 4;

    /// <summary>ZBAR_QRCODE.</summary>
    public const int QrCode = 64;

    private static readonly Lazy<string?> FoundProblem = new(static () =>
        NativeLibrary.TryLoad(File, typeof(LibZbar).Assembly, null, out _) ? null : "libzbar is not installed: apt-get install libzbar0");

    /// <summary>Why the library cannot be used, with the remedy; null when it can.</summary>
    public static string? Problem => FoundProblem.Value;

    [LibraryImport(File, EntryPoint = "zbar_set_verbosity", SetLastError = true)]
    public static partial void SetVerbosity(int level);

    [LibraryImport(File, EntryPoint = "zbar_image_scanner_create", SetLastError = true)]
    public static partial nint NewScanner();

    [LibraryImport(File, EntryPoint = "zbar_image_scanner_destroy", SetLastError = true)]
    public static partial void FreeScanner(nint scanner);

    [LibraryImport(File, EntryPoint = "zbar_image_scanner_set_config", SetLastError = true)]
    public static partial int Configure(nint scanner, int symbology, int setting, int value);

    [LibraryImport(File, EntryPoint = "zbar_scan_image", SetLastError = true)]
    public static partial int Scan(nint scanner, nint image);

    [LibraryImport(File, EntryPoint = "zbar_image_create", SetLastError = true)]
    public static partial nint NewImage();

    [LibraryImport(File, EntryPoint = "zbar_image_destroy", SetLastError = true)]
    public static partial void FreeImage(nint image);

    [LibraryImport(File, EntryPoint = "zbar_image_set_format", SetLastError = true)]
    public static partial void SetFormat(nint image, nuint fourCharacters);

    [LibraryImport(File, EntryPoint = "zbar_image_set_size", SetLastError = true)]
    public static partial void SetSize(nint image, uint width, uint height);

    /// <summary>Lends pixels to the image; without a <paramref name="cleanup"/> they stay the caller's.</summary>
    [LibraryImport(File, EntryPoint = "zbar_image_set_data", SetLastError = true)]
    public static partial void SetData(nint image, byte* data, nuint length, nint cleanup);

    [LibraryImport(File, EntryPoint = "zbar_image_first_symbol", SetLastError = true)]
    public static partial nint FirstSymbol(nint image);

    [LibraryImport(File, EntryPoint = "zbar_symbol_next", SetLastError = true)]
    public static partial nint NextSymbol(nint symbol);

    [LibraryImport(File, EntryPoint = "zbar_symbol_get_type", SetLastError = true)]
    public static partial int SymbologyOf(nint symbol);

    [LibraryImport(File, EntryPoint = "zbar_get_symbol_name", SetLastError = true)]
    public static partial byte* NameOf(int symbology);

    [LibraryImport(File, EntryPoint = "zbar_symbol_get_data", SetLastError = true)]
    public static partial byte* DataOf(nint symbol);

    [LibraryImport(File, EntryPoint = "zbar_symbol_get_data_length", SetLastError = true)]
    public static partial uint LengthOf(nint symbol);
}
