using System.Text.Json;
using FieldAgent.Core;

namespace FieldAgent.Devices.Exec;

/// <summary>What is wrong with a line.</summary>
internal enum ExecFault : byte
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>No JSON object of the known members, or one twice, or without stream and value.</summary>
    Malformed,

    /// <summary>A stream that the configuration does not name.</summary>
    Stream,

    /// <summary>Another unit than the stream's.</summary>
    Unit,

    /// <summary>No finite number.</summary>
    Value,

    /// <summary>No time.</summary>
    Time,
}

/// <summary>Reads one line of a program: <c>{"stream":"level","value":1.25,"unit":"m","time":"2026-05-01T12:00:00Z"}</c>. Allocates nothing for a good
/// line. One thread.</summary>
/// <param name="streams">The streams that may occur.</param>
internal sealed class ExecLine(IReadOnlyList<StreamInfo> streams)
{
    private readonly byte[][] _names = [.. streams.Select(static s => System.Text.Encoding.UTF8.GetBytes(s.Name))];
    private readonly byte[][] _units = [.. streams.Select(static s => System.Text.Encoding.UTF8.GetBytes(s.Unit))];

    /// <summary>Index of the line's stream.</summary>
    public int Stream { get; private set; }

    /// <summary>The value.</summary>
    public double Value { get; private set; }

    /// <summary>Nanoseconds since 1970, when the line has a time.</summary>
    public long? UnixNs { get; private set; }

    /// <summary>Reads a line.</summary>
    /// <returns>What is wrong with it; the properties hold its content when nothing is.</returns>
    public ExecFault Read(ReadOnlySpan<byte> line)
    {
        try
        {
            return ReadObject(line);
        }
        catch (JsonException)
        {
            return ExecFault.Malformed;
        }
        catch (InvalidOperationException)
        {
            // A text that is no UTF-8.
            return ExecFault.Malformed;
        }
    }

    private ExecFault ReadObject(ReadOnlySpan<byte> line)
    {
        (Stream, Value, UnixNs) = (-1, double.NaN, null);
        var unit = -2;
        ReadOnlySpan<byte> unitText = default;
        var reader = new Utf8JsonReader(line, new JsonReaderOptions { MaxDepth = 2 });
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            return ExecFault.Malformed;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("stream"u8) && Stream < 0)
            {
                Stream = reader.Read() && reader.TokenType == JsonTokenType.String ? IndexOf(ref reader) : -1;
                if (Stream < 0)
                {
                    return ExecFault.Stream;
                }
            }
            else if (reader.ValueTextEquals("value"u8) && double.IsNaN(Value))
            {
                if (!reader.Read() || reader.TokenType != JsonTokenType.Number || !reader.TryGetDouble(out var value) || !double.IsFinite(value))
                {
                    return ExecFault.Value;
                }

                Value = value;
            }
            else if (reader.ValueTextEquals("unit"u8) && unit == -2)
            {
                if (!reader.Read() || reader.TokenType != JsonTokenType.String || reader.ValueIsEscaped)
                {
                    return ExecFault.Unit;
                }

                unit = 0;
                unitText = reader.ValueSpan;
            }
            else if (reader.ValueTextEquals("time"u8) && UnixNs is null)
            {
                if (!reader.Read() || reader.TokenType is not (JsonTokenType.String or JsonTokenType.Number) || !ReplayTime.TryParse(reader.ValueSpan, out var ns))
                {
                    return ExecFault.Time;
                }

                UnixNs = ns;
            }
            else
            {
                return ExecFault.Malformed;
            }
        }

        if (reader.TokenType != JsonTokenType.EndObject || reader.Read() || Stream < 0 || double.IsNaN(Value))
        {
            return ExecFault.Malformed;
        }

        return unit == 0 && !unitText.SequenceEqual(_units[Stream]) ? ExecFault.Unit : ExecFault.None;
    }

    private int IndexOf(ref Utf8JsonReader reader)
    {
        for (var i = 0; i < _names.Length; i++)
        {
            if (reader.ValueTextEquals(_names[i]))
            {
                return i;
            }
        }

        return -1;
    }
}
