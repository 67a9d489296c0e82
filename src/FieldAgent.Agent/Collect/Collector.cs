using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using FieldAgent.Agent.Configuration;
using FieldAgent.Core;
using FieldAgent.Devices;
using Microsoft.Extensions.Logging;

namespace FieldAgent.Agent.Collect;

/// <summary>Opens exactly the sensors that a function needs at this moment, and closes the others. Thread-safe.</summary>
internal sealed partial class Collector : IDisposable
{
    /// <summary>Pictures that wait for the gate; a camera that is faster waits.</summary>
    private const int ImagesMax = 4;

    private readonly Lock _planning = new();
    private readonly IGate _gate;
    private readonly Counters _counters;
    private readonly ILogger<Collector> _log;
    private readonly BlockingCollection<RawImage> _images = new(ImagesMax);
    private readonly FlushSignal _due;
    private readonly List<Entry> _sensors;
    private bool _running;

    public Collector(
        IReadOnlyList<ConfiguredSensor> sensors, IGate gate, IClock clock, FlushSignal due, int rowsMax, Counters counters,
        ILoggerFactory logs, SensorMemory? memory = null, Action<RawFact>? tell = null)
    {
        _gate = gate;
        _due = due;
        _counters = counters;
        _log = logs.CreateLogger<Collector>();
        _sensors = [.. sensors.Select(s => new Entry(s, new SensorSupervisor(
            s.Sensor, s.Kind, clock, due, rowsMax, Deliver, counters, logs.CreateLogger($"sensor.{s.Name}"),
            memory: memory?.Of(s.Name), tell: tell)))];
    }

    /// <summary>Where the open sensors leave their rows.</summary>
    public IEnumerable<SampleWriter> Writers
    {
        get
        {
            foreach (var entry in _sensors)
            {
                foreach (var writer in entry.Supervisor.Writers)
                {
                    yield return writer;
                }
            }
        }
    }

    /// <summary>True when at least one sensor is open.</summary>
    public bool HasOpenSensors
    {
        get
        {
            lock (_planning)
            {
                return _sensors.Exists(static s => s.IsOpen);
            }
        }
    }

    /// <summary>State of every sensor.</summary>
    public IReadOnlyList<SensorStatus> Status => [.. _sensors.Select(static s => s.Supervisor.Status is { State: SensorState.Closed } closed && s.WhyForNow.Length > 0
        ? closed with { Detail = s.WhyForNow } : s.Supervisor.Status)];

    /// <summary>Begins collecting, and follows the gate from now on.</summary>
    public void Start()
    {
        _running = true;
        _gate.Changed += Plan;
        Plan();
    }

    /// <summary>Ends collecting; what was sampled stays for the last flush.</summary>
    public void Stop()
    {
        _gate.Changed -= Plan;
        lock (_planning)
        {
            _running = false;
            Parallel.ForEach(_sensors.Where(static s => s.IsOpen), static s => s.Supervisor.Stop(forget: false));
        }
    }

    /// <summary>Takes a picture that a camera left.</summary>
    public bool TryTakeImage([NotNullWhen(true)] out RawImage? image) => _images.TryTake(out image);

    /// <summary>Looks whether every sensor still gives signs of life; cheap, to be called with every flush.</summary>
    public void Watch()
    {
        foreach (var entry in _sensors)
        {
            entry.Supervisor.Watch();
        }
    }

    /// <summary>Asks the cameras for a shot.</summary>
    /// <returns>The number of cameras that will take one; 0 when none is open.</returns>
    public int Trigger(string? sensor, string requestId)
    {
        var asked = 0;
        foreach (var entry in _sensors)
        {
            if (entry.IsOpen && entry.Configured.Sensor.OpensFor.Any(static f => f.StartsWith("image.", StringComparison.Ordinal))
                && (sensor is null || entry.Configured.Name == sensor) && entry.Supervisor.Trigger(requestId))
            {
                asked++;
            }
        }

        return asked;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var entry in _sensors)
        {
            entry.Supervisor.Dispose();
        }

        _images.Dispose();
    }

    private void Deliver(RawImage image)
    {
        if (_images.TryAdd(image, TimeSpan.FromSeconds(30)))
        {
            _due.Raise();
        }
        else
        {
            _counters.Add("dropped.image-queue-full");
        }
    }

    private void Plan()
    {
        lock (_planning)
        {
            foreach (var entry in _sensors)
            {
                var decision = Decide(entry.Configured.Sensor);
                var wanted = _running && decision.IsPermitted;
                entry.WhyForNow = WhyForNow(decision.Reason);
                if (wanted && !entry.IsOpen)
                {
                    entry.IsOpen = true;
                    entry.Supervisor.Start();
                }
                else if (!wanted && entry.IsOpen)
                {
                    // What waits for the gate was taken while that was permitted: only a permission that has ended takes it back.
                    entry.IsOpen = false;
                    entry.Supervisor.Stop(forget: !decision.Keeps);
                    LogClosed(entry.Configured.Name, entry.WhyForNow.Length > 0 ? entry.WhyForNow : "consent was withdrawn");
                }
                else if (!wanted && !entry.SaidClosed)
                {
                    entry.SaidClosed = true;
                    if (entry.WhyForNow.Length > 0)
                    {
                        LogClosed(entry.Configured.Name, entry.WhyForNow);
                    }
                    else
                    {
                        LogNotOpened(entry.Configured.Name, entry.Fields);
                    }
                }
            }
        }
    }

    private Decision Decide(ISensor sensor)
    {
        var best = Decision.Deny(DenyReason.NoRule);
        foreach (var field in sensor.OpensFor)
        {
            var decision = _gate.BestFor(field);
            best = decision.IsPermitted || (decision.Keeps && !best.Keeps) ? decision : best;
        }

        foreach (var need in sensor.AlsoNeeds)
        {
            var decision = _gate.Decide(Stage.Collect, need.Function, need.Field);
            best = best.IsPermitted ? decision : best;
        }

        return best;
    }

    private static string WhyForNow(DenyReason reason) => reason switch
    {
        DenyReason.Paused => "paused: the consent switch at the board cannot be read",
        DenyReason.Restricted => "frozen: 'fieldagent privacy unrestrict' ends that",
        DenyReason.Suspended => "suspended: the policy changed, see 'fieldagent policy changes'",
        DenyReason.NotYetInForce => "the policy is not in force yet, see 'fieldagent policy show'",
        DenyReason.ClockUntrusted => "its permission is for a limited time, and nobody has set the clock since the boot",
        _ => "",
    };

    [LoggerMessage(Level = LogLevel.Information, Message = "{Sensor} stays closed: no function that is on uses {Fields}. See 'fieldagent consent show'.")]
    private partial void LogNotOpened(string sensor, string fields);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Sensor} closed: {Why}.")]
    private partial void LogClosed(string sensor, string why);

    private sealed class Entry(ConfiguredSensor configured, SensorSupervisor supervisor)
    {
        public ConfiguredSensor Configured { get; } = configured;

        public SensorSupervisor Supervisor { get; } = supervisor;

        public string Fields { get; } = string.Join(", ", configured.Sensor.OpensFor);

        public bool IsOpen { get; set; }

        /// <summary>Why it is refused for now alone; empty when it is permitted, or not granted at all.</summary>
        public string WhyForNow { get; set; } = "";

        public bool SaidClosed { get; set; }
    }
}
