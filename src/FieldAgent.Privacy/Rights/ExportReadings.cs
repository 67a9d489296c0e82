using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>Writes the readings of blocks as JSON lines and as CSV, piece by piece: a piece is all that is ever in memory. One thread.</summary>
internal sealed class ExportReadings(ExportArchive archive)
{
    private const int PieceBytes = 2 << 20;
    private const string CsvHead = "time,clock,function,field,sensor,stream,unit,value\r\n";

    private readonly ArrayBufferWriter<byte> _lines = new(PieceBytes + (64 << 10));
    private readonly ArrayBufferWriter<byte> _csv = new(PieceBytes + (64 << 10));
    private int _linePieces;
    private int _csvPieces;

    /// <summary>Readings written.</summary>
    public long Count { get; private set; }

    /// <summary>Adds a block.</summary>
    public void Add(SpoolItem item, HeldItem held)
    {
        foreach (var rows in item.Sets)
        {
            for (var row = 0; row < rows.Columns.Count; row++)
            {
                Add(item, held, rows, row);
            }
        }
    }

    /// <summary>Writes what is left.</summary>
    public void Finish()
    {
        PutLines();
        PutCsv();
    }

    private void Add(SpoolItem item, HeldItem held, BlockRows rows, int row)
    {
        var time = ExportText.Time(rows.Columns.BootNs[row] + item.WallOffsetNs);
        var clock = item.Quality.ToString().ToLowerInvariant();
        using (var json = new Utf8JsonWriter(_lines, new JsonWriterOptions { SkipValidation = true }))
        {
            json.WriteStartObject();
            json.WriteString("time", time);
            json.WriteString("clock", clock);
            json.WriteString("function", item.Function);
            json.WriteString("field", item.Field);
            json.WriteNumber("seq", item.Sequence);
            json.WriteString("precision", held.Precision.Word());
            json.WriteString("sensor", rows.Set.Name);
            json.WriteStartObject("values");
            for (var column = 0; column < rows.Set.Streams.Length; column++)
            {
                if ((rows.Columns.Present[row] & (1UL << column)) != 0 && double.IsFinite(rows.Columns.Values(column)[row]))
                {
                    json.WriteNumber(rows.Set.Streams[column].Name, rows.Columns.Values(column)[row]);
                }
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        _lines.Write("\n"u8);
        for (var column = 0; column < rows.Set.Streams.Length; column++)
        {
            if ((rows.Columns.Present[row] & (1UL << column)) != 0)
            {
                Count++;
                var stream = rows.Set.Streams[column];
                var value = rows.Columns.Values(column)[row].ToString("R", CultureInfo.InvariantCulture);
                Encoding.UTF8.GetBytes(
                    $"{time},{clock},{item.Function},{item.Field},{ExportText.Csv(rows.Set.Name)},{ExportText.Csv(stream.Name)},{ExportText.Csv(stream.Unit)},{value}\r\n",
                    _csv);
            }
        }

        if (_lines.WrittenCount >= PieceBytes)
        {
            PutLines();
        }

        if (_csv.WrittenCount >= PieceBytes)
        {
            PutCsv();
        }
    }

    private void PutLines()
    {
        if (_lines.WrittenCount > 0)
        {
            archive.Add(string.Create(CultureInfo.InvariantCulture, $"readings/readings-{++_linePieces:00000}.jsonl"), _lines.WrittenSpan);
            _lines.Clear();
        }
    }

    private void PutCsv()
    {
        if (_csv.WrittenCount > 0)
        {
            archive.Begin(string.Create(CultureInfo.InvariantCulture, $"readings/readings-{++_csvPieces:00000}.csv"), CsvHead.Length + _csv.WrittenCount);
            archive.Append(Encoding.UTF8.GetBytes(CsvHead));
            archive.Append(_csv.WrittenSpan);
            archive.End();
            _csv.Clear();
        }
    }
}

/// <summary>Forms of values in an export.</summary>
internal static class ExportText
{
    /// <summary>A wall time in UTC, ISO 8601, to the millisecond.</summary>
    public static string Time(long wallUnixNs) =>
        ClockExtensions.ToDate(wallUnixNs).ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    /// <summary>A field of a CSV file (RFC 4180). A text that a spreadsheet would take for a formula is made harmless.</summary>
    public static string Csv(string text)
    {
        if (text.Length > 0 && text[0] is '=' or '+' or '-' or '@')
        {
            text = "'" + text;
        }

        return text.AsSpan().IndexOfAny(",\"\r\n") < 0 ? text : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }
}
