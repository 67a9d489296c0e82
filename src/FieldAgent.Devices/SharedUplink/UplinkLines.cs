using System.Collections.Immutable;
using System.Text.Json;
using FieldAgent.Core;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Devices;

/// <summary>What a program says first: <c>{"source":"pump","streams":[{"name":"flow","unit":"L/min","scale":0.01}]}</c>.</summary>
/// <param name="Source">Source tag.</param>
/// <param name="Streams">Its streams.</param>
internal sealed record UplinkHello(string Source, ImmutableArray<StreamInfo> Streams);

/// <summary>Reads the lines of the protocol. Pure; bad input is a text that says what is wrong.</summary>
internal static class UplinkLines
{
    private const int UnitLengthMax = 24;

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 4, AllowDuplicateProperties = false };

    /// <summary>Reads the first line; null with a reason.</summary>
    public static UplinkHello? Hello(ReadOnlyMemory<byte> line, out string why)
    {
        why = "the first line must be {\"source\": …, \"streams\": [{\"name\": …, \"unit\": …}]}";
        try
        {
            using var document = JsonDocument.Parse(line, Options);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || !TryText(root, "source", out var source)
                || !root.TryGetProperty("streams", out var list) || list.ValueKind != JsonValueKind.Array)
            {
                return null;
            }

            var streams = ImmutableArray.CreateBuilder<StreamInfo>();
            foreach (var item in list.EnumerateArray())
            {
                var scale = 0.0;
                if (item.ValueKind != JsonValueKind.Object || !TryText(item, "name", out var name) || !Opt.IsName(name) || !TryText(item, "unit", out var unit)
                    || unit.Length > UnitLengthMax || unit.Any(static c => c is < '!' or > '~') || streams.Any(s => s.Name == name)
                    || (item.TryGetProperty("scale", out var given) && !(given.ValueKind == JsonValueKind.Number && given.TryGetDouble(out scale) && double.IsFinite(scale) && scale >= 0)))
                {
                    return null;
                }

                streams.Add(new StreamInfo(name, unit, scale));
            }

            if (streams.Count is 0 or > StreamSet.StreamsMax)
            {
                return null;
            }

            why = "";
            return new UplinkHello(source, streams.ToImmutable());
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Reads a row: <c>{"values":[1.2,null],"ageMs":0}</c>.</summary>
    /// <param name="line">The line.</param>
    /// <param name="values">Gets the values.</param>
    /// <param name="present">Which of them are there.</param>
    /// <param name="ageNs">How long ago it was sampled.</param>
    /// <returns>False when it is not a row of so many values.</returns>
    public static bool TryRow(ReadOnlySpan<byte> line, Span<double> values, out ulong present, out long ageNs)
    {
        present = 0;
        ageNs = 0;
        var reader = new Utf8JsonReader(line);
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                return false;
            }

            var hasValues = false;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals("values"u8))
                {
                    hasValues = !hasValues && TryValues(ref reader, values, out present);
                    if (!hasValues)
                    {
                        return false;
                    }
                }
                else if (reader.ValueTextEquals("ageMs"u8))
                {
                    if (!reader.Read() || reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out var age)
                        || age < 0 || age > SharedUplinkLimits.AgeMax.TotalMilliseconds)
                    {
                        return false;
                    }

                    ageNs = age * 1_000_000;
                }
                else
                {
                    return false;
                }
            }

            return hasValues && reader.TokenType == JsonTokenType.EndObject && present != 0 && !reader.Read();
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static bool TryValues(ref Utf8JsonReader reader, Span<double> values, out ulong present)
    {
        present = 0;
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartArray)
        {
            return false;
        }

        var n = 0;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (n == values.Length)
            {
                return false;
            }

            if (reader.TokenType == JsonTokenType.Number && reader.TryGetDouble(out var value) && double.IsFinite(value))
            {
                values[n] = value;
                present |= 1ul << n;
            }
            else if (reader.TokenType != JsonTokenType.Null)
            {
                return false;
            }

            n++;
        }

        return n == values.Length;
    }

    private static bool TryText(JsonElement from, string name, out string text)
    {
        text = from.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
        return text.Length is > 0 and <= 64;
    }
}
