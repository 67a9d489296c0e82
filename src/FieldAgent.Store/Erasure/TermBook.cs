using System.Buffers.Binary;
using System.Collections.Concurrent;
using FieldAgent.Core;
using FieldAgent.Store.Spooling;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Erasure;

/// <summary>How old stored items are: the board time of every boot, and the trusted moments, kept in the database. Asking is free of
/// locks and allocation; the rest happens under the write lock.</summary>
internal sealed class TermBook(IClock clock)
{
    private const string MetaName = "board-time";

    private readonly ConcurrentDictionary<long, (long BaseNs, long FloorNs)> _boots = new();
    private long _boot;
    private long _baseNs;
    private TermClock _terms = new([]);

    /// <summary>Board time now, ns.</summary>
    public long BoardNs => _baseNs + clock.BootNs;

    /// <summary>Wall time that it is at least, Unix ns; 0 when nothing is certain.</summary>
    public long CertainWallNs => _terms.CertainWallNs(BoardNs);

    /// <summary>True when the clock is trusted to end terms for good.</summary>
    public bool IsTrusted => _terms.IsTrusted(BoardNs, clock.BootNs + clock.WallOffsetNs, clock.Quality);

    /// <summary>Reads what was kept, and gives this boot its place in board time.</summary>
    /// <returns>True when <see cref="Save"/> is to be called within the next transaction.</returns>
    public bool Load(Database database, long boot)
    {
        var writer = database.Writer;
        using (var all = writer.Once("SELECT boot, base_ns, floor_ns FROM board_times"))
        {
            while (all.Step())
            {
                _boots[all.Int(0)] = (all.Int(1), all.Int(2));
            }
        }

        var content = database.GetMeta(MetaName) ?? [];
        _terms = new TermClock(Read(content));
        var isNew = !_boots.TryGetValue(boot, out var times);
        if (isNew)
        {
            // whatever happened while the board was off, board time goes on from where it was last noted
            times = (content.Length >= sizeof(long) ? BinaryPrimitives.ReadInt64LittleEndian(content) : 0, _terms.FloorOffsetNs);
            _boots[boot] = times;
        }

        _boot = boot;
        _baseNs = times.BaseNs;
        Observe();
        return isNew;
    }

    /// <summary>Takes note of what the clock says.</summary>
    /// <returns>True when terms end earlier than was reckoned.</returns>
    public bool Observe() => _terms.Observe(BoardNs, clock.BootNs + clock.WallOffsetNs, clock.Quality);

    /// <summary>Writes down board time and the trusted moments, within the caller's transaction.</summary>
    public void Save(Database database)
    {
        using (var put = database.Writer.Once("INSERT OR REPLACE INTO board_times(boot, base_ns, floor_ns) VALUES(?1, ?2, ?3)"))
        {
            var (baseNs, floorNs) = _boots[_boot];
            put.Bind(1, _boot).Bind(2, baseNs).Bind(3, floorNs).Run();
        }

        var marks = _terms.Marks;
        var content = new byte[sizeof(long) + (marks.Length * 2 * sizeof(long))];
        BinaryPrimitives.WriteInt64LittleEndian(content, BoardNs);
        for (var i = 0; i < marks.Length; i++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(content.AsSpan(8 + (16 * i)), marks[i].BoardNs);
            BinaryPrimitives.WriteInt64LittleEndian(content.AsSpan(16 + (16 * i)), marks[i].OffsetNs);
        }

        database.SetMeta(MetaName, content);
    }

    /// <summary>When an item of a boot was collected.</summary>
    public TermStart Start(BootTime boot, long atMs)
    {
        var atNs = atMs * 1_000_000;
        var (baseNs, floorNs) = _boots.TryGetValue(boot.Id, out var times) ? times : (0, long.MinValue);
        var isLive = boot.BootId == clock.BootId && clock.Quality >= boot.Quality;
        return new TermStart(baseNs + atNs, atNs + (isLive ? clock.WallOffsetNs : boot.WallOffsetNs), isLive ? clock.Quality : boot.Quality, floorNs);
    }

    /// <summary>What is put down now.</summary>
    public TermStart StartNow() =>
        new(BoardNs, clock.BootNs + clock.WallOffsetNs, clock.Quality, _boots.TryGetValue(_boot, out var times) ? times.FloorNs : long.MinValue);

    /// <summary>True when the term is over as far as any clock says: nobody may read it.</summary>
    public bool IsUnreadable(in TermStart start, long termNs) =>
        _terms.AssumedAgeNs(start, BoardNs, clock.BootNs + clock.WallOffsetNs) >= termNs;

    /// <summary>Nanoseconds until the term is certainly over; 0 or less when it is.</summary>
    public long LeftNs(in TermStart start, long termNs) => termNs - _terms.CertainAgeNs(start, BoardNs);

    private static TermMark[] Read(ReadOnlySpan<byte> content)
    {
        var marks = new TermMark[Math.Max(0, (content.Length - 8) / 16)];
        for (var i = 0; i < marks.Length; i++)
        {
            marks[i] = new TermMark(
                BinaryPrimitives.ReadInt64LittleEndian(content[(8 + (16 * i))..]), BinaryPrimitives.ReadInt64LittleEndian(content[(16 + (16 * i))..]));
        }

        return marks;
    }
}
