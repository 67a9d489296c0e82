using FieldAgent.Core;

namespace FieldAgent.Testing;

/// <summary>A spool in memory, for tests of what comes after it. Thread-safe.</summary>
public sealed class FakeSpool : ISpool
{
    private readonly Lock _lock = new();
    private readonly List<Entry> _items = [];
    private readonly Dictionary<string, long> _sequences = new(StringComparer.Ordinal);
    private readonly List<Entry> _taken = [];
    private long _lastId;

    public Guid Generation { get; init; } = new("5eed5eed-0000-4000-8000-0000000000aa");

    public Guid BootId { get; init; } = new("5eed5eed-0000-4000-8000-000000000001");

    public long WallOffsetNs { get; init; } = 1_767_225_600_000_000_000;

    /// <summary>Called with every id a reader acknowledges, before it is noted.</summary>
    public Action<long>? Acknowledging { get; set; }

    /// <summary>Called with every id that is about to be sent, before it is noted; what it throws the courier gets.</summary>
    public Action<long>? Noting { get; set; }

    /// <summary>What was noted as about to be sent.</summary>
    public HashSet<long> Noted { get; } = [];

    public Dictionary<long, GapReason> GivenUp { get; } = [];

    public List<long> Acknowledged { get; } = [];

    /// <summary>Calls that the real spool would refuse.</summary>
    public List<string> Misuses { get; } = [];

    public int Settles { get; private set; }

    public event Action? Stored;

    public SpoolState State
    {
        get
        {
            lock (_lock)
            {
                return new SpoolState(_items.Count, _items.Sum(i => i.Item.Readings), 0, 0, long.MaxValue, 0, 0);
            }
        }
    }

    /// <summary>Items that wait for any recipient.</summary>
    public int Waiting
    {
        get
        {
            lock (_lock)
            {
                return _items.Count(i => !i.Done);
            }
        }
    }

    /// <summary>The item with number <paramref name="id"/>.</summary>
    public SpoolItem Find(long id)
    {
        lock (_lock)
        {
            return _items[(int)id - 1].Item;
        }
    }

    /// <summary>Stores a block of one set.</summary>
    public SpoolItem AddBlock(BlockRows rows, string function = "telemetry", string? field = null) =>
        Store(new SpoolItem
        {
            Kind = SpoolItemKind.Block, Function = function, Field = field ?? rows.Set.Field, Sets = [rows], Readings = rows.Columns.Readings,
        });

