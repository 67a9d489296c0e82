using System.Runtime.InteropServices;
using System.Security.Cryptography;
using FieldAgent.Core;
using FieldAgent.Store.Codec;
using FieldAgent.Store.Files;
using FieldAgent.Store.Keys;
using FieldAgent.Store.Sqlite;
using Microsoft.Extensions.Logging;

namespace FieldAgent.Store.Spooling;

/// <summary>One recipient's way through the spool. Reads ahead on the reading connection by primary key, so a read costs the same
/// however much waits; never waits for a flush.</summary>
internal sealed class SpoolReader : ISpoolReader
{
    private readonly Spool _spool;
    private readonly StoreContext _context;
    private readonly uint _mask;
    private readonly KeyCache _keys;
    private readonly BlockDecoder _decoder = new();
    private readonly Lock _outcomesLock = new();
    private readonly List<ItemOutcome> _outcomes = [];
    private readonly List<Sent> _sent = [];
    private readonly Prefetch _prefetch;
    private byte[] _plain = new byte[4096];
    private byte[] _seal = [];
    private ImageSource? _image;
    private int _sentFrom;
    private int _peeked;
    private int _epoch;
    private long _cursor;
    private long _skipAcknowledgedTo;
    private long _backlogBelow;
    private long _doneTo;
    private bool _wipe;

    public SpoolReader(Spool spool, int bit, long doneTo)
    {
        _spool = spool;
        _context = spool.Context;
        Bit = bit;
        _mask = 1u << bit;
        _keys = new KeyCache(_context.Root);
        _prefetch = new Prefetch(_context.Limits);
        _cursor = doneTo;
        _doneTo = doneTo;
        _backlogBelow = spool.NextId;
        _epoch = spool.Epoch;
    }

    private record struct Sent(ItemInfo Item, bool Done);

    /// <summary>The recipient's bit.</summary>
    public int Bit { get; }

    /// <inheritdoc/>
    public int SettleAfter => _context.Limits.SettleAfter;

    /// <summary>True when something is decided and not yet written.</summary>
    public bool HasOutcomes
    {
        get
        {
            lock (_outcomesLock)
            {
                return _outcomes.Count > 0;
            }
        }
    }

    /// <summary>Everything up to this id is done with, and it is worth writing down; null otherwise. After <see cref="PeekOutcomes"/>.</summary>
    public long? DoneTo { get; private set; }

    /// <inheritdoc/>
    public bool TryRead(SpoolItem item)
    {
        if (_wipe)
        {
            _decoder.Wipe();
            Array.Clear(_plain);
            _wipe = false;
        }

        while (true)
        {
            var epoch = _spool.Epoch;
            if (epoch != _epoch)
            {
                // items were taken away, perhaps keys with them: what was read ahead is stale
                _prefetch.Clear();
                _keys.Forget();
                _epoch = epoch;
            }

            if (_prefetch.IsEmpty && !Fetch())
            {
                return false;
            }

            ref readonly var row = ref _prefetch.Next();
            _cursor = row.Item.Id;
            if ((row.Item.Pending & _mask) == 0 || IsAcknowledged(row.Item.Id))
            {
                continue;
            }

            if (Fill(item, row) is { } why)
            {
                if (_spool.Epoch == _epoch)
                {
                    CannotRead(row.Item, why);
                }

                continue;
            }

            lock (_outcomesLock)
            {
                _sent.Add(new Sent(row.Item, false));
            }

            return true;
        }
    }

    /// <inheritdoc/>
    public int ReadImage(SpoolImage image, long offset, Span<byte> buffer)
    {
        if (_image is null || _image.Id != image.ImageId)
        {
            throw new StoreFault(StoreFaultKind.Refused, "only the picture read last can be read", retry: false);
        }

        return _image.Read(offset, buffer);
    }

    /// <inheritdoc/>
    public void Acknowledge(long id) => Decide(id, null);

    /// <inheritdoc/>
    public void GiveUp(long id, GapReason reason)
    {
        _context.Counters.Add(reason switch
        {
            GapReason.TermOver => "dropped.term-over",
            GapReason.ConsentWithdrawn => "dropped.consent-withdrawn",
            GapReason.Rejected => "dropped.rejected",
            _ => "dropped.given-up",
        });
        Decide(id, reason);
    }

