using System.Buffers.Binary;
using FieldAgent.Core;
using Microsoft.Win32.SafeHandles;

namespace FieldAgent.Store.Erasure;

/// <summary>Overwrites everything in the database's file that SQLite does not count as content: pages of the free list, the gap and the
/// free blocks of b-tree pages, and what lies behind the end of a value on its last overflow page. Rows that were deleted in ordinary
/// operation leave remains there. Source: the SQLite file format (sqlite.org/fileformat2.html, 1.5 to 1.8).</summary>
/// <remarks>The log is empty and both locks are held while it runs. Only bytes that no reader of the format looks at change, so a power
/// cut in the middle does no harm. Afterwards the connections must drop their page caches.</remarks>
internal sealed class FreeSpace
{
    private const int WindowPages = 1024;
    private const int MapEntryBytes = 5;
    private const byte MapRoot = 1;
    private const byte MapFree = 2;
    private const byte MapBranch = 5;
    private const long LockByte = 1L << 30;

    private readonly SafeFileHandle _file;
    private readonly int _page;
    private readonly uint _pages;
    private readonly Dictionary<uint, int> _trunks = [];
    private readonly byte[] _map;
    private uint _mapped;
    private byte[] _single;

    private FreeSpace(SafeFileHandle file, int page, uint pages)
    {
        _file = file;
        _page = page;
        _pages = pages;
        _map = new byte[page];
        _single = new byte[page];
    }

    /// <summary>Overwrites it, durably.</summary>
    /// <returns>Bytes that were not zero before.</returns>
    /// <exception cref="StoreFault">Corrupt: the file is not what SQLite writes.</exception>
    /// <exception cref="IOException">It cannot be read or written.</exception>
    public static long Overwrite(SafeFileHandle file)
    {
        Span<byte> head = stackalloc byte[100];
        if (RandomAccess.Read(file, head, 0) < head.Length)
        {
            return 0;
        }

        int page = BinaryPrimitives.ReadUInt16BigEndian(head[16..]);
        page = page == 1 ? 65_536 : page;
        var pages = (uint)Math.Min(RandomAccess.GetLength(file) / page, uint.MaxValue);
        var isVacuum = BinaryPrimitives.ReadUInt32BigEndian(head[52..]) != 0;
        if (head[20] != 0 || !isVacuum || pages != BinaryPrimitives.ReadUInt32BigEndian(head[28..]))
        {
            throw Unknown("its header is not what this program writes");
        }

        var space = new FreeSpace(file, page, pages);
        space.WalkFreeList(BinaryPrimitives.ReadUInt32BigEndian(head[32..]));
        var bytes = space.Run();
        RandomAccess.FlushToDisk(file);
        return bytes;
    }

    private long Run()
    {
        var window = new byte[WindowPages * _page];
        var dirty = new bool[WindowPages];
        long changed = 0;
        for (uint first = 1; first <= _pages; first += WindowPages)
        {
            var count = (int)Math.Min(WindowPages, _pages - first + 1);
            var content = window.AsSpan(0, count * _page);
            Read(content, first);
            for (var i = 0; i < count; i++)
            {
                var bytes = Clear(content.Slice(i * _page, _page), first + (uint)i);
                dirty[i] = bytes > 0;
                changed += bytes;
            }

            Write(content, first, dirty.AsSpan(0, count));
        }

        return changed + _tails;
    }

    private long _tails;

    private long Clear(Span<byte> page, uint number)
    {
        if (number == 1)
        {
            return ClearBranch(page, 100);
        }

        if (IsMap(number) || IsLockPage(number))
        {
            return 0;
        }

        return TypeOf(number) switch
        {
            MapFree => _trunks.TryGetValue(number, out var leaves) ? Zero(page[(8 + (4 * leaves))..]) : Zero(page),
            MapRoot or MapBranch => ClearBranch(page, 0),
            _ => 0,
        };
    }

    private long ClearBranch(Span<byte> page, int header)
    {
        var type = page[header];
        if (type is not (2 or 5 or 10 or 13))
        {
            throw Unknown("a page of a tree is of no known kind");
        }

        int cells = BinaryPrimitives.ReadUInt16BigEndian(page[(header + 3)..]);
        int content = BinaryPrimitives.ReadUInt16BigEndian(page[(header + 5)..]);
        content = content == 0 ? 65_536 : content;
        var pointers = header + (type is 2 or 5 ? 12 : 8);
        var end = pointers + (2 * cells);
        if (end > content || content > page.Length)
        {
            throw Unknown("the cells of a page overlap");
        }

        var bytes = Zero(page[end..content]);
        int block = BinaryPrimitives.ReadUInt16BigEndian(page[(header + 1)..]);
        while (block != 0)
        {
            if (block < content || block + 4 > page.Length)
            {
                throw Unknown("a free block lies outside of its page");
            }

            int size = BinaryPrimitives.ReadUInt16BigEndian(page[(block + 2)..]);
            if (size < 4 || block + size > page.Length)
            {
                throw Unknown("a free block is longer than its page");
            }

            bytes += Zero(page.Slice(block + 4, size - 4));
            int next = BinaryPrimitives.ReadUInt16BigEndian(page[block..]);
            block = next > block ? next : next == 0 ? 0 : throw Unknown("free blocks are out of order");
        }

        for (var i = 0; i < cells && type != 5; i++)
        {
            ClearTail(page, BinaryPrimitives.ReadUInt16BigEndian(page[(pointers + (2 * i))..]), type);
        }

        return bytes;
    }

