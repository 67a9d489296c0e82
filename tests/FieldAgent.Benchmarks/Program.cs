using FieldAgent.Benchmarks;
using FieldAgent.Benchmarks.Devices;
using FieldAgent.Benchmarks.Privacy;
using FieldAgent.Benchmarks.Stacks;

// Measures what the README and the aims speak of. Wall-clock figures are of this machine; compare the ratios, whose two sides are
// measured in the same run.
// How the test library says that something needed is not at hand: a virtual board cannot be made everywhere.
const string DynamicSkip = "$XunitDynamicSkip$";
var json = args.Contains("--json");
var only = Value("--only")?.Split(',');
var agent = Value("--agent") ?? "fieldagent";
var results = new Results(json, Console.Out);

(string Letter, string Title, Action Run)[] parts =
[
    ("a", "(a) durable path: sample → gate → spool → PUBACK", () => DurablePath.Run(results)),
    ("b", "(b) bytes a reading, eight noisy 1 Hz series, flush every 10 s", () => BytesPerReading.Run(results)),
    ("c", "(c) bytes that reach the disk, same load, journaled ext4 on a loop device", () => DiskBytes.Run(results, agent)),
    ("d", "(d) the process: ten streams at 1 Hz", () => Footprint.Run(results, agent)),
    ("e", "(e) draining a backlog", () => DrainRate.Run(results)),
    ("links", "the durable path over each MQTT client built in", () => LinkRatio.Run(results)),
    ("drivers", "GPIO and I2C through each set of drivers built in", () => DriverRatio.Run(results)),
];

// The privacy parts run by themselves: bench privacy.
(string Letter, string Title, Action Run)[] privacyParts =
[
    ("diff", "difference of two policies", () => PolicyDiffBench.Run(results)),
    ("decide", "one decision of the shipped policy", () => DecisionBench.Run(results)),
    ("gate", "what the gate adds to a reading, through gate and spool", () => GateCost.Run(results)),
    ("erasure", "erasing one function", () => ErasureBench.Run(results)),
];

// So do those on the virtual board: bench devices. One boot for all but the photograph.
Environment.SetEnvironmentVariable("FIELDAGENT_OUT", Path.GetDirectoryName(Path.GetFullPath(agent)));
var board = new Lazy<BenchBoard>();
(string Letter, string Title, Action Run)[] deviceParts =
[
    ("gpio", "GPIO edges on the virtual board", () => DeviceBench.Edges(results, board.Value)),
    ("i2c", "I2C reads on the virtual board", () => DeviceBench.I2cReads(results, board.Value)),
    ("iio", "buffered IIO samples on the virtual board", () => DeviceBench.IioSamples(results, board.Value)),
    ("cpu", "processor time of a sensor on the virtual board", () => SensorCost.Run(results, board.Value)),
    ("photo", "a photograph on the virtual board", () => PhotoBench.Run(results)),
];
try
{
    foreach (var (letter, title, run) in args.Contains("privacy") ? privacyParts : args.Contains("devices") ? deviceParts : parts)
    {
        if (only is null || only.Contains(letter))
        {
            results.Section(title);
            try
            {
                run();
            }
            catch (Exception e) when (e.Message.StartsWith(DynamicSkip, StringComparison.Ordinal))
            {
                results.Skipped(title, e.Message[DynamicSkip.Length..]);
            }
        }
    }
}
finally
{
    if (board.IsValueCreated)
    {
        board.Value.Dispose();
    }
}

return 0;

string? Value(string name) => Array.IndexOf(args, name) is >= 0 and var i && i + 1 < args.Length ? args[i + 1] : null;
