using FieldAgent.Core;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Devices.Exec;

/// <summary>A program of the technician's own that prints readings.</summary>
public sealed class ExecKind : ISensorKind
{
    internal static readonly Option<string> Program = Opt.Text("program", "Absolute path of the program.", required: true, lengthMax: 4096);

    internal static readonly Option<string> Sha256 = Opt.Text(
        "sha256", "SHA-256 of the program's file, 64 hexadecimal digits, as sha256sum prints it: another file is not run.", required: true, lengthMax: 64);

    internal static readonly Option<IReadOnlyList<string>> Arguments = Opt.List(
        "arguments", "Its arguments, one text each; no shell looks at them.", Opt.Text("argument", "One argument.", lengthMax: 1024), 32);

    internal static readonly Option<string> StreamName = Opt.Name("name", "Name of the stream, as the program prints it.", required: true);

    internal static readonly Option<string> Unit = Opt.Text("unit", "UCUM code of the unit: Cel, Pa, 1.", "1", lengthMax: 32);

    internal static readonly Option<double> Step = Opt.Number("step", "The step of the values, when they have one: needs less storage.", 0, 0, 1e12);

    internal static readonly Option<IReadOnlyList<ConfigSection>> Streams = Opt.Sections(
        "streams", "What it may print; anything else is counted and passed over.",
        new ConfigShape("One stream.", StreamName, Unit, Step), StreamSet.StreamsMax, required: true);

    internal static readonly Option<IReadOnlyList<string>> Readable = Opt.List(
        "readable", "Files and folders that it may read and run from, besides itself and the system's programs and libraries; absolute paths. None of /dev, /sys or /proc.",
        Opt.Text("path", "One path.", lengthMax: 4096), 16);

    internal static readonly Option<string> Confinement = Opt.Choice(
        "confinement", "required: it is run only where the kernel keeps it from every other file and device (Landlock); bestEffort: elsewhere too, with what "
        + "the agent's user may read. Sockets and other processes are out of reach in both.", "required", false, "required", "bestEffort");

    internal static readonly Option<long> Memory = Opt.Bytes("memory", "Address space that it may use.", 256 << 20, 1 << 20, 4L << 30);

    internal static readonly Option<TimeSpan> CpuTime = Opt.Duration(
        "cpuTime", "Processor time after which it is ended and started anew.", TimeSpan.FromHours(1), TimeSpan.FromSeconds(1), TimeSpan.FromDays(365));

    internal static readonly Option<long> RateMax = Opt.Integer(
        "rateMax", "Readings a second that are taken; more are counted and passed over.", 100, 1, 10_000);

    /// <inheritdoc/>
    public string Kind => "exec";

    /// <inheritdoc/>
    public ConfigShape Shape { get; } = new(
        "A program of your own that prints one reading a line: {\"stream\":\"level\",\"value\":1.25}, with \"unit\" (must be the stream's) and \"time\" "
        + "(RFC 3339, or seconds since 1970) if it likes. It gets no device, no socket, no environment, and is started again when it ends.",
        Program, Sha256, Arguments, Streams, Readable, Confinement, Memory, CpuTime, RateMax,
        SensorOptions.Field, SensorOptions.ImportanceOf, SensorOptions.Urgent);

    /// <inheritdoc/>
    public ISensor Create(SensorSetup setup)
    {
        var options = setup.Options;
        if (options.Has(Program) && !Path.IsPathFullyQualified(options.Get(Program)))
        {
            options.Errors.Add(options.NodeOf(Program), "must be an absolute path");
        }

        if (options.Has(Sha256) && (options.Get(Sha256).Length != 64 || !options.Get(Sha256).All(char.IsAsciiHexDigit)))
        {
            options.Errors.Add(options.NodeOf(Sha256), "must be 64 hexadecimal digits: see 'sha256sum PROGRAM'");
        }

        foreach (var path in options.Get(Readable))
        {
            if (!IsHarmless(path))
            {
                options.Errors.Add(options.NodeOf(Readable), $"'{path}' must be an absolute path, and none to the root, /dev, /sys, /proc or /run");
            }
        }

        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var stream in options.Get(Streams))
        {
            if (!names.Add(stream.Get(StreamName)))
            {
                options.Errors.Add(stream.Node, $"a second stream called '{stream.Get(StreamName)}'");
            }
        }

        if (options.Has(Streams) && names.Count == 0)
        {
            options.Errors.Add(options.NodeOf(Streams), "must name at least one stream");
        }

        return new ExecSensor(setup);
    }

    /// <summary>True for a path that leads to no device and no socket.</summary>
    internal static bool IsHarmless(string path)
    {
        if (!Path.IsPathFullyQualified(path))
        {
            return false;
        }

        var full = Path.GetFullPath(path);
        return full != "/" && !Array.Exists(
            ["/dev", "/sys", "/proc", "/run", "/var/run"],
            folder => full == folder || full.StartsWith(folder + "/", StringComparison.Ordinal));
    }
}