    /// <inheritdoc/>
    public void Settle() => _spool.Settle();

    /// <inheritdoc/>
    public void Rewind()
    {
        lock (_outcomesLock)
        {
            _skipAcknowledgedTo = Math.Max(_cursor, _skipAcknowledgedTo);
            _cursor = Frontier();
            _sent.Clear();
            _sentFrom = 0;
        }

        _prefetch.Clear();
        _backlogBelow = _spool.NextId;
    }

    /// <summary>Starts at the beginning of another database.</summary>
    public void BeginAnew()
    {
        lock (_outcomesLock)
        {
            _outcomes.Clear();
            _sent.Clear();
            _sentFrom = 0;
            _cursor = 0;
            _doneTo = 0;
        }
    }

    /// <summary>What is decided, for the transaction that writes it; the write lock is held.</summary>
    public ReadOnlySpan<ItemOutcome> PeekOutcomes(int max)
    {
        lock (_outcomesLock)
        {
            _peeked = Math.Min(max, _outcomes.Count);
            var frontier = Frontier();
            DoneTo = _peeked == _outcomes.Count && frontier > _doneTo ? frontier : null;

            // a copy: the courier may add while the transaction runs
            return _peeked == 0 ? [] : CollectionsMarshal.AsSpan(_outcomes)[.._peeked].ToArray();
        }
    }

    /// <summary>The transaction succeeded.</summary>
    public void OutcomesSettled()
    {
        lock (_outcomesLock)
        {
            _outcomes.RemoveRange(0, _peeked);
            _peeked = 0;
            _doneTo = DoneTo ?? _doneTo;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        try
        {
            Settle();
        }
        catch (StoreFault)
        {
            // delivered again at the next start; the receiver removes duplicates
            _context.Counters.Add("store.unsettled");
        }

        _spool.Remove(this);
        _keys.Dispose();
        _image?.Dispose();
        _decoder.Wipe();
    }

    private bool Fetch()
    {
        lock (_context.ReadLock)
        {
            return _prefetch.Fill(_context.Database.Reader, _cursor, _mask);
        }
    }

    // Everything up to here is done with: what is before the oldest item still under way.
    private long Frontier()
    {
        while (_sentFrom < _sent.Count && _sent[_sentFrom].Done)
        {
            _sentFrom++;
        }

        if (_sentFrom > 1024 || _sentFrom == _sent.Count)
        {
            _sent.RemoveRange(0, _sentFrom);
            _sentFrom = 0;
        }

        return _sentFrom < _sent.Count ? _sent[_sentFrom].Item.Id - 1 : _cursor;
    }

    private bool IsAcknowledged(long id)
    {
        if (id > _skipAcknowledgedTo)
        {
            return false;
        }

        lock (_outcomesLock)
        {
            return _outcomes.Exists(outcome => outcome.Item.Id == id);
        }
    }

    private void Decide(long id, GapReason? reason)
    {
        bool due;
        lock (_outcomesLock)
        {
            var index = Find(id);
            if (index < 0 || _sent[index].Done)
            {
                // acknowledged twice, or after a rewind: it is simply sent again
                return;
            }

            var item = _sent[index].Item;
            _sent[index] = new Sent(item, true);
            _outcomes.Add(new ItemOutcome(item, _mask, reason));
            _ = Frontier();
            due = _outcomes.Count >= SettleAfter;
        }

        if (due)
        {
            Settle();
        }
    }

    private int Find(long id)
    {
        int low = _sentFrom, high = _sent.Count - 1;
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var found = _sent[middle].Item.Id;
            if (found == id)
            {
                return middle;
            }

            (low, high) = found < id ? (middle + 1, high) : (low, middle - 1);
        }

        return -1;
    }

    private void CannotRead(in ItemInfo item, string why)
    {
        StoreLog.Unreadable(_context.Logger, _spool.Catalogue.Ground(item.Ground)?.Function ?? "?", why);
        _context.Counters.Add("dropped.unreadable", Math.Max(1, item.Readings));
        lock (_outcomesLock)
        {
            // nobody can read it: it goes for all recipients
            _outcomes.Add(new ItemOutcome(item, uint.MaxValue, GapReason.Unreadable));
        }
    }

