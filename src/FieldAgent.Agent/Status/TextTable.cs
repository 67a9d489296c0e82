namespace FieldAgent.Agent.Status;

/// <summary>Columns of text for people.</summary>
internal static class TextTable
{
    /// <summary>Writes rows with their columns aligned, two spaces apart, <paramref name="indent"/> spaces in.</summary>
    public static void Write(TextWriter output, IReadOnlyList<string[]> rows, int indent = 2)
    {
        if (rows.Count == 0)
        {
            return;
        }

        var widths = new int[rows.Max(static r => r.Length)];
        foreach (var row in rows)
        {
            for (var i = 0; i < row.Length; i++)
            {
                widths[i] = Math.Max(widths[i], row[i].Length);
            }
        }

        foreach (var row in rows)
        {
            var line = new string(' ', indent) + string.Join("  ", row.Select((cell, i) => cell.PadRight(widths[i])));
            output.WriteLine(line.TrimEnd());
        }
    }
}
