using FieldAgent.Core;
using FieldAgent.Store.Files;
using FieldAgent.Store.Keys;
using FieldAgent.Store.Ledgers;
using Microsoft.Extensions.Logging;
using System.Security.Cryptography;

namespace FieldAgent.Store.Spooling;

/// <summary>The durable queue between collection and delivery. This file: what callers see; beside it the transaction, the cap,
/// erasing, and the start.</summary>
internal sealed partial class Spool : ISpool
{
    private readonly StoreContext _context;
    private readonly Tally _tally = new();
    private readonly Catalogue _catalogue = new();
    private readonly KeyRing _keys;
    private readonly GapBook _gaps;
    private readonly Intake _intake;
    private readonly StateSpace _space;
    private readonly LogPages _pages;
    private readonly LossReport _losses;
    private readonly Dictionary<long, long> _nextSequence = [];
    private readonly List<ReadyBlock> _waiting = [];
    private readonly List<ReadyImage> _waitingImages = [];
    private readonly List<SpoolReader> _readers = [];
    private readonly ImageFiles _imageFiles;
    private readonly ItemWriter _items;
    private readonly PossibleLedger _possible;
    private readonly DeliveryLedger _deliveries;
    private SpoolStatements _statements;
    private long _nextId;
    private int _epoch;
    private long _evicted;

    private long _unwritten;
    private Snapshot _snapshot = new(0, 0, 0, 0, 0, 0);

    public Spool(StoreContext context)
    {
        _context = context;
        _keys = new KeyRing(context.Wraps, context.Canary);
        _gaps = new GapBook(context.Limits.GapsMax);
        _intake = new Intake(_catalogue.Note, _catalogue.Note, context.Options.BlockReadingsMax);
        _space = new StateSpace(context, ImageBytes);
        _pages = new LogPages(context);
        _possible = new PossibleLedger(context, _catalogue, _readers);
        _deliveries = new DeliveryLedger(context, _catalogue, _tally, _possible) { SettleNow = Settle };
        _statements = new SpoolStatements(context.Database.Writer);
        _imageFiles = new ImageFiles(context);
        _items = new ItemWriter(context, _catalogue, _tally, _keys, _imageFiles) { Statements = _statements };
        context.ReleaseReserve = ReleaseReserve;
        context.PrepareWrite = PrepareWrite;
        _losses = new LossReport(context.Logger, context.Clock, context.Limits.LossReportNs);
        Start();
    }

    private sealed record Snapshot(long Blocks, long Readings, long Images, long StateBytes, long OldestWallUnixNs, long Kept);

    /// <inheritdoc/>
    public event Action? Stored;

    /// <inheritdoc/>
    public SpoolState State
    {
        get
        {
            var now = Volatile.Read(ref _snapshot);
            return new SpoolState(now.Blocks, now.Readings, now.Images, now.StateBytes, _context.Options.StateBytesMax,
                now.OldestWallUnixNs, Volatile.Read(ref _evicted), now.Kept, Volatile.Read(ref _unwritten));
        }
    }

    /// <summary>Changes whenever items are taken away from under the readers.</summary>
    internal int Epoch => Volatile.Read(ref _epoch);

    /// <summary>The id the next item will get.</summary>
    internal long NextId => Volatile.Read(ref _nextId);

    /// <summary>Lets readers look at everything again.</summary>
    internal void BeginEpoch() => Interlocked.Increment(ref _epoch);

    internal StoreContext Context => _context;

    internal Catalogue Catalogue => _catalogue;

    internal Tally Tally => _tally;

    internal DeliveryLedger Deliveries => _deliveries;

    /// <inheritdoc/>
    public void Take(in AdmittedRows rows)
    {
        if (rows.Count > 0 && !_intake.Take(rows))
        {
            _context.Counters.Add("dropped.no-recipient", rows.Readings);
        }
    }

