using FieldAgent.Core;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Simulation;

/// <summary>Shapes of a simulated signal.</summary>
internal enum Waveform
{
    /// <summary>offset + amplitude × sin.</summary>
    Sine,

    /// <summary>From offset up to offset + amplitude within a period, then down at once.</summary>
    Ramp,

    /// <summary>A random walk around offset with steps of the size of amplitude.</summary>
    Walk,

    /// <summary>A new level within offset ± amplitude each period.</summary>
    Steps,

    /// <summary>offset, and offset + amplitude for the first tenth of each period.</summary>
    Pulses,

    /// <summary>offset.</summary>
    Constant,
}

/// <summary>One simulated stream.</summary>
/// <param name="Info">Name, unit, scale.</param>
/// <param name="Waveform">Shape.</param>
/// <param name="Amplitude">Size, in the unit.</param>
/// <param name="Offset">Level, in the unit.</param>
/// <param name="PeriodNs">Period, ns.</param>
/// <param name="Noise">Standard deviation of the noise, in the unit.</param>
/// <param name="Dropout">Probability that a value is absent.</param>
/// <param name="Stuck">Probability that a row begins a stretch of the same value.</param>
/// <param name="StuckNs">Length of such a stretch, ns.</param>
/// <param name="Spike">Probability that a value is a spike.</param>
/// <param name="SpikeSize">Height of a spike, in the unit.</param>
internal sealed record SignalPlan(
    StreamInfo Info, Waveform Waveform, double Amplitude, double Offset, long PeriodNs, double Noise, double Dropout, double Stuck,
    long StuckNs, double Spike, double SpikeSize);

/// <summary>The options of the kind <c>simulated</c>.</summary>
internal static class SimulatedOptions
{
    private static readonly string[] Waveforms = ["sine", "ramp", "walk", "steps", "pulses", "constant"];

    public static readonly Option<long> Seed = Opt.Integer(
        "seed", "The same seed gives the same values, row by row.", 1, 0, long.MaxValue);

    public static readonly Option<string> Pace = Opt.Choice(
        "pace", "live: a row every interval; asap: 'count' rows with times an interval apart, as fast as they are taken (load tests).",
        "live", false, "live", "asap");

    public static readonly Option<long> Count = Opt.Integer(
        "count", "Rows after which the sensor ends; 0: none. Needed with pace asap.", 0, 0, 1_000_000_000_000);

    public static readonly Option<IReadOnlyList<ConfigSection>> Streams;

    private static readonly Option<string> Name = Opt.Name("name", "Name of the stream.", required: true);

    private static readonly Option<string> Unit = Opt.Text("unit", "UCUM code of the unit.", "1", lengthMax: 32);

    private static readonly Option<double> Scale = Opt.Number(
        "scale", "Values are rounded to whole numbers of this, as a converter's are; 0 leaves them as they are.", 0, 0, 1e12);

    private static readonly Option<string> WaveformOf = Opt.Choice("waveform", "Shape of the signal.", "sine", false, Waveforms);

    private static readonly Option<double> Amplitude = Opt.Number(
        "amplitude", "Size of the shape, in the unit; of a walk: of one of its steps.", 1, -1e15, 1e15);

    private static readonly Option<double> Offset = Opt.Number("offset", "Level of the shape, in the unit.", 0, -1e15, 1e15);

    private static readonly Option<TimeSpan> Period = Opt.Duration(
        "period", "Period of the shape.", TimeSpan.FromMinutes(1), TimeSpan.FromMilliseconds(1), TimeSpan.FromDays(366));

    private static readonly Option<double> Noise = Opt.Number("noise", "Standard deviation of the noise, in the unit.", 0, 0, 1e15);

    private static readonly Option<double> Dropout = Opt.Number("dropout", "Probability that a value is absent.", 0, 0, 1);

    private static readonly Option<double> Stuck = Opt.Number("stuck", "Probability that at a row the value begins to stand still.", 0, 0, 1);

    private static readonly Option<TimeSpan> StuckFor = Opt.Duration(
        "stuckFor", "How long it stands still then.", TimeSpan.FromSeconds(10), TimeSpan.FromMilliseconds(1), TimeSpan.FromDays(1));

    private static readonly Option<double> Spike = Opt.Number("spike", "Probability that a value is a spike, up or down.", 0, 0, 1);

    private static readonly Option<double> SpikeSize = Opt.Number("spikeSize", "Height of a spike, in the unit.", 10, -1e15, 1e15);

    private static readonly Option<ConfigSection?> Faults = Opt.Section(
        "faults", "What is wrong with the stream now and then.",
        new ConfigShape("Faults of a simulated stream.", Dropout, Stuck, StuckFor, Spike, SpikeSize));

    static SimulatedOptions()
    {
        Streams = Opt.Sections(
            "streams", "The streams; all are sampled together.",
            new ConfigShape("One simulated stream.", Name, Unit, Scale, WaveformOf, Amplitude, Offset, Period, Noise, Faults),
            StreamSet.StreamsMax, required: true);
    }

    /// <summary>The configured streams.</summary>
    public static SignalPlan[] ReadStreams(ConfigSection options) => [.. options.Get(Streams).Select(Read)];

    private static SignalPlan Read(ConfigSection stream)
    {
        var faults = stream.Get(Faults);
        return new SignalPlan(
            new StreamInfo(stream.Get(Name), stream.Get(Unit), stream.Get(Scale)),
            (Waveform)Array.IndexOf(Waveforms, stream.Get(WaveformOf)),
            stream.Get(Amplitude),
            stream.Get(Offset),
            Math.Max(1, stream.Get(Period).ToNs()),
            stream.Get(Noise),
            faults?.Get(Dropout) ?? 0,
            faults?.Get(Stuck) ?? 0,
            (faults?.Get(StuckFor) ?? StuckFor.Default).ToNs(),
            faults?.Get(Spike) ?? 0,
            faults?.Get(SpikeSize) ?? 0);
    }
}
