using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;

namespace FieldAgent.Delivery;

/// <summary>A payload that does not follow the contract.</summary>
internal sealed class ContractViolation(string place, string problem) : Exception($"{place}: {problem}")
{
    /// <summary>JSON path of the place.</summary>
    public string Place { get; } = place;

    /// <summary>What is wrong there.</summary>
    public string Problem { get; } = problem;
}

/// <summary>Members of a message's JSON, each of the type and size that the contract gives it.</summary>
internal static class ContractJson
{
    /// <summary>How deep a signed document may be.</summary>
    public const int NoticeDepthMax = 32;

    private const int DepthMax = 8;

    /// <summary>Parses JSON.</summary>
    /// <exception cref="ContractViolation">It is not JSON, or no object.</exception>
    public static JsonDocument Parse(ReadOnlyMemory<byte> payload, int depthMax = DepthMax)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(payload, new JsonDocumentOptions { MaxDepth = depthMax, AllowDuplicateProperties = false });
        }
        catch (JsonException e)
        {
            throw new ContractViolation(string.Create(CultureInfo.InvariantCulture, $"byte {e.BytePositionInLine}"), "not valid JSON, or a member twice");
        }

        if (document.RootElement.ValueKind != JsonValueKind.Object)
        {
            document.Dispose();
            throw new ContractViolation("$", "not an object");
        }

        return document;
    }

    /// <summary>A member that must be there, of a type; undefined: any.</summary>
    public static JsonElement Member(JsonElement element, string place, string name, JsonValueKind kind = JsonValueKind.Undefined)
    {
        Require(element.TryGetProperty(name, out var member), $"{place}.{name}", "is missing");
        Require(kind == JsonValueKind.Undefined || member.ValueKind == kind, $"{place}.{name}", "has another type");
        return member;
    }

    /// <summary>A text of 1 to <paramref name="lengthMax"/> characters.</summary>
    public static string Text(JsonElement element, string place, string name, int lengthMax)
    {
        var text = Member(element, place, name, JsonValueKind.String).GetString()!;
        Require(text.Length > 0 && text.Length <= lengthMax, $"{place}.{name}", "is empty or too long");
        return text;
    }

    /// <summary>A whole number within bounds.</summary>
    public static long Integer(JsonElement element, string place, string name, long least = long.MinValue, long most = long.MaxValue)
    {
        var member = Member(element, place, name, JsonValueKind.Number);
        Require(member.TryGetInt64(out var value) && value >= least && value <= most, $"{place}.{name}", "is no whole number, or out of range");
        return value;
    }

    /// <summary>True for so many hexadecimal digits in lower case.</summary>
    public static bool IsHex(ReadOnlySpan<char> text, int length)
    {
        if (text.Length != length)
        {
            return false;
        }

        foreach (var c in text)
        {
            if (!char.IsAsciiDigit(c) && c is not (>= 'a' and <= 'f'))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Throws where the contract does not hold.</summary>
    public static void Require([DoesNotReturnIf(false)] bool holds, string place, string problem)
    {
        if (!holds)
        {
            throw new ContractViolation(place, problem);
        }
    }
}
