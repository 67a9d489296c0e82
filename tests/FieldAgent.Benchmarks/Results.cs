using System.Globalization;
using System.Text.Json;

namespace FieldAgent.Benchmarks;

/// <summary>One measured figure.</summary>
/// <param name="Name">What was measured.</param>
/// <param name="Value">The figure.</param>
/// <param name="Unit">Its unit.</param>
/// <param name="Aim">The aim as text, or empty where the figure is only one side of a ratio.</param>
/// <param name="Met">Whether the aim is met; null without an aim.</param>
internal sealed record Result(string Name, double Value, string Unit, string Aim = "", bool? Met = null);

/// <summary>Collects figures, and prints each as it comes: a table row for people, a JSON object for programs.</summary>
internal sealed class Results(bool json, TextWriter output)
{
    private readonly List<Result> _all = [];

    /// <summary>All figures so far.</summary>
    public IReadOnlyList<Result> All => _all;

    /// <summary>A figure without an aim.</summary>
    public void Add(string name, double value, string unit) => Add(new Result(name, value, unit));

    /// <summary>A figure that should be at least <paramref name="aim"/>.</summary>
    public void AtLeast(string name, double value, string unit, double aim) =>
        Add(new Result(name, value, unit, "≥ " + Text(aim), value >= aim));

    /// <summary>A figure that should be at most <paramref name="aim"/>.</summary>
    public void AtMost(string name, double value, string unit, double aim) =>
        Add(new Result(name, value, unit, "≤ " + Text(aim), value <= aim));

    /// <summary>Says that a figure cannot be had here, and why.</summary>
    public void Skipped(string name, string why)
    {
        if (json)
        {
            Console.Error.WriteLine($"skipped: {name}: {why}");
        }
        else
        {
            output.WriteLine($"  {name,-58} skipped: {why}");
        }
    }

    /// <summary>A heading for people.</summary>
    public void Section(string title)
    {
        if (!json)
        {
            output.WriteLine();
            output.WriteLine(title);
        }
    }

    private void Add(Result result)
    {
        _all.Add(result);
        if (json)
        {
            using var buffer = new MemoryStream();
            using (var writer = new Utf8JsonWriter(buffer))
            {
                writer.WriteStartObject();
                writer.WriteString("name", result.Name);
                writer.WriteNumber("value", Math.Round(result.Value, 6));
                writer.WriteString("unit", result.Unit);
                writer.WriteString("aim", result.Aim);
                if (result.Met is { } met)
                {
                    writer.WriteBoolean("met", met);
                }
                else
                {
                    writer.WriteNull("met");
                }

                writer.WriteEndObject();
            }

            output.WriteLine(System.Text.Encoding.UTF8.GetString(buffer.ToArray()));
        }
        else
        {
            var verdict = result.Met switch { true => "met", false => "NOT MET", null => "" };
            output.WriteLine($"  {result.Name,-58} {Text(result.Value),14} {result.Unit,-16} {result.Aim,-14} {verdict}".TrimEnd());
        }

        output.Flush();
    }

    private static string Text(double value) => Math.Abs(value) >= 1000
        ? value.ToString("N0", CultureInfo.InvariantCulture)
        : value.ToString("0.###", CultureInfo.InvariantCulture);
}