    /// <inheritdoc/>
    public string Add(AdmittedImage image)
    {
        var ground = _catalogue.Note(image.Permit);
        if (ground.Mask == 0)
        {
            _context.Counters.Add("dropped.no-recipient");
            return "";
        }

        if (image.Jpeg.Length > _context.Limits.ImageBytesMax)
        {
            throw new StoreFault(StoreFaultKind.TooLarge,
                $"a picture of camera '{image.Sensor}' has {image.Jpeg.Length} bytes, at most {_context.Limits.ImageBytesMax} are stored: "
                + "lower its resolution or quality", retry: false);
        }

        lock (_context.WriteLock)
        {
            var fileBytes = RandomAccessSeal.FileBytes(image.Jpeg.Length);
            MakeRoom(0, fileBytes, 0, Importance.Normal);
            var id = Guid.NewGuid();
            var key = RandomNumberGenerator.GetBytes(RootKey.Bytes);
            try
            {
                var atMs = image.Captured.BootNs / 1_000_000;
                var mark = _items.KeyFor(ground, atMs).Mark;
                _imageFiles.Write(id.ToString("N"), image.Jpeg.Span, key, mark);
                Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
                SHA256.HashData(image.Jpeg.Span, hash);
                var description = ImageDescription.Write(
                    key, id, hash, image.Jpeg.Length, image.Captured.BootNs, image.Sensor, image.RequestId, image.ParentId);
                _waitingImages.Add(new ReadyImage(ground, NextSequence(ground.FunctionId), id.ToString("N"), fileBytes,
                    atMs, description) { Mark = mark });
                return id.ToString("N");
            }
            finally
            {
                CryptographicOperations.ZeroMemory(key);
            }
        }
    }

    /// <inheritdoc/>
    public FlushOutcome Flush()
    {
        FlushOutcome outcome;
        lock (_context.WriteLock)
        {
            DrainIntake();
            try
            {
                outcome = FlushWaiting();
                Volatile.Write(ref _unwritten, 0);
            }
            catch (StoreFault)
            {
                DropBeyondBound();
                Volatile.Write(ref _unwritten, Unwritten());
                throw;
            }
        }

        if (outcome.Blocks + outcome.Images > 0)
        {
            Stored?.Invoke();
        }

        return outcome;
    }

    /// <inheritdoc/>
    public ISpoolReader OpenReader(string recipient)
    {
        lock (_context.WriteLock)
        {
            var bit = _catalogue.Recipient(recipient);
            if (bit < 0)
            {
                throw new StoreFault(StoreFaultKind.Refused, $"recipient '{recipient}' is not one the store was opened for", retry: false);
            }

            if (_readers.Exists(reader => reader.Bit == bit))
            {
                throw new StoreFault(StoreFaultKind.Busy, $"recipient '{recipient}' has a reader already", retry: true);
            }

            using var done = _context.Database.Writer.Once("SELECT done_to FROM recipients WHERE bit = ?1");
            var reader = new SpoolReader(this, bit, done.Bind(1, bit).Scalar());
            _readers.Add(reader);
            return reader;
        }
    }

    /// <summary>A reader ends. What it sent and nobody acknowledged is noted exactly.</summary>
    internal void Remove(SpoolReader reader)
    {
        lock (_context.WriteLock)
        {
            _possible.Close(reader);
            _readers.Remove(reader);
            SavePossible();
        }
    }

    /// <summary>Ends the spool: readings not flushed are lost, which is the caller's decision.</summary>
    public void Dispose()
    {
        lock (_context.WriteLock)
        {
            foreach (var reader in _readers.ToArray())
            {
                reader.Dispose();
            }

            DrainIntake();
            if (_waiting.Count + _waitingImages.Count > 0)
            {
                _context.Counters.Add("dropped.not-flushed", Unwritten());
            }

            foreach (var image in _waitingImages)
            {
                _imageFiles.Delete(image.Name);
            }

            ReleaseWaiting(_waiting.Count);
            _waitingImages.Clear();
            _keys.Dispose();
        }
    }

    private long ImageBytes() => _tally[TallyKind.ImageBytes, 0] + _waitingImages.Sum(static image => image.FileBytes);

    private long Unwritten() => _waiting.Sum(static block => block.Readings) + _waitingImages.Count;

    private void DrainIntake()
    {
        var from = _waiting.Count;
        _intake.Drain(_waiting);
        for (var i = from; i < _waiting.Count; i++)
        {
            _waiting[i].Sequence = NextSequence(_waiting[i].Ground.FunctionId);
        }
    }

    private long NextSequence(long function)
    {
        if (!_nextSequence.TryGetValue(function, out var next))
        {
            next = Math.Max(1, _tally[TallyKind.NextSequence, function]);
        }

        _nextSequence[function] = next + 1;
        return next;
    }
}
