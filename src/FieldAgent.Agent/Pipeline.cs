using FieldAgent.Agent.Collect;
using FieldAgent.Core;
using Microsoft.Extensions.Logging;

namespace FieldAgent.Agent;

/// <summary>The one way through the house: collect → admit → tag → store; the couriers deliver what is stored.
/// One thread runs it; sensors and couriers have threads of their own.</summary>
internal sealed partial class Pipeline(
    Collector collector, IGate gate, ISpool spool, FlushSignal due, TimeSpan flushInterval, Counters counters, ILogger<Pipeline> log)
{
    private bool _storing = true;
    private long _cycles;

    // A picture that the disk refuses waits here; the next stay with their cameras.
    private RawImage? _image;

    /// <summary>Cycles completed: what shows from outside that the pipeline lives. Any thread.</summary>
    public long Cycles => Volatile.Read(ref _cycles);

    /// <summary>Readings made durable since the start.</summary>
    public long ReadingsStored { get; private set; }

    /// <summary>Blocks made durable since the start.</summary>
    public long BlocksStored { get; private set; }

    /// <summary>Pictures made durable since the start.</summary>
    public long ImagesStored { get; private set; }

    /// <summary>Pictures that the disk refused and that wait here. Any thread.</summary>
    public int ImagesRefused => Volatile.Read(ref _image) is null ? 0 : 1;

    /// <summary>Why nothing can be stored at the moment, or empty.</summary>
    public string StoreTrouble { get; private set; } = "";

    /// <summary>Flushes every interval, or when enough has gathered or something is urgent, until <paramref name="stop"/>;
    /// then once more.</summary>
    public void Run(CancellationToken stop)
    {
        WaitHandle[] wakes = [stop.WaitHandle, due.Due];
        while (!stop.IsCancellationRequested)
        {
            // After a failed flush the signal stays up: wait for the interval, not in a hot loop.
            _ = _storing ? WaitHandle.WaitAny(wakes, flushInterval) : WaitHandle.WaitAny([stop.WaitHandle], flushInterval);
            Cycle();
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
                gate.Admit(rows, spool);              // admit: the gate hands on what is allowed, as coarse as it must be
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
                if (gate.Admit(_image, out var image).IsPermitted)
                {
                    spool.Add(image!);
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
            if (ReadingsStored == 0 && stored.Readings > 0)
            {
                LogFirstStored(stored.Readings);
            }

            ReadingsStored += stored.Readings;
            BlocksStored += stored.Blocks;
            ImagesStored += stored.Images;
            if (!_storing)
            {
                LogStoringAgain();
            }

            _storing = true;
            Note(refused);
        }
        catch (StoreFault fault) when (fault.Retry)
        {
            counters.Add("store.failed-flushes");
            if (_storing)
            {
                LogCannotStore(fault.Message);
            }

            _storing = false;
            StoreTrouble = fault.Message;
        }
    }

    // Readings are stored; of a picture that is not, it is said once.
    private void Note(string refused)
    {
        if (refused.Length > 0 && StoreTrouble != refused)
        {
            LogCannotStoreImage(refused);
        }

        StoreTrouble = refused;
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
