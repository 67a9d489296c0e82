using FieldAgent.Core;
using FieldAgent.Simulation;
using Microsoft.Extensions.Logging;

namespace FieldAgent.Store.Tests;

/// <summary>A store in a folder of its own, with rows to put in and a reader to get them out.</summary>
internal sealed class Bench : IDisposable
{
    private readonly TempFolder? _own;
    private long _row;

    public Bench(Func<StoreOptions, StoreOptions>? configure = null, string? directory = null, SimulatedClock? clock = null)
    {
        _own = directory is null ? new TempFolder() : null;
        Clock = clock ?? new SimulatedClock();
        Options = new StoreOptions { Directory = directory ?? _own!.File("state"), Recipients = ["vendor"], FreeBytesMin = 0 };
        Options = configure?.Invoke(Options) ?? Options;
        Store = StateStore.Open(Options, Clock, Counters, Log);
    }

    public StoreOptions Options { get; set; }

    public SimulatedClock Clock { get; set; }

    public Counters Counters { get; } = new();

    public ListLogger Log { get; } = new();

    public StateStore Store { get; private set; }

    public ISpool Spool => Store.Spool;

    public static StreamSet Set(string name = "board", string field = "instrument.measurement", Importance importance = Importance.Normal) =>
        new(name, field, [new StreamInfo("a", "Cel", 0.01), new StreamInfo("b", "Pa", 1)], 1_000_000_000, importance: importance);

    /// <summary>Closes the store and opens it again, as a restart would.</summary>
    public void Reopen(Func<StoreOptions, StoreOptions>? configure = null)
    {
        Store.Dispose();
        Options = configure?.Invoke(Options) ?? Options;
        Store = StateStore.Open(Options, Clock, Counters, Log);
    }

    /// <summary>Takes rows with two readings each; values are the row's number.</summary>
    public void Take(StreamSet set, int rows, Permit? permit = null)
    {
        var columns = new RowColumns(2);
        for (var i = 0; i < rows; i++)
        {
            _row++;
            columns.Append(_row * 1_000_000_000, [_row * 0.01, _row], 3);
        }

        Spool.Take(Admit.Rows(set, columns, permit));
    }

    /// <summary>Takes and flushes blocks of so many rows.</summary>
    public void Fill(StreamSet set, int blocks, int rows = 5, Permit? permit = null)
    {
        for (var i = 0; i < blocks; i++)
        {
            Take(set, rows, permit);
            Spool.Flush();
        }
    }

    /// <summary>Everything a recipient would get now, in order.</summary>
    public List<Got> ReadAll(string recipient = "vendor", bool acknowledge = false)
    {
        using var reader = Spool.OpenReader(recipient);
        return ReadAll(reader, acknowledge);
    }

    public static List<Got> ReadAll(ISpoolReader reader, bool acknowledge = false)
    {
        var all = new List<Got>();
        var item = new SpoolItem();
        while (reader.TryRead(item))
        {
            all.Add(Got.From(item));
            if (acknowledge)
            {
                reader.Acknowledge(item.Id);
            }
        }

        return all;
    }

    public void Dispose()
    {
        Store.Dispose();
        _own?.Dispose();
    }
}

/// <summary>A copy of what a reader handed out.</summary>
internal sealed record Got(
    SpoolItemKind Kind, long Id, long Sequence, string Function, string Field, long Readings, bool Backlog, long WallOffsetNs,
    ClockQuality Quality, SpoolGap? Gap, SpoolImage? Image, double[] First)
{
    public static Got From(SpoolItem item) =>
        new(item.Kind, item.Id, item.Sequence, item.Function, item.Field, item.Readings, item.Backlog, item.WallOffsetNs, item.Quality,
            item.Gap, item.Image, item.Sets.Count == 0 ? [] : item.Sets[0].Columns.Values(0).ToArray());
}

/// <summary>Keeps what was logged.</summary>
internal sealed class ListLogger : ILogger
{
    private readonly Lock _lock = new();
    private readonly List<string> _lines = [];

    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_lock)
            {
                return [.. _lines];
            }
        }
    }

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (_lock)
        {
            _lines.Add(formatter(state, exception));
        }
    }
}
