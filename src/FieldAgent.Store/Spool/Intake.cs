using System.Buffers;
using FieldAgent.Core;
using FieldAgent.Store.Codec;

namespace FieldAgent.Store.Spooling;

/// <summary>A block that is encoded and waits to be sealed and stored.</summary>
internal sealed class ReadyBlock
{
    public required Ground Ground { get; init; }

    public required Importance Importance { get; init; }

    /// <summary>Encoded rows, in a rented buffer.</summary>
    public required byte[] Plain { get; init; }

    public required int Length { get; init; }

    public required long Readings { get; init; }

    /// <summary>Boot-time of its first row, ms.</summary>
    public required long AtMs { get; init; }

    /// <summary>Number within the function; given when it leaves the intake.</summary>
    public long Sequence { get; set; }

    /// <summary>Gives the buffer back, overwritten when personal.</summary>
    public void Release()
    {
        if (Ground.Personal)
        {
            Plain.AsSpan(0, Length).Clear();
        }

        ArrayPool<byte>.Shared.Return(Plain);
    }
}

/// <summary>Gathers admitted rows into blocks, one rule and importance each, and encodes those that are full. Thread-safe, and
/// never waits for the disk.</summary>
internal sealed class Intake(Func<Permit, Ground> note, Func<StreamSet, uint> noteSet, int readingsMax)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(long Ground, Importance), OpenBlock> _open = [];
    private readonly List<ReadyBlock> _ready = [];
    private readonly BlockEncoder _encoder = new();
    private byte[] _buffer = [];

    // Blocks of permits that have been replaced are dropped from the table beyond this.
    private const int OpenMax = 256;

    /// <summary>Takes rows.</summary>
    /// <returns>False when no configured recipient may have them: nothing is kept.</returns>
    public bool Take(in AdmittedRows rows)
    {
        lock (_lock)
        {
            var ground = note(rows.Permit);
            if (ground.Mask == 0)
            {
                return false;
            }

            var block = Open(ground, rows.Set.Importance);
            var set = block.Set(rows.Set, noteSet);
            var width = rows.Width;
            for (var start = 0; start < rows.Count;)
            {
                // rows without values count too, so that a block's size is bounded
                var room = (readingsMax - (int)Math.Max(block.Readings, block.Rows)) / width;
                if (room <= 0 && block.Rows > 0)
                {
                    Close(block);
                    continue;
                }

                var count = Math.Min(Math.Max(1, room), rows.Count - start);
                block.Append(set, rows.Slice(start, count));
                start += count;
            }

            return true;
        }
    }

    /// <summary>Closes every open block, and hands over all that are ready, in the order they were closed.</summary>
    public void Drain(List<ReadyBlock> into)
    {
        lock (_lock)
        {
            foreach (var block in _open.Values)
            {
                if (block.Rows > 0)
                {
                    Close(block);
                }
            }

            into.AddRange(_ready);
            _ready.Clear();
            if (_open.Count > OpenMax)
            {
                _open.Clear();
            }
        }
    }

    private OpenBlock Open(Ground ground, Importance importance)
    {
        if (!_open.TryGetValue((ground.Id, importance), out var block))
        {
            block = new OpenBlock(ground, importance);
            _open.Add((ground.Id, importance), block);
        }

        return block;
    }

    private void Close(OpenBlock block)
    {
        var size = BlockEncoder.BytesMax(block.Sets);
        if (_buffer.Length < size)
        {
            _buffer = new byte[size];
        }

        var atMs = block.FirstNs / 1_000_000;
        var length = _encoder.Encode(block.Sets, atMs * 1_000_000, _buffer);
        var plain = ArrayPool<byte>.Shared.Rent(length);
        _buffer.AsSpan(0, length).CopyTo(plain);
        _ready.Add(new ReadyBlock
        {
            Ground = block.Ground,
            Importance = block.Importance,
            Plain = plain,
            Length = length,
            Readings = block.Readings,
            AtMs = atMs,
        });
        if (block.Ground.Personal)
        {
            _buffer.AsSpan(0, length).Clear();
            _encoder.Wipe();
        }

        block.Clear();
    }

    private sealed class OpenBlock(Ground ground, Importance importance)
    {
        private readonly Dictionary<uint, SetRows> _sets = [];
        private readonly List<SetRows> _order = [];

        public Ground Ground { get; } = ground;

        public Importance Importance { get; } = importance;

        public IReadOnlyList<SetRows> Sets => _order;

        public long Readings { get; private set; }

        public long Rows { get; private set; }

        public long FirstNs { get; private set; }

        public SetRows Set(StreamSet set, Func<StreamSet, uint> noteSet)
        {
            var id = noteSet(set);
            if (!_sets.TryGetValue(id, out var rows))
            {
                rows = new SetRows(set, id);
                _sets.Add(id, rows);
                _order.Add(rows);
            }

            return rows;
        }

        public void Append(SetRows set, in AdmittedRows rows)
        {
            if (Rows == 0)
            {
                FirstNs = rows.BootNs[0];
            }

            var before = set.Readings;
            set.Append(rows);
            Readings += set.Readings - before;
            Rows += rows.Count;
        }

        public void Clear()
        {
            foreach (var set in _order)
            {
                set.Clear(Ground.Personal);
            }

            Readings = 0;
            Rows = 0;
        }
    }
}
