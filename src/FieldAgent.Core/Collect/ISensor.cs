using FieldAgent.Core.Configuration;

namespace FieldAgent.Core;

/// <summary>Why a sensor cannot deliver.</summary>
public enum SensorFaultKind
{
    /// <summary>The device node, file or address does not exist (yet). Quiet; retried.</summary>
    Absent,

    /// <summary>The system refuses access (EACCES, EPERM). Quiet; retried slowly; the remedy is a group or a udev rule.</summary>
    Refused,

    /// <summary>Another program holds the device.</summary>
    Busy,

    /// <summary>No answer in time.</summary>
    Timeout,

    /// <summary>An answer that makes no sense.</summary>
    Malformed,

    /// <summary>Any other fault of the device or its bus.</summary>
    Io,
}

/// <summary>A fault of a sensor's surroundings. The supervisor counts it, says it once, and retries with backoff.</summary>
/// <param name="kind">What is wrong.</param>
/// <param name="place">The place as a technician names it: a path, a bus and address, a host and port.</param>
/// <param name="remedy">What to do, in one sentence.</param>
/// <param name="inner">The cause.</param>
public sealed class SensorFault(SensorFaultKind kind, string place, string remedy, Exception? inner = null)
    : Exception($"{place}: {kind.ToString().ToLowerInvariant()}. {remedy}", inner)
{
    /// <summary>What is wrong.</summary>
    public SensorFaultKind Kind { get; } = kind;

    /// <summary>The place as a technician names it.</summary>
    public string Place { get; } = place;

    /// <summary>What to do, in one sentence.</summary>
    public string Remedy { get; } = remedy;
}

/// <summary>What the agent offers a running sensor. Called from the sensor's own thread only.</summary>
public interface ISensorHost
{
    /// <summary>The agent's clock.</summary>
    IClock Clock { get; }

    /// <summary>What the sensor keeps over restarts.</summary>
    ISensorMemory Memory { get; }

    /// <summary>Declares streams and returns where their rows go. Declaring the same set again returns the same writer.</summary>
    SampleWriter Declare(StreamSet set);

    /// <summary>Hands over a picture.</summary>
    void Deliver(RawImage image);

    /// <summary>Hands over a text, such as a code that was read. Does not block; when too many wait, it is counted and dropped.</summary>
    void Tell(RawFact fact);

    /// <summary>Waits for the next shot that the schedule or a command asks for.</summary>
    /// <returns>False when <paramref name="untilBootNs"/> came or the sensor shall stop; true with the id of the command
    /// that asked (null when none did).</returns>
    bool WaitForTrigger(long untilBootNs, CancellationToken stop, out string? requestId);

    /// <summary>Counts something that was skipped, by a short fixed reason: <c>checksum</c>, <c>overlong</c>.</summary>
    void Skipped(string reason, long count = 1);

    /// <summary>A short text for <c>status</c>: <c>3D fix, 9 satellites</c>. Never holds a position or an identifier.</summary>
    void Describe(string text);
}

/// <summary>One configured sensor. Its constructor touches no device: that is what the gate relies on.</summary>
public interface ISensor
{
    /// <summary>The name from the configuration.</summary>
    string Name { get; }

    /// <summary>Fields of which at least one must be permitted for the sensor to be opened at all.</summary>
    IReadOnlyList<string> OpensFor { get; }

    /// <summary>What must be permitted besides, all of it, for the sensor to be opened: the picture that a code is read from.</summary>
    IReadOnlyList<(string Function, string Field)> AlsoNeeds => [];

    /// <summary>GPIO lines that it takes for itself while it is open, so that a configuration cannot give one line away twice.</summary>
    IReadOnlyList<BoardLine> Lines => [];

    /// <summary>Longest time that one call to its device may take before the sensor itself gives up, by its own time-outs: of a shot, of a request.
    /// It is not called stalled earlier. Zero: its calls are short.</summary>
    TimeSpan CallLimit => TimeSpan.Zero;

    /// <summary>Opens the device, samples until <paramref name="stop"/>, and closes it. Runs on a thread of its own and may block.</summary>
    /// <exception cref="SensorFault">The device is absent, refused or broken; the supervisor retries with backoff.</exception>
    void Run(ISensorHost host, CancellationToken stop);
}

/// <summary>What a sensor kind gets to build a sensor from.</summary>
/// <param name="Name">The sensor's name in the configuration.</param>
/// <param name="Options">Its options, checked against the kind's shape.</param>
/// <param name="Root">Prefix of every device path: <c>/</c> on a board, a folder in a test.</param>
/// <param name="BaseDirectory">Folder that relative file names are relative to: the configuration file's.</param>
public sealed record SensorSetup(string Name, ConfigSection Options, string Root, string BaseDirectory)
{
    /// <summary>The agent's own folder in /run, for sockets; the root prefix's when not given.</summary>
    public string RuntimeDirectory { get; init; } = Root;

    /// <summary>The lamp that is lit while a camera is open; null on a board without one.</summary>
    public IIndicator? Indicator { get; init; }

    /// <summary>An absolute device path (<c>/sys/bus/iio/devices</c>) under the root prefix.</summary>
    public string DevicePath(string absolute) => Root is "/" or "" ? absolute : Path.Join(Root, absolute);

    /// <summary>A file named in the configuration, relative to it.</summary>
    public string FilePath(string path) => Path.GetFullPath(path, BaseDirectory);
}

/// <summary>A kind of sensor: one folder of code and one line in the catalogue.</summary>
public interface ISensorKind
{
    /// <summary>The word in the configuration: <c>"kind": "iio"</c>.</summary>
    string Kind { get; }

    /// <summary>The options of this kind, for checking, documentation and the published JSON Schema.</summary>
    ConfigShape Shape { get; }

    /// <summary>Builds a sensor; must not open anything. May add errors to <c>setup.Options.Errors</c> for what the shape
    /// cannot express.</summary>
    ISensor Create(SensorSetup setup);

    /// <summary>Debian packages that a sensor with these options needs besides the agent: none, unless a kind says so. Touches nothing.</summary>
    IReadOnlyList<string> PackagesFor(ConfigSection options) => [];
}