    // The last page of a value that spills over: what lies behind its end.
    private void ClearTail(Span<byte> page, int cell, byte type)
    {
        var at = cell + (type == 2 ? 4 : 0);
        var payload = (long)Varint(page, ref at);
        if (type == 13)
        {
            _ = Varint(page, ref at);
        }

        // file format, 1.6: how much of a payload lies on the page itself
        var most = type == 13 ? _page - 35 : ((_page - 12) * 64 / 255) - 23;
        if (payload <= most)
        {
            return;
        }

        var least = ((_page - 12) * 32 / 255) - 23;
        var local = least + ((payload - least) % (_page - 4));
        local = local <= most ? local : least;
        var left = payload - local;
        if (at + local + 4 > page.Length)
        {
            throw Unknown("a cell is longer than its page");
        }

        var next = BinaryPrimitives.ReadUInt32BigEndian(page[(int)(at + local)..]);
        while (left > _page - 4)
        {
            left -= _page - 4;
            Read(_single, Checked(next));
            next = BinaryPrimitives.ReadUInt32BigEndian(_single);
        }

        Read(_single, Checked(next));
        var bytes = Zero(_single.AsSpan(4 + (int)left));
        if (bytes > 0)
        {
            RandomAccess.Write(_file, _single, (next - 1L) * _page);
            _tails += bytes;
        }
    }

    private void WalkFreeList(uint trunk)
    {
        while (trunk != 0)
        {
            Read(_single, Checked(trunk));
            var leaves = BinaryPrimitives.ReadUInt32BigEndian(_single.AsSpan(4));
            if (leaves > (_page / 4) - 2 || !_trunks.TryAdd(trunk, (int)leaves))
            {
                throw Unknown("its free list is broken");
            }

            trunk = BinaryPrimitives.ReadUInt32BigEndian(_single);
        }
    }

    // Pages of the reverse map: the second page, and one behind all those that it maps (file format, 1.8).
    private uint MapOf(uint number)
    {
        var each = (uint)(_page / MapEntryBytes) + 1;
        var map = ((number - 2) / each * each) + 2;
        return IsLockPage(map) ? map + 1 : map;
    }

    private bool IsMap(uint number) => MapOf(number) == number;

    private bool IsLockPage(uint number) => number == (LockByte / _page) + 1;

    private byte TypeOf(uint number)
    {
        var map = MapOf(number);
        if (_mapped != map)
        {
            Read(_map, map);
            _mapped = map;
        }

        return _map[(int)(MapEntryBytes * (number - map - 1))];
    }

    private uint Checked(uint number) =>
        number >= 2 && number <= _pages ? number : throw Unknown("it names a page that it does not have");

    private void Read(Span<byte> into, uint first)
    {
        var done = 0;
        while (done < into.Length)
        {
            var read = RandomAccess.Read(_file, into[done..], ((first - 1L) * _page) + done);
            done += read > 0 ? read : throw Unknown("it is cut short");
        }
    }

    // Runs of changed pages, each in one write.
    private void Write(ReadOnlySpan<byte> content, uint first, ReadOnlySpan<bool> dirty)
    {
        for (var from = 0; from < dirty.Length;)
        {
            if (!dirty[from])
            {
                from++;
                continue;
            }

            var to = from;
            while (to < dirty.Length && dirty[to])
            {
                to++;
            }

            RandomAccess.Write(_file, content[(from * _page)..(to * _page)], (first - 1L + from) * _page);
            from = to;
        }
    }

    private static long Zero(Span<byte> bytes)
    {
        if (!bytes.ContainsAnyExcept((byte)0))
        {
            return 0;
        }

        bytes.Clear();
        return bytes.Length;
    }

    private static ulong Varint(ReadOnlySpan<byte> page, ref int at)
    {
        ulong value = 0;
        for (var i = 0; i < 8; i++)
        {
            if (at >= page.Length)
            {
                throw Unknown("a cell lies outside of its page");
            }

            var part = page[at++];
            value = (value << 7) | (part & 0x7fu);
            if (part < 0x80)
            {
                return value;
            }
        }

        return (value << 8) | page[at++];
    }

    private static StoreFault Unknown(string what) =>
        new(StoreFaultKind.Corrupt, $"the database's file cannot be cleaned of remains: {what}; it is checked at the next start", retry: true);
}
