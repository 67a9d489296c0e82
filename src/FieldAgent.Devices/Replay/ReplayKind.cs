using FieldAgent.Core;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Devices;

/// <summary>Readings recorded earlier, from a CSV file.</summary>
public sealed class ReplayKind : ISensorKind
{
    internal static readonly Option<string> FileName = Opt.File(
        "file", "CSV file with the header time,stream,value; time as ISO 8601 (UTC when no zone is given) or seconds. Lines of equal time form "
        + "one row; an empty value is absent; lines that begin with # are comments.", required: true);

    internal static readonly Option<string> Pace = Opt.Choice(
        "pace", "live: as fast as it was recorded; asap: as fast as the rows are taken, with the recorded distances.", "live", false, "live", "asap");

    internal static readonly Option<bool> Loop = Opt.Flag("loop", "Begin again after the last line.");

    internal static readonly Option<TimeSpan> Interval = Opt.Duration(
        "interval", "Nominal time between rows, where they are regular: makes storage more compact.", TimeSpan.Zero, SensorOptions.IntervalMin,
        SensorOptions.IntervalMax);

    internal static readonly Option<string> StreamName = Opt.Text("name", "The stream's name in the file.", required: true, lengthMax: 40);

    internal static readonly Option<string> Unit = Opt.Text("unit", "UCUM code of its unit.", "1", lengthMax: 32);

    internal static readonly Option<double> Scale = Opt.Number(
        "scale", "Values are rounded to whole numbers of this; 0 leaves them as they are.", 0, 0, 1e12);

    internal static readonly Option<IReadOnlyList<ConfigSection>> Streams = Opt.Sections(
        "streams", "The streams; found by a first pass over the file when not given, then without unit.",
        new ConfigShape("One stream of the file.", StreamName, Unit, Scale), StreamSet.StreamsMax);

    /// <inheritdoc/>
    public string Kind => "replay";

    /// <inheritdoc/>
    public ConfigShape Shape { get; } = new(
        "Readings recorded earlier, from a CSV file.", FileName, Pace, Loop, Interval, Streams, SensorOptions.Field,
        SensorOptions.ImportanceOf, SensorOptions.Urgent);

    /// <inheritdoc/>
    public ISensor Create(SensorSetup setup)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var stream in setup.Options.Get(Streams))
        {
            if (!seen.Add(stream.Get(StreamName)))
            {
                setup.Options.Errors.Add(stream.Node, $"a second stream called '{stream.Get(StreamName)}'");
            }
        }

        return new ReplaySensor(setup);
    }
}
