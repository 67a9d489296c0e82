using FieldAgent.Core;
using FieldAgent.Core.Configuration;
using FieldAgent.Simulation;
using Xunit;

namespace FieldAgent.Testing;

/// <summary>A row that a sensor left; absent values are null.</summary>
public sealed record RecordedRow(StreamSet Set, long BootNs, double?[] Values)
{
    public double? this[string stream] => Values[Set.Streams.Select(s => s.Name).ToList().IndexOf(stream)];
}

/// <summary>What a sensor sees of the agent, for tests: keeps its rows, pictures, skips and texts. Thread-safe.</summary>
public sealed class RecordingHost(IClock? clock = null, int rowsMax = 100_000) : ISensorHost, IDisposable
{
    private readonly Lock _lock = new();
    private readonly FlushSignal _due = new(int.MaxValue);
    private readonly List<SampleWriter> _writers = [];
    private readonly List<RecordedRow> _rows = [];
    private readonly List<RawImage> _images = [];
    private readonly List<RawFact> _facts = [];
    private readonly SortedDictionary<string, long> _skips = new(StringComparer.Ordinal);
    private readonly Queue<string?> _triggers = new();
    private CancellationTokenSource _triggered = new();

    /// <summary>Runs a sensor without the time that it waits between readings, and measures its thread.</summary>
    /// <param name="sensor">Must wait more often than <paramref name="until"/>.</param>
    /// <param name="warm">Number of the wait at which counting begins.</param>
    /// <param name="until">Number of the wait at which it ends, and the sensor is stopped.</param>
    /// <returns>Bytes allocated in between.</returns>
    public static long BytesAllocated(ISensor sensor, long warm, long until)
    {
        using var stop = new CancellationTokenSource();
        long before = -1, after = -1;
        RecordingHost? host = null;
        using var made = host = new RecordingHost(new LeapingClock(clock =>
        {
            host!.DropRows();
            if (clock.Waits == warm)
            {
                before = GC.GetAllocatedBytesForCurrentThread();
            }
            else if (clock.Waits == until)
            {
                after = GC.GetAllocatedBytesForCurrentThread();
                stop.Cancel();
            }
        }));
        sensor.Run(host, stop.Token);
        Assert.True(before >= 0 && after >= 0, "the sensor ended before it could be measured");
        return after - before;
    }

    public IClock Clock { get; } = clock ?? new SimulatedClock();

    public ISensorMemory Memory { get; init; } = new SensorMemory().Of("sensor");

    /// <summary>The clock, when the test drives it.</summary>
    public SimulatedClock Time => (SimulatedClock)Clock;

    public string Description { get; private set; } = "";

    /// <summary>How often the sensor described itself: each time is a sign of life.</summary>
    public int Described { get; private set; }

    /// <summary>How often the sensor began to wait for a shot.</summary>
    public int TriggerWaits { get; private set; }

    public IReadOnlyList<StreamSet> Sets
    {
        get
        {
            lock (_lock)
            {
                return [.. _writers.Select(w => w.Set)];
            }
        }
    }

    /// <summary>All rows so far, set by set in the order of their taking.</summary>
    public IReadOnlyList<RecordedRow> Rows
    {
        get
        {
            lock (_lock)
            {
                foreach (var writer in _writers)
                {
                    Record(writer.Set, writer.Take().Columns);
                }

                return [.. _rows];
            }
        }
    }

    public IReadOnlyList<RawImage> Images
    {
        get
        {
            lock (_lock)
            {
                return [.. _images];
            }
        }
    }

    public IReadOnlyList<RawFact> Facts
    {
        get
        {
            lock (_lock)
            {
                return [.. _facts];
            }
        }
    }

    public IReadOnlyDictionary<string, long> Skips
    {
        get
        {
            lock (_lock)
            {
                return new SortedDictionary<string, long>(_skips, StringComparer.Ordinal);
            }
        }
    }

    /// <summary>Builds a sensor from the JSON of its options; fails the test when they are wrong.</summary>
    public static ISensor Create(ISensorKind kind, string options, string root = "/", string name = "sensor", string? baseDirectory = null)
    {
        var errors = new ConfigErrors();
        var sensor = Create(kind, options, errors, root, name, baseDirectory);
        Assert.True(errors.IsEmpty, string.Join('\n', errors.All));
        return sensor;
    }

    /// <summary>Builds a sensor from the JSON of its options; what is wrong with them goes to <paramref name="errors"/>.</summary>
    public static ISensor Create(
        ISensorKind kind, string options, ConfigErrors errors, string root = "/", string name = "sensor", string? baseDirectory = null)
    {
        var node = ConfigNode.Parse(System.Text.Encoding.UTF8.GetBytes(options), errors);
        Assert.NotNull(node);
        return kind.Create(new SensorSetup(name, kind.Shape.Bind(node, errors), root, baseDirectory ?? root));
    }