    // Null when the item is filled; else why it cannot be.
    private string? Fill(SpoolItem item, in Prefetch.Row row)
    {
        item.Kind = row.Item.Kind;
        item.Id = row.Item.Id;
        item.Sequence = row.Item.Sequence;
        item.Generation = _context.Database.Generation;
        item.Readings = row.Item.Readings;
        item.Backlog = row.Item.Id < _backlogBelow;
        item.Sets = [];
        item.Image = null;
        item.Gap = null;
        if (_spool.Catalogue.Boot(row.Boot) is not { } boot)
        {
            return "its boot is not known";
        }

        // this boot's clock may be known better now than when it was noted
        var clock = _context.Clock;
        var live = boot.BootId == clock.BootId && clock.Quality >= boot.Quality;
        item.BootId = boot.BootId;
        item.WallOffsetNs = live ? clock.WallOffsetNs : boot.WallOffsetNs;
        item.Quality = live ? clock.Quality : boot.Quality;
        if (row.Item.Kind == SpoolItemKind.Gap)
        {
            return FillGap(item);
        }

        if (_spool.Catalogue.Ground(row.Item.Ground) is not { } ground)
        {
            return "its permit is not known";
        }

        item.Function = ground.Function;
        item.Field = ground.Field;
        item.Purpose = ground.Purpose;
        item.PolicyVersion = ground.PolicyVersion;
        item.ConsentId = ground.ConsentId;
        if (_keys.Find(row.Item.Key, _context) is not { } key)
        {
            return "its key is gone";
        }

        var payload = _prefetch.Payload(row);
        var length = payload.Length - Sealed.TagBytes;
        if (length < 0)
        {
            return "it is cut short";
        }

        if (_plain.Length < length + BitReader.Padding)
        {
            _plain = new byte[(length * 2) + BitReader.Padding];
        }

        var context = ItemContext.Compose(ref _seal, ground, item.Generation, boot.BootId, row.Item.Kind, row.Item.Id, row.Item.Sequence,
            row.AtMs, row.Item.Readings);
        if (!key.TryOpen(row.Item.Id, payload, _plain.AsSpan(0, length), context))
        {
            return "it was damaged";
        }

        _wipe = ground.Personal;
        return row.Item.Kind == SpoolItemKind.Image ? FillImage(item, length) : FillBlock(item, length, row.AtMs);
    }

    private string? FillBlock(SpoolItem item, int length, long atMs)
    {
        if (!_decoder.TryDecode(_plain, length, atMs * 1_000_000, _spool.Catalogue.Set, StoreLimits.BlockValuesMax))
        {
            return "it does not decode";
        }

        item.Sets = _decoder.Sets;
        item.Readings = _decoder.Readings;
        return null;
    }

    private string? FillImage(SpoolItem item, int length)
    {
        Span<byte> key = stackalloc byte[RootKey.Bytes];
        if (ImageDescription.Read(_plain.AsSpan(0, length), key) is not { } image)
        {
            return "its description does not decode";
        }

        _image?.Dispose();
        _image = new ImageSource(_context.Folder.Image(image.ImageId), image, key);
        CryptographicOperations.ZeroMemory(key);
        item.Image = image;
        return null;
    }

    private string? FillGap(SpoolItem item)
    {
        lock (_context.ReadLock)
        {
            using var gap = _context.Database.Reader.Once(
                "SELECT function, field, reason, from_sequence, to_sequence, blocks, readings FROM gaps WHERE item = ?1");
            if (!gap.Bind(1, item.Id).Step())
            {
                return "its description is gone";
            }

            item.Function = gap.Text(0);
            item.Field = gap.Text(1);
            item.Purpose = "";
            item.PolicyVersion = "";
            item.ConsentId = 0;
            item.Readings = 0;
            item.Gap = new SpoolGap((GapReason)gap.Int(2), gap.Int(3), gap.Int(4), gap.Int(5), gap.Int(6));
            gap.Reset();
            return null;
        }
    }
}
