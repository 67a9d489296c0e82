using System.Text;
using FieldAgent.Devices.Gnss;

namespace FieldAgent.Devices.Tests.Gnss;

/// <summary>Makes sentences and decodes them.</summary>
internal static class Nmea
{
    /// <summary>A sentence with its checksum and line end.</summary>
    public static string Line(string body)
    {
        var sum = body.Aggregate(0, static (sum, c) => sum ^ c);
        return $"${body}*{sum:X2}\r\n";
    }

    public static string Lines(params string[] bodies) => string.Concat(bodies.Select(Line));

    public static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text);

    /// <summary>All fixes of a recording.</summary>
    public static List<GnssFix> Fixes(string text, int notBeforeDay = NmeaDate.NoDay) => Fixes(Bytes(text), out _, notBeforeDay);

    public static List<GnssFix> Fixes(ReadOnlySpan<byte> data, out NmeaCounts counts, int notBeforeDay = NmeaDate.NoDay)
    {
        var decoder = new NmeaDecoder(notBeforeDay);
        var fixes = new List<GnssFix>();
        while (decoder.TryRead(ref data, out var fix))
        {
            fixes.Add(fix);
        }

        while (decoder.TryFinish(out var fix))
        {
            fixes.Add(fix);
        }

        counts = decoder.Counts;
        return fixes;
    }

    public static string Json(string text)
    {
        using var input = new MemoryStream(Bytes(text));
        using var output = new MemoryStream();
        NmeaRecording.WriteFixes(input, output);
        return Encoding.UTF8.GetString(output.ToArray());
    }

    public static string Time(in GnssFix fix) =>
        DateTime.UnixEpoch.AddTicks(fix.UnixNs / 100).ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", System.Globalization.CultureInfo.InvariantCulture);
}