    /// <summary>Stores a picture.</summary>
    public SpoolItem AddImage(byte[] jpeg, string function = "photo", string sensor = "camera", string? requestId = null, long capturedBootNs = 0, string? parentId = null)
    {
        var id = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(BitConverter.GetBytes(_lastId + 1)))[..32];
        var sha = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(jpeg));
        return Store(
            new SpoolItem
            {
                Kind = SpoolItemKind.Image, Function = function, Field = "image.photo",
                Image = new SpoolImage(id, sensor, jpeg.Length, sha, capturedBootNs, requestId, parentId),
            },
            jpeg);
    }

    /// <summary>Announces a gap: the next <paramref name="count"/> numbers of the function are lost.</summary>
    public SpoolItem AddGap(string function, int count, GapReason reason = GapReason.StorageCap)
    {
        lock (_lock)
        {
            var from = _sequences.GetValueOrDefault(function) + 1;
            _sequences[function] = from + count - 1;
            return Store(new SpoolItem
            {
                Kind = SpoolItemKind.Gap, Function = function, Gap = new SpoolGap(reason, from, from + count - 1, count, count * 10),
            });
        }
    }

    public string Add(AdmittedImage image) =>
        AddImage(image.Jpeg.ToArray(), image.Permit.Function, image.Sensor, image.RequestId, image.Captured.BootNs).Image!.ImageId;

    public void Take(in AdmittedRows rows)
    {
        var copy = new BlockRows(rows.Set);
        Span<double> row = stackalloc double[rows.Width];
        for (var i = 0; i < rows.Count; i++)
        {
            for (var c = 0; c < rows.Width; c++)
            {
                row[c] = rows.Values(c)[i];
            }

            copy.Columns.Append(rows.BootNs[i], row, rows.Present[i]);
        }

        lock (_lock)
        {
            _taken.Add(new Entry(new SpoolItem
            {
                Kind = SpoolItemKind.Block, Function = rows.Permit.Function, Field = rows.Permit.Field, Sets = [copy],
                Readings = copy.Columns.Readings,
            }));
        }
    }

    public FlushOutcome Flush()
    {
        List<Entry> taken;
        lock (_lock)
        {
            taken = [.. _taken];
            _taken.Clear();
        }

        foreach (var stored in taken)
        {
            Store(stored.Item);
        }

        return new FlushOutcome(taken.Count, taken.Sum(s => s.Item.Readings), 0, 0);
    }

    public ISpoolReader OpenReader(string recipient) => new Reader(this);

    public long Erase(string function, string field, GapReason reason)
    {
        lock (_lock)
        {
            var erased = _items.Where(i => !i.Done && i.Item.Function == function && i.Item.Field == field).ToList();
            erased.ForEach(i => i.Done = true);
            return erased.Sum(i => i.Item.Readings);
        }
    }

    public void Dispose()
    {
    }

    private SpoolItem Store(SpoolItem item, byte[]? jpeg = null)
    {
        lock (_lock)
        {
            item.Id = ++_lastId;
            if (item.Kind != SpoolItemKind.Gap)
            {
                item.Sequence = _sequences[item.Function] = _sequences.GetValueOrDefault(item.Function) + 1;
            }

            item.Generation = Generation;
            item.BootId = BootId;
            item.WallOffsetNs = WallOffsetNs;
            item.Quality = ClockQuality.Ntp;
            item.Purpose = "operation";
            item.PolicyVersion = "1.0.0";
            _items.Add(new Entry(item, jpeg));
        }

        Stored?.Invoke();
        return item;
    }

    private sealed class Entry(SpoolItem item, byte[]? jpeg = null)
    {
        public SpoolItem Item { get; } = item;

        public byte[]? Jpeg { get; } = jpeg;

        public bool Done { get; set; }
    }

    private sealed class Reader(FakeSpool spool) : ISpoolReader
    {
        private readonly HashSet<long> _read = [];
        private int _next;
        private string? _readable;

        public bool TryRead(SpoolItem item)
        {
            lock (spool._lock)
            {
                while (_next < spool._items.Count)
                {
                    var stored = spool._items[_next++];
                    if (!stored.Done)
                    {
                        _read.Add(stored.Item.Id);
                        _readable = stored.Item.Image?.ImageId ?? _readable;
                        Copy(stored.Item, item);
                        return true;
                    }
                }

                return false;
            }
        }

        public int ReadImage(SpoolImage image, long offset, Span<byte> buffer)
        {
            lock (spool._lock)
            {
                if (_readable != image.ImageId)
                {
                    spool.Misuses.Add("a picture other than the last read one was asked for");
                    throw new StoreFault(StoreFaultKind.Refused, "only the picture read last can be read", retry: false);
                }

                var stored = spool._items.Find(i => i.Item.Image?.ImageId == image.ImageId && !i.Done)?.Jpeg
                    ?? throw new StoreFault(StoreFaultKind.Corrupt, "the picture is gone", retry: false);
                var count = (int)Math.Min(buffer.Length, Math.Max(0, stored.Length - offset));
                stored.AsSpan((int)offset, count).CopyTo(buffer);
                return count;
            }
        }

        public bool Sending(long id)
        {
            spool.Noting?.Invoke(id);
            lock (spool._lock)
            {
                if (!_read.Contains(id) || spool._items[(int)id - 1].Done)
                {
                    return false;
                }

                spool.Noted.Add(id);
                return true;
            }
        }

        public void Acknowledge(long id)
        {
            // Like the real one: after a rewind, an item that was not read again yet is simply sent again.
            if (!_read.Contains(id))
            {
                return;
            }

            spool.Acknowledging?.Invoke(id);
            lock (spool._lock)
            {
                spool._items[(int)id - 1].Done = true;
                spool.Acknowledged.Add(id);
            }
        }

        public void GiveUp(long id, GapReason reason)
        {
            lock (spool._lock)
            {
                var stored = spool._items[(int)id - 1];
                if (!_read.Contains(id))
                {
                    return;
                }

                stored.Done = true;
                spool.GivenUp[id] = reason;
                var gap = new SpoolItem
                {
                    Kind = SpoolItemKind.Gap, Function = stored.Item.Function,
                    Gap = new SpoolGap(reason, stored.Item.Sequence, stored.Item.Sequence, 1, stored.Item.Readings),
                };
                spool.Store(gap);
            }
        }

        public void Settle() => spool.Settles++;

        public void Rewind()
        {
            _next = 0;
            _read.Clear();
        }

        public void Dispose()
        {
        }

        private static void Copy(SpoolItem from, SpoolItem to)
        {
            to.Kind = from.Kind;
            to.Id = from.Id;
            to.Sequence = from.Sequence;
            to.Generation = from.Generation;
            to.Function = from.Function;
            to.Field = from.Field;
            to.Purpose = from.Purpose;
            to.PolicyVersion = from.PolicyVersion;
            to.ConsentId = from.ConsentId;
            to.BootId = from.BootId;
            to.WallOffsetNs = from.WallOffsetNs;
            to.Quality = from.Quality;
            to.Backlog = from.Backlog;
            to.Sets = from.Sets;
            to.Readings = from.Readings;
            to.Image = from.Image;
            to.Gap = from.Gap;
        }
    }
}
