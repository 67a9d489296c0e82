using FieldAgent.Core;
using FieldAgent.Simulation;
using Microsoft.Extensions.Logging;

namespace FieldAgent.Devices.Tests;

/// <summary>A sensor that does what the test says.</summary>
internal sealed class ScriptedSensor(Action<ISensorHost, CancellationToken> run, TimeSpan callLimit = default) : ISensor
{
    private int _runs;

    public string Name => "scripted";

    public TimeSpan CallLimit => callLimit;

    public int Runs => Volatile.Read(ref _runs);

    public IReadOnlyList<string> OpensFor => ["instrument.measurement"];

    public void Run(ISensorHost host, CancellationToken stop)
    {
        Interlocked.Increment(ref _runs);
        run(host, stop);
    }
}

/// <summary>A supervisor with everything around it.</summary>
internal sealed class Rig : IDisposable
{
    public static readonly StreamSet Set = new("scripted", "instrument.measurement", [new StreamInfo("a", "1")], 1_000_000_000);

    /// <summary>For sensors that hang on purpose.</summary>
    public static readonly SupervisionLimits Impatient = new() { StopLimit = TimeSpan.FromMilliseconds(100) };

    private readonly List<string> _log = [];

    public Rig(Action<ISensorHost, CancellationToken> run, SupervisionLimits? limits = null, int rowsMax = 1_000, TimeSpan callLimit = default)
    {
        Sensor = new ScriptedSensor(run, callLimit);
        Supervisor = new SensorSupervisor(
            Sensor, "scripted", Clock, Due, rowsMax, Images.Add, Counters, new ListLogger(_log),
            limits ?? new SupervisionLimits { StopLimit = TimeSpan.FromSeconds(30) });
    }

    public SimulatedClock Clock { get; } = new();

    public FlushSignal Due { get; } = new(int.MaxValue);

    public Counters Counters { get; } = new();

    public List<RawImage> Images { get; } = [];

    public ScriptedSensor Sensor { get; }

    public SensorSupervisor Supervisor { get; }

    public IReadOnlyList<string> Log
    {
        get
        {
            lock (_log)
            {
                return [.. _log];
            }
        }
    }

    /// <summary>A sensor that writes a row each second until it is asked to end.</summary>
    public static void Tick(ISensorHost host, CancellationToken stop)
    {
        // Each moment is fixed before the row that shows it: the test may let time pass as soon as it sees the row.
        var writer = host.Declare(Set);
        var now = host.Clock.BootNs;
        while (writer.Write(now, [1], stop) && host.Clock.WaitUntil(now + ClockExtensions.NsPerSecond, stop))
        {
            now += ClockExtensions.NsPerSecond;
        }
    }

    public void Is(SensorState state) =>
        Eventually.True(() => Supervisor.Status.State == state, $"{state} instead of {Supervisor.Status.State}: {Supervisor.Status.Detail}");

    public void Runs(int count) => Eventually.True(() => Sensor.Runs >= count, $"run {count} instead of {Sensor.Runs}");

    /// <summary>Waits until the supervisor waits for a retry, then lets that time pass.</summary>
    public double PassRetry()
    {
        Eventually.True(() => Supervisor.Status.RetryInSeconds > 0, "a retry is due");
        var seconds = Supervisor.Status.RetryInSeconds;
        Clock.Advance(TimeSpan.FromSeconds(seconds + 0.001));
        return seconds;
    }

    public void Dispose()
    {
        Supervisor.Dispose();
        Due.Dispose();
    }

    private sealed class ListLogger(List<string> lines) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (lines)
            {
                lines.Add($"{logLevel}: {formatter(state, exception)}");
            }
        }
    }
}
