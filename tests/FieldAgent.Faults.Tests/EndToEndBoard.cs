using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.Json;
using FieldAgent.Core;
using FieldAgent.Devices;

namespace FieldAgent.Faults.Tests;

/// <summary>What the end-to-end tests have in common: recordings, photographs, and searches in what the agent leaves behind.</summary>
internal static class EndToEndBoard
{
    public static string Recording { get; } = Path.Join(Places.Repository, "hardware", "boards", "recordings", "walk.nmea");

    public static string Photos { get; } = Path.Join(Places.Repository, "hardware", "boards", "photos");

    public static string Gnss { get; } = $$"""{ "name": "gnss", "kind": "gnss", "file": "{{Recording}}", "pace": "asap", "interval": "0s" }""";

    public static string Camera(string more = "") => $$"""{ "name": "camera", "kind": "camera", "folder": "{{Photos}}" {{more}} }""";

    /// <summary>A day that a hold may last until, whenever the test is run.</summary>
    public static string NextYear => ClockExtensions.ToDate(new LinuxClock().Now().WallUnixNs).AddDays(365).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    public static void StopInOrder(AgentProcess agent)
    {
        agent.Terminate();
        Assert.Equal(0, agent.WaitForExit());
    }

    /// <summary>Runs a command that must succeed; returns all that it wrote.</summary>
    public static string Ok(Board board, params string[] args)
    {
        var (code, text, error) = board.Command(args);
        Assert.True(code == 0, text + error);
        return text + error;
    }

    public static string StateOf(JsonElement status, string sensor) => SensorOf(status, sensor).GetProperty("state").GetString()!;

    public static JsonElement SensorOf(JsonElement status, string sensor) =>
        status.GetProperty("sensors").EnumerateArray().First(s => s.GetProperty("name").GetString() == sensor);

    public static JsonElement Link(JsonElement status) => status.GetProperty("links")[0];

    /// <summary>Every file below a folder, with its bytes; what vanishes meanwhile is left out.</summary>
    public static IEnumerable<(string Name, byte[] Bytes)> FilesIn(string folder)
    {
        foreach (var name in Directory.GetFiles(folder, "*", SearchOption.AllDirectories))
        {
            using var bytes = new MemoryStream();
            try
            {
                using var file = new FileStream(name, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
                file.CopyTo(bytes);
            }
            catch (FileNotFoundException)
            {
                continue;
            }
            catch (IOException) when (Path.GetFileName(name) == "lock")
            {
                // Held by the running agent; it can be read when the agent has ended.
                continue;
            }

            yield return (name, bytes.ToArray());
        }
    }

    /// <summary>Readings (values that are there) in a batch.</summary>
    public static long Readings(Received batch)
    {
        var n = 0L;
        foreach (var set in batch.Json.GetProperty("sets").EnumerateArray())
        {
            if (set.TryGetProperty("s", out var plain))
            {
                n += plain.EnumerateObject().Sum(static c => c.Value.EnumerateArray().Count(static v => v.ValueKind != JsonValueKind.Null));
            }

            if (set.TryGetProperty("o", out var steps))
            {
                n += steps.EnumerateObject().Sum(static c => c.Value.GetArrayLength() - 2);
            }
        }

        return n;
    }

    /// <summary>The values of a stream, in either form.</summary>
    public static IEnumerable<double> Values(Received batch, string stream)
    {
        foreach (var set in batch.Json.GetProperty("sets").EnumerateArray())
        {
            if (set.TryGetProperty("s", out var plain) && plain.TryGetProperty(stream, out var column))
            {
                foreach (var value in column.EnumerateArray())
                {
                    yield return value.GetDouble();
                }
            }

            if (set.TryGetProperty("o", out var steps) && steps.TryGetProperty(stream, out column))
            {
                var step = column[0].GetDouble();
                var whole = !column[0].GetRawText().Contains('.', StringComparison.Ordinal);
                foreach (var value in column.EnumerateArray().Skip(2))
                {
                    var sum = column[1].GetInt64() + value.GetInt64();
                    yield return whole ? sum / Math.Pow(10, step) : sum * step;
                }
            }
        }
    }
}

/// <summary>The exact positions of a recording, in every form in which they could leak: NMEA text, decimal degrees, doubles.</summary>
internal sealed class ExactPositions
{
    private const double Tolerance = 1e-9;

    // Of a double that was worked out from the same sentence; in megabytes of ciphertext eight bytes come so near to one of hundreds of positions by
    // chance once in a million runs.
    private const double Rounding = 1e-12;
    private readonly HashSet<string> _nmea = new(StringComparer.Ordinal);
    private readonly double[] _degrees;

    public ExactPositions(string recording)
    {
        var degrees = new HashSet<double>();
        foreach (var line in File.ReadLines(recording))
        {
            var parts = line.Split(',');
            for (var i = 1; i < parts.Length; i++)
            {
                if (parts[i] is "N" or "S" or "E" or "W" && parts[i - 1].Length > 6)
                {
                    _nmea.Add(parts[i - 1]);
                    var whole = parts[i - 1].IndexOf('.', StringComparison.Ordinal) - 2;
                    degrees.Add(double.Parse(parts[i - 1].AsSpan(0, whole), CultureInfo.InvariantCulture)
                        + (double.Parse(parts[i - 1].AsSpan(whole), CultureInfo.InvariantCulture) / 60));
                }
            }
        }

        _degrees = [.. degrees.Order()];
        Assert.True(_degrees.Length > 100, "the recording has no positions");
    }

    public (double Min, double Max) Range => (_degrees[0], _degrees[^1]);

    /// <summary>Fails when <paramref name="bytes"/> hold an exact position as text, or (in a file) as a double of either byte order.</summary>
    public void AssertAbsent(string where, ReadOnlySpan<byte> bytes, bool alsoBinary = false)
    {
        var start = -1;
        for (var i = 0; i <= bytes.Length; i++)
        {
            if (i < bytes.Length && (char.IsAsciiDigit((char)bytes[i]) || bytes[i] == '.'))
            {
                start = start < 0 ? i : start;
            }
            else if (start >= 0)
            {
                Assert.False(i - start is >= 7 and < 30 && IsExact(Encoding.ASCII.GetString(bytes[start..i])), $"an exact position in {where}");
                start = -1;
            }
        }

        for (var i = 0; alsoBinary && i + 8 <= bytes.Length; i++)
        {
            Assert.False(
                IsNear(BinaryPrimitives.ReadDoubleLittleEndian(bytes[i..]), Rounding) || IsNear(BinaryPrimitives.ReadDoubleBigEndian(bytes[i..]), Rounding),
                $"an exact position as a double in {where}");
        }
    }

    private bool IsExact(string number) => _nmea.Contains(number)
        || (number.Length - number.IndexOf('.', StringComparison.Ordinal) > 5
            && double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value) && IsNear(value, Tolerance));

    private bool IsNear(double value, double tolerance)
    {
        if (!(value >= _degrees[0] - tolerance && value <= _degrees[^1] + tolerance))
        {
            return false;
        }

        var at = Array.BinarySearch(_degrees, value - tolerance);
        at = at < 0 ? ~at : at;
        return at < _degrees.Length && _degrees[at] <= value + tolerance;
    }
}
