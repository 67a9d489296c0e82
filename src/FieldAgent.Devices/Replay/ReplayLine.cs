using System.Buffers.Text;

namespace FieldAgent.Devices;

/// <summary>What a line of a replayed file is.</summary>
internal enum ReplayLineKind
{
    /// <summary>Time, stream and value.</summary>
    Value,

    /// <summary>Time and stream without a value: the value is absent.</summary>
    Absent,

    /// <summary>Empty, or a comment that begins with #.</summary>
    Empty,

    /// <summary>Anything else.</summary>
    Malformed,
}

/// <summary>Splits a line <c>time,stream,value</c>; no allocation.</summary>
internal static class ReplayLine
{
    /// <summary>The header that the file must begin with.</summary>
    public static bool IsHeader(ReadOnlySpan<byte> line)
    {
        line = line.StartsWith("\uFEFF"u8) ? line[3..] : line;
        return Next(line, out var time, out var rest) && Next(rest, out var stream, out var value)
            && Is(time, "time"u8) && Is(stream, "stream"u8) && Is(Trim(value), "value"u8);
    }

    /// <summary>Parses <paramref name="line"/>.</summary>
    /// <param name="line">Without its end.</param>
    /// <param name="ns">The time in nanoseconds.</param>
    /// <param name="stream">The stream's name, a part of the line.</param>
    /// <param name="value">The value.</param>
    public static ReplayLineKind Parse(ReadOnlySpan<byte> line, out long ns, out ReadOnlySpan<byte> stream, out double value)
    {
        ns = 0;
        value = 0;
        stream = default;
        line = Trim(line);
        if (line.IsEmpty || line[0] == (byte)'#')
        {
            return ReplayLineKind.Empty;
        }

        if (!Next(line, out var time, out var rest) || !Next(rest, out stream, out line) || !ReplayTime.TryParse(time, out ns) || stream.IsEmpty)
        {
            return ReplayLineKind.Malformed;
        }

        line = Trim(line);
        if (line.IsEmpty)
        {
            return ReplayLineKind.Absent;
        }

        return Utf8Parser.TryParse(line, out value, out var consumed) && consumed == line.Length && double.IsFinite(value)
            ? ReplayLineKind.Value
            : ReplayLineKind.Malformed;
    }

    private static bool Next(ReadOnlySpan<byte> line, out ReadOnlySpan<byte> cell, out ReadOnlySpan<byte> rest)
    {
        var comma = line.IndexOf((byte)',');
        cell = comma < 0 ? default : Unquote(Trim(line[..comma]));
        rest = comma < 0 ? default : line[(comma + 1)..];
        return comma >= 0;
    }

    private static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> text) => text.Trim(" \t\r"u8);

    private static ReadOnlySpan<byte> Unquote(ReadOnlySpan<byte> text) =>
        text.Length >= 2 && text[0] == (byte)'"' && text[^1] == (byte)'"' ? text[1..^1] : text;

    private static bool Is(ReadOnlySpan<byte> cell, ReadOnlySpan<byte> word) => System.Text.Ascii.EqualsIgnoreCase(Unquote(cell), word);
}
