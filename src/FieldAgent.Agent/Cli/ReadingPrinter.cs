using System.Globalization;
using System.Text;
using System.Text.Json;
using FieldAgent.Core;

namespace FieldAgent.Agent.Cli;

/// <summary>Prints admitted readings, a line each.</summary>
internal sealed class ReadingPrinter(TextWriter output, bool json, IClock clock, long count) : IAdmittedSink
{
    private long _printed;

    /// <summary>True when as many readings as asked for have been printed.</summary>
    public bool IsDone => _printed >= count;

    /// <inheritdoc/>
    public void Take(in AdmittedRows rows)
    {
        for (var row = 0; row < rows.Count; row++)
        {
            var time = ClockExtensions.ToDate(rows.BootNs[row] + clock.WallOffsetNs);
            for (var i = 0; i < rows.Width && !IsDone; i++)
            {
                if ((rows.Present[row] >> i & 1) != 0)
                {
                    var stream = rows.Set.Streams[i];
                    Print(time, $"{rows.Set.Name}.{stream.Name}", rows.Values(i)[row], stream.Unit);
                    _printed++;
                }
            }
        }

        output.Flush();
    }

    /// <summary>Says that a picture was taken.</summary>
    public void Print(AdmittedImage image)
    {
        _printed++;
        Print(ClockExtensions.ToDate(image.Captured.WallUnixNs), image.Sensor + ".photo", image.Jpeg.Length, "By");
        output.Flush();
    }

    private void Print(DateTimeOffset time, string stream, double value, string unit)
    {
        if (!json)
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{time:HH:mm:ss.fff}  {stream,-28} {value,16:R} {unit}"));
            return;
        }

        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("time", time.ToString("yyyy-MM-ddTHH:mm:ss.fffffffZ", CultureInfo.InvariantCulture));
            writer.WriteString("stream", stream);
            if (double.IsFinite(value))
            {
                writer.WriteNumber("value", value);
            }
            else
            {
                writer.WriteString("value", value.ToString("R", CultureInfo.InvariantCulture));
            }

            writer.WriteString("unit", unit);
            writer.WriteEndObject();
        }

        output.WriteLine(Encoding.UTF8.GetString(buffer.ToArray()));
    }
}
