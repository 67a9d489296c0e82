using System.Buffers.Text;

namespace FieldAgent.Devices;

/// <summary>Reads the one number of a kernel attribute: <c>25080\n</c>, <c>-12</c>, <c>0.125000000</c>.</summary>
internal static class SysfsNumber
{
    /// <summary>Parses <paramref name="text"/>; no allocation.</summary>
    /// <param name="text">The file's content.</param>
    /// <param name="value">The number.</param>
    /// <param name="decimals">Digits behind the point.</param>
    public static bool TryParse(ReadOnlySpan<byte> text, out double value, out int decimals)
    {
        text = Trim(text);
        decimals = 0;
        if (!Utf8Parser.TryParse(text, out value, out var consumed) || consumed != text.Length || !double.IsFinite(value))
        {
            value = 0;
            return false;
        }

        var point = text.IndexOf((byte)'.');
        if (point >= 0)
        {
            var fraction = text[(point + 1)..];
            var end = fraction.IndexOfAnyExceptInRange((byte)'0', (byte)'9');
            decimals = end < 0 ? fraction.Length : end;
        }

        return true;
    }

    private static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> text)
    {
        var end = text.IndexOfAny((byte)'\n', (byte)'\0');
        if (end >= 0)
        {
            text = text[..end];
        }

        return text.Trim(" \t\r"u8);
    }
}
