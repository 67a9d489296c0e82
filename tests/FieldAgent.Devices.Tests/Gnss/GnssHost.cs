using FieldAgent.Core;
using FieldAgent.Core.Configuration;
using FieldAgent.Devices.Gnss;

namespace FieldAgent.Devices.Tests.Gnss;

/// <summary>One row as the sensor wrote it; absent values are null.</summary>
internal sealed record Row(long BootNs, double?[] Values);

/// <summary>Runs a GNSS sensor on a thread and keeps what it says.</summary>
internal sealed class GnssHost : ISensorHost, IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, SampleWriter> _writers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<Row>> _rows = new(StringComparer.Ordinal);
    private readonly FlushSignal _signal = new(int.MaxValue);
    private CancellationTokenSource _stop = new();
    private Thread? _thread;

    public StepClock StepClock { get; } = new();

    public ISensorMemory Memory { get; } = new SensorMemory().Of("gnss");

    public IClock Clock => StepClock;

    public Counters Counters { get; } = new();

    public string Text { get; private set; } = "";

    /// <summary>What ended the last run; null when it was stopped.</summary>
    public Exception? Fault { get; private set; }

    public static ISensor Sensor(string options, string baseDirectory = "/")
    {
        var (sensor, errors) = Create(options, baseDirectory);
        Assert.Empty(errors.All);
        return sensor;
    }

    public static (ISensor Sensor, ConfigErrors Errors) Create(string options, string baseDirectory = "/")
    {
        var errors = new ConfigErrors();
        var kind = new GnssKind();
        var section = kind.Shape.Bind(ConfigNode.Parse(System.Text.Encoding.UTF8.GetBytes(options), errors)!, errors);
        return (kind.Create(new SensorSetup("gnss", section, "/", baseDirectory)), errors);
    }

    public void Start(ISensor sensor)
    {
        _stop = new CancellationTokenSource();
        Fault = null;
        _thread = new Thread(() =>
        {
            try
            {
                sensor.Run(this, _stop.Token);
            }
            catch (Exception e)
            {
                Fault = e;
            }
        });
        _thread.Start();
    }

    /// <summary>Waits for a run that ends by itself, and returns its fault.</summary>
    public SensorFault Ended()
    {
        Assert.True(_thread!.Join(TimeSpan.FromSeconds(30)), "the sensor still runs");
        return Assert.IsType<SensorFault>(Fault);
    }

    public void Stop()
    {
        _stop.Cancel();
        Assert.True(_thread is null || _thread.Join(TimeSpan.FromSeconds(30)), "the sensor does not stop");
        Assert.Null(Fault);
    }

    public IReadOnlyList<Row> Rows(string set)
    {
        lock (_lock)
        {
            if (_writers.TryGetValue(set, out var writer))
            {
                var columns = writer.Take().Columns;
                for (var row = 0; row < columns.Count; row++)
                {
                    var present = columns.Present[row];
                    var at = row;
                    _rows[set].Add(new Row(columns.BootNs[row], [.. Enumerable.Range(0, columns.Width)
                        .Select(i => (present >> i & 1) == 1 ? columns.Values(i)[at] : (double?)null)]));
                }

                return [.. _rows[set]];
            }

            return [];
        }
    }

    public SampleWriter Declare(StreamSet set)
    {
        lock (_lock)
        {
            if (!_writers.TryGetValue(set.Name, out var writer))
            {
                _writers[set.Name] = writer = new SampleWriter(set, _signal, 100_000);
                _rows[set.Name] = [];
            }

            Assert.Equal(set.Fingerprint, writer.Set.Fingerprint);
            return writer;
        }
    }

    public void Tell(RawFact fact) => throw new NotSupportedException();

    public void Deliver(RawImage image) => throw new InvalidOperationException("no pictures here");

    public bool WaitForTrigger(long untilBootNs, CancellationToken stop, out string? requestId) =>
        throw new InvalidOperationException("no triggers here");

    public void Skipped(string reason, long count = 1) => Counters.Add(reason, count);

    public void Describe(string text) => Text = text;

    public void Dispose()
    {
        _stop.Cancel();
        _thread?.Join(TimeSpan.FromSeconds(30));
        _stop.Dispose();
        foreach (var writer in _writers.Values)
        {
            writer.Dispose();
        }

        _signal.Dispose();
    }
}

/// <summary>A clock that jumps to whatever is waited for, and otherwise goes on only when told.</summary>
internal sealed class StepClock : IClock
{
    private long _bootNs = ClockExtensions.NsPerSecond;

    public Guid BootId => Guid.Empty;

    public long BootNs => Volatile.Read(ref _bootNs);

    public ClockQuality Quality => ClockQuality.Unsynced;

    /// <summary>The board's estimate; 1970 unless set.</summary>
    public long WallOffsetNs { get; set; }

    /// <summary>The newest offer, and how many came.</summary>
    public (ClockQuality Source, long UnixNs, long BootNs, int Count) Offered { get; private set; }

    public void Advance(TimeSpan span) => Interlocked.Add(ref _bootNs, span.ToNs());

    public void Offer(ClockQuality source, long unixNs, long bootNs) => Offered = (source, unixNs, bootNs, Offered.Count + 1);

    public bool WaitUntil(long bootNs, CancellationToken stop)
    {
        if (bootNs == long.MaxValue)
        {
            stop.WaitHandle.WaitOne();
        }
        else if (bootNs > BootNs)
        {
            Volatile.Write(ref _bootNs, bootNs);
        }

        return !stop.IsCancellationRequested;
    }
}
