using System.Globalization;

namespace FieldAgent.Devices;

/// <summary>How the kernel lays one channel into a scan: <c>[be|le]:[s|u]bits/storagebits[Xrepeat][>>shift]</c>
/// (Documentation/ABI/testing/sysfs-bus-iio, scan_elements).</summary>
/// <param name="LittleEndian">Low byte first.</param>
/// <param name="Signed">Two's complement.</param>
/// <param name="Bits">Bits of the number.</param>
/// <param name="StorageBits">Bits that hold it: 8 to 64, whole bytes.</param>
/// <param name="Repeat">How many follow each other; 1 as a rule.</param>
/// <param name="Shift">Bits to the right of the number.</param>
internal readonly record struct ScanFormat(bool LittleEndian, bool Signed, int Bits, int StorageBits, int Repeat, int Shift)
{
    /// <summary>Bytes in a scan.</summary>
    public int Bytes => StorageBits / 8 * Repeat;

    /// <summary>Reads the kernel's text.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out ScanFormat format)
    {
        format = default;
        var little = text.StartsWith("le:", StringComparison.Ordinal);
        if ((!little && !text.StartsWith("be:", StringComparison.Ordinal)) || text.Length < 4 || text[3] is not ('s' or 'u'))
        {
            return false;
        }

        var signed = text[3] == 's';
        var rest = text[4..];
        if (!Number(ref rest, out var bits) || !rest.StartsWith("/", StringComparison.Ordinal))
        {
            return false;
        }

        rest = rest[1..];
        var repeat = 1;
        var shift = 0;
        if (!Number(ref rest, out var storage) || (rest.StartsWith("X", StringComparison.Ordinal) && !Tail(ref rest, 1, out repeat))
            || (rest.StartsWith(">>", StringComparison.Ordinal) && !Tail(ref rest, 2, out shift)) || rest.Length > 0)
        {
            return false;
        }

        format = new ScanFormat(little, signed, bits, storage, repeat, shift);
        return storage is >= 8 and <= 64 && storage % 8 == 0 && bits >= 1 && bits + shift <= storage && repeat is >= 1 and <= 64;
    }

    /// <summary>Where and how one of the numbers is read.</summary>
    /// <param name="at">First byte of the element in the scan.</param>
    /// <param name="nth">Which of the repeated ones.</param>
    public BitField Field(int at, int nth) => new(
        at + (nth * StorageBits / 8), StorageBits, Signed ? NumberFormat.Signed : NumberFormat.Unsigned, LittleEndian, Shift,
        Bits == 64 ? 0 : (1UL << Bits) - 1);

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{(LittleEndian ? "le" : "be")}:{(Signed ? 's' : 'u')}{Bits}/{StorageBits}{(Repeat > 1 ? $"X{Repeat}" : "")}>>{Shift}");

    private static bool Tail(ref ReadOnlySpan<char> rest, int skip, out int value)
    {
        rest = rest[skip..];
        return Number(ref rest, out value);
    }

    private static bool Number(ref ReadOnlySpan<char> rest, out int value)
    {
        var end = rest.IndexOfAnyExceptInRange('0', '9');
        var digits = end < 0 ? rest : rest[..end];
        rest = rest[digits.Length..];
        value = 0;
        return digits.Length is > 0 and <= 3 && int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out value);
    }
}

/// <summary>The bytes of one scan: elements in the order of their index, each aligned to its own size, the whole to the largest
/// (drivers/iio/industrialio-buffer.c, iio_compute_scan_bytes).</summary>
internal sealed class ScanLayout
{
    /// <summary>A layout.</summary>
    /// <param name="formats">The formats of the enabled elements, in the order of their index; the time stamp is the last.</param>
    public ScanLayout(IReadOnlyList<ScanFormat> formats)
    {
        var offsets = new int[formats.Count];
        var end = 0;
        var largest = 1;
        for (var i = 0; i < formats.Count; i++)
        {
            var bytes = formats[i].Bytes;
            offsets[i] = RoundUp(end, bytes);
            end = offsets[i] + bytes;
            largest = Math.Max(largest, bytes);
        }

        Offsets = offsets;
        ScanBytes = RoundUp(end, largest);
    }

    /// <summary>First byte of each element.</summary>
    public IReadOnlyList<int> Offsets { get; }

    /// <summary>Bytes from one scan to the next.</summary>
    public int ScanBytes { get; }

    private static int RoundUp(int value, int multiple) => (value + multiple - 1) / multiple * multiple;
}
