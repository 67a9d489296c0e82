using System.Text.Json;
using FieldAgent.Devices.Gnss;

namespace FieldAgent.Devices.Tests.Gnss;

/// <summary>What real receivers sent, against what gpsd made of it.</summary>
public sealed class RecordingsTests
{
    private const double ToleranceDeg = 2e-6;

    public static TheoryData<string> Recordings()
    {
        var folder = Path.GetFullPath(Path.Join(Places.Repository, "..", "shared", "data", "gnss"));
        return Directory.Exists(folder)
            ? [.. Directory.EnumerateFiles(folder, "*.log").Select(static f => Path.GetFileName(f)).Order(StringComparer.Ordinal)]
            : ["(none)"];
    }

    [Theory]
    [MemberData(nameof(Recordings))]
    public void Every_fix_of_gpsd_is_ours_and_none_where_it_has_none(string recording)
    {
        var log = Path.Join(Places.Data("gnss"), recording);
        using var input = File.OpenRead(log);
        using var output = new MemoryStream();
        var counts = NmeaRecording.WriteFixes(input, output);

        var ours = new Dictionary<string, List<(double Lat, double Lon)>>(StringComparer.Ordinal);
        foreach (var line in Lines(output))
        {
            using var json = JsonDocument.Parse(line);
            var fix = json.RootElement;
            if (fix.GetProperty("mode").GetInt32() < 2)
            {
                Assert.False(fix.TryGetProperty("lat", out _), "a lost fix has no position");
                continue;
            }

            var at = (fix.GetProperty("lat").GetDouble(), fix.GetProperty("lon").GetDouble());
            if (fix.TryGetProperty("time", out var time))
            {
                ours.TryAdd(time.GetString()!, []);
                ours[time.GetString()!].Add(at);
            }
        }

        var reference = Reference(log + ".chk");
        var expected = reference.Where(static t => t is { Mode: >= 2, Time: not null, Lat: not null, Lon: not null }).ToList();
        foreach (var tpv in expected)
        {
            Assert.True(ours.TryGetValue(tpv.Time!, out var fixes), $"no fix at {tpv.Time}");
            Assert.True(
                fixes!.Any(f => Math.Abs(f.Lat - tpv.Lat!.Value) <= ToleranceDeg && Math.Abs(f.Lon - tpv.Lon!.Value) <= ToleranceDeg),
                $"another position at {tpv.Time}");
        }

        var known = reference.Where(static t => t.Mode >= 2 && t.Time is not null).Select(static t => t.Time!).ToHashSet(StringComparer.Ordinal);
        foreach (var lost in reference.Where(t => t is { Mode: 1, Time: not null } && !known.Contains(t.Time)))
        {
            Assert.False(ours.ContainsKey(lost.Time!), $"a fix at {lost.Time}, where there is none");
        }

        Assert.True(counts.Sentences > 0);
    }

    private static string[] Lines(MemoryStream output) =>
        System.Text.Encoding.UTF8.GetString(output.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static List<Tpv> Reference(string path)
    {
        var all = new List<Tpv>();
        foreach (var line in File.ReadLines(path, System.Text.Encoding.Latin1))
        {
            if (line.Contains("\"class\":\"TPV\"", StringComparison.Ordinal))
            {
                using var json = JsonDocument.Parse(line);
                var tpv = json.RootElement;
                all.Add(new Tpv(
                    tpv.GetProperty("mode").GetInt32(),
                    tpv.TryGetProperty("time", out var time) ? time.GetString() : null,
                    tpv.TryGetProperty("lat", out var lat) ? lat.GetDouble() : null,
                    tpv.TryGetProperty("lon", out var lon) ? lon.GetDouble() : null));
            }
        }

        return all;
    }

    private sealed record Tpv(int Mode, string? Time, double? Lat, double? Lon);
}