    /// <summary>Runs <paramref name="sensor"/> on a thread of its own until the result is disposed.</summary>
    public SensorRun Start(ISensor sensor) => new(this, sensor);

    /// <summary>Asks the sensor for a shot.</summary>
    public void Trigger(string? requestId)
    {
        lock (_lock)
        {
            _triggers.Enqueue(requestId);
            _triggered.Cancel();
        }
    }

    /// <summary>Forgets the rows without looking at them; does not allocate.</summary>
    public void DropRows()
    {
        lock (_lock)
        {
            foreach (var writer in _writers)
            {
                writer.Take();
            }
        }
    }

    public SampleWriter Declare(StreamSet set)
    {
        lock (_lock)
        {
            var writer = _writers.Find(w => w.Set.Fingerprint == set.Fingerprint);
            if (writer is null)
            {
                writer = new SampleWriter(set, _due, rowsMax);
                _writers.Add(writer);
            }

            return writer;
        }
    }

    public void Deliver(RawImage image)
    {
        lock (_lock)
        {
            _images.Add(image);
        }
    }

    public void Tell(RawFact fact)
    {
        lock (_lock)
        {
            _facts.Add(fact);
        }
    }

    public bool WaitForTrigger(long untilBootNs, CancellationToken stop, out string? requestId)
    {
        TriggerWaits++;
        while (!stop.IsCancellationRequested)
        {
            CancellationToken triggered;
            lock (_lock)
            {
                if (_triggers.TryDequeue(out requestId))
                {
                    return true;
                }

                if (_triggered.IsCancellationRequested)
                {
                    _triggered = new CancellationTokenSource();
                }

                triggered = _triggered.Token;
            }

            using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, triggered);
            if (Clock.WaitUntil(untilBootNs, either.Token))
            {
                break;
            }
        }

        requestId = null;
        return false;
    }

    public void Skipped(string reason, long count = 1)
    {
        lock (_lock)
        {
            _skips[reason] = _skips.GetValueOrDefault(reason) + count;
        }
    }

    public void Describe(string text)
    {
        Description = text;
        Described++;
    }

    public void Dispose()
    {
        _due.Dispose();
        _triggered.Dispose();
    }

    private void Record(StreamSet set, RowColumns columns)
    {
        for (var row = 0; row < columns.Count; row++)
        {
            var values = new double?[columns.Width];
            for (var i = 0; i < values.Length; i++)
            {
                values[i] = (columns.Present[row] & (1UL << i)) != 0 ? columns.Values(i)[row] : null;
            }

            _rows.Add(new RecordedRow(set, columns.BootNs[row], values));
        }
    }
}

/// <summary>A sensor that runs on a thread of its own.</summary>
public sealed class SensorRun : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Thread _thread;

    internal SensorRun(ISensorHost host, ISensor sensor)
    {
        _thread = new Thread(() =>
        {
            try
            {
                sensor.Run(host, _stop.Token);
            }
            catch (Exception e)
            {
                Failure = e;
            }
        })
        { IsBackground = true };
        _thread.Start();
    }

    /// <summary>What the sensor threw, or null.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>True when the sensor has returned or thrown.</summary>
    public bool IsOver => !_thread.IsAlive;

    /// <summary>Waits until the sensor has ended by itself.</summary>
    public void Join() => Eventually.True(() => IsOver, "the sensor ends");

    public void Dispose()
    {
        _stop.Cancel();
        Eventually.True(() => IsOver, "the sensor ends after it was asked to");
        _stop.Dispose();
    }
}

/// <summary>A clock that jumps to whatever is waited for: runs a sensor through hours on the test's own thread, without other threads and
/// without allocation.</summary>
public sealed class LeapingClock(Action<LeapingClock>? onWait = null) : IClock
{
    public Guid BootId { get; } = new("5eed5eed-0000-4000-8000-000000000002");

    public long BootNs { get; set; } = 1_000_000_000;

    public ClockQuality Quality => ClockQuality.Ntp;

    public long WallOffsetNs => 1_767_225_600_000_000_000;

    /// <summary>Number of waits so far.</summary>
    public long Waits { get; private set; }

    public void Offer(ClockQuality source, long unixNs, long bootNs)
    {
    }

    public bool WaitUntil(long bootNs, CancellationToken stop)
    {
        BootNs = Math.Max(BootNs, bootNs);
        Waits++;
        onWait?.Invoke(this);
        return !stop.IsCancellationRequested;
    }
}
