using FieldAgent.Agent.Collect;
using FieldAgent.Core;
using Microsoft.Extensions.Logging;

namespace FieldAgent.Agent;

/// <summary>How far storing has come.</summary>
/// <param name="Readings">Readings made durable since the start.</param>
/// <param name="Blocks">Blocks made durable since the start.</param>
/// <param name="Images">Pictures made durable since the start.</param>
/// <param name="Trouble">Why something cannot be stored at the moment, or empty.</param>
internal sealed record PipelineProgress(long Readings, long Blocks, long Images, string Trouble);

/// <summary>The one way through the house: collect → admit → tag → store; the couriers deliver what is stored.
/// One thread runs it; sensors and couriers have threads of their own.</summary>
internal sealed partial class Pipeline(
    Collector collector, IGate gate, ISpool spool, FlushSignal due, TimeSpan flushInterval, Counters counters, ILogger<Pipeline> log)
{
    // Held from the gate's answer until the spool has what it let in.
    private readonly Lock _admitting = new();
    private bool _storing = true;
    private long _cycles;
    private volatile PipelineProgress _progress = new(0, 0, 0, "");

    // A picture that the disk refuses waits here; the next stay with their cameras.
    private RawImage? _image;

    /// <summary>Cycles completed: what shows from outside that the pipeline lives. Any thread.</summary>
    public long Cycles => Volatile.Read(ref _cycles);

    /// <summary>What was made durable since the start, and why nothing can be at the moment: all of it as one flush left it. Any thread.</summary>
    public PipelineProgress Progress => _progress;

    /// <summary>Pictures that the disk refused and that wait here. Any thread.</summary>
    public int ImagesRefused => Volatile.Read(ref _image) is null ? 0 : 1;

    /// <summary>Flushes every interval, or when enough has gathered or something is urgent, until <paramref name="stop"/>;
    /// then once more.</summary>
    public void Run(CancellationToken stop)
    {
        WaitHandle[] wakes = [stop.WaitHandle, due.Due];
        gate.Changed += GateChanged;
        try
        {
            while (!stop.IsCancellationRequested)
            {
                // After a failed flush the signal stays up: wait for the interval, not in a hot loop.
                _ = _storing ? WaitHandle.WaitAny(wakes, flushInterval) : WaitHandle.WaitAny([stop.WaitHandle], flushInterval);
                Cycle();
            }
        }
        finally
        {
            gate.Changed -= GateChanged;
        }
    }

    /// <summary>Takes what has gathered and makes it durable.</summary>
    /// <exception cref="StoreFault">The store is beyond repair by waiting; the agent must start anew.</exception>
    public void Cycle()
    {
        due.Reset();
        collector.Watch();
        gate.Watch();
        foreach (var writer in collector.Writers)
        {
            var rows = writer.Take();                 // collect
            if (rows.Columns.Count > 0)
            {
                lock (_admitting)
                {
                    gate.Admit(rows, spool);          // admit: the gate hands on what is allowed, as coarse as it must be
                }

                Forget(rows);
            }
        }

        var refused = StoreImages();
        Store(refused);                               // tag and store: numbered, stamped, sealed, one transaction
        Volatile.Write(ref _cycles, _cycles + 1);
    }

    // Why a picture cannot be stored at the moment, or empty. The gate is asked anew each time.
    private string StoreImages()
    {
        while (_image is not null || collector.TryTakeImage(out _image))
        {
            try
            {
                lock (_admitting)
                {
                    if (gate.Admit(_image, out var image).IsPermitted)
                    {
                        spool.Add(image!);
                    }
                }
            }
            catch (StoreFault fault) when (fault.Kind == StoreFaultKind.TooLarge)
            {
                counters.Add("dropped.image-too-large");
                LogImageTooLarge(fault.Message);
            }
            catch (StoreFault fault)
            {
                return fault.Message;
            }

            _image = null;
        }

        return "";
    }

    private void Store(string refused)
    {
        try
        {
            var stored = spool.Flush();
            if (_progress.Readings == 0 && stored.Readings > 0)
            {
                LogFirstStored(stored.Readings);
            }

            if (!_storing)
            {
                LogStoringAgain();
            }

            _storing = true;
            Note(stored, refused);
        }
        catch (StoreFault fault) when (fault.Retry)
        {
            counters.Add("store.failed-flushes");
            if (_storing)
            {
                LogCannotStore(fault.Message);
            }

            _storing = false;
            _progress = _progress with { Trouble = fault.Message };
        }
    }

    // Waits for what was let in before the change: when this returns the spool has it, and an erasure that follows finds it there.
    private void GateChanged()
    {
        lock (_admitting)
        {
        }
    }

    // Readings are stored; of a picture that is not, it is said once.
    private void Note(in FlushOutcome stored, string refused)
    {
        var before = _progress;
        _progress = new PipelineProgress(before.Readings + stored.Readings, before.Blocks + stored.Blocks, before.Images + stored.Images, refused);
        if (refused.Length > 0 && before.Trouble != refused)
        {
            LogCannotStoreImage(refused);
        }
    }

    private static void Forget(RawRows rows) =>
        rows.Columns.Clear(wipe: !rows.Set.Field.StartsWith("instrument.", StringComparison.Ordinal));

    [LoggerMessage(Level = LogLevel.Information, Message = "First readings stored: {Readings}")]
    private partial void LogFirstStored(long readings);

    [LoggerMessage(Level = LogLevel.Error, Message = "Nothing can be stored: {Why}. Readings are kept in memory, and stored as soon as that is possible.")]
    private partial void LogCannotStore(string why);

    [LoggerMessage(Level = LogLevel.Error, Message = "A picture cannot be stored: {Why}. It is kept in memory, and stored as soon as that is possible.")]
    private partial void LogCannotStoreImage(string why);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A picture was given up: {Why}.")]
    private partial void LogImageTooLarge(string why);

    [LoggerMessage(Level = LogLevel.Information, Message = "Storing again.")]
    private partial void LogStoringAgain();
}
