using FieldAgent.Core;

namespace FieldAgent.Store.Codec;

/// <summary>Rows of one set that gather for a block. The arrays grow to their working size and are used again. One thread.</summary>
internal sealed class SetRows
{
    private readonly double[][] _values;
    private long[] _times = [];
    private ulong[] _present = [];

    /// <summary>No rows of <paramref name="set"/>, which the dictionary knows as <paramref name="id"/>.</summary>
    public SetRows(StreamSet set, uint id)
    {
        Set = set;
        Id = id;
        _values = new double[set.Streams.Length][];
        Array.Fill(_values, []);
    }

    public StreamSet Set { get; }

    /// <summary>The set's number in the dictionary.</summary>
    public uint Id { get; }

    public int Count { get; private set; }

    public long Readings { get; private set; }

    public bool IsDense => Readings == (long)Count * _values.Length;

    public ReadOnlySpan<long> Times => _times.AsSpan(0, Count);

    public ReadOnlySpan<ulong> Present => _present.AsSpan(0, Count);

    public ReadOnlySpan<double> Values(int column) => _values[column].AsSpan(0, Count);

    /// <summary>Copies rows to the end.</summary>
    public void Append(in AdmittedRows rows)
    {
        var size = Count + rows.Count;
        if (size > _times.Length)
        {
            Grow(size);
        }

        rows.BootNs.CopyTo(_times.AsSpan(Count));
        var present = _present.AsSpan(Count, rows.Count);
        if (rows.IsDense)
        {
            present.Fill(Set.AllPresent);
            Readings += (long)rows.Count * _values.Length;
        }
        else
        {
            var all = Set.AllPresent;
            var source = rows.Present;
            for (var i = 0; i < source.Length; i++)
            {
                present[i] = source[i] & all;
                Readings += (long)ulong.PopCount(present[i]);
            }
        }

        for (var column = 0; column < _values.Length; column++)
        {
            rows.Values(column).CopyTo(_values[column].AsSpan(Count));
        }

        Count = size;
    }

    /// <summary>Forgets the rows, and overwrites them when they are personal.</summary>
    public void Clear(bool wipe)
    {
        if (wipe)
        {
            Array.Clear(_times);
            foreach (var column in _values)
            {
                Array.Clear(column);
            }
        }

        Count = 0;
        Readings = 0;
    }

    private void Grow(int size)
    {
        size = Math.Max(size, Math.Max(16, _times.Length * 2));
        Array.Resize(ref _times, size);
        Array.Resize(ref _present, size);
        for (var i = 0; i < _values.Length; i++)
        {
            Array.Resize(ref _values[i], size);
        }
    }
}
