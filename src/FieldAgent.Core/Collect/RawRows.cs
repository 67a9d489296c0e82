namespace FieldAgent.Core;

/// <summary>Columns of readings in memory: one time and one value a stream for each row. Not thread-safe.</summary>
public sealed class RowColumns
{
    private long[] _bootNs = [];
    private ulong[] _present = [];
    private readonly double[][] _values;

    /// <summary>Empty columns for <paramref name="width"/> streams.</summary>
    public RowColumns(int width)
    {
        _values = new double[width][];
        Array.Fill(_values, []);
    }

    /// <summary>Number of streams.</summary>
    public int Width => _values.Length;

    /// <summary>Number of rows.</summary>
    public int Count { get; private set; }

    /// <summary>Number of readings: values present over all rows.</summary>
    public long Readings { get; private set; }

    /// <summary>True when no row lacks a value.</summary>
    public bool IsDense => Readings == (long)Count * Width;

    /// <summary>Boot-time of each row, ns.</summary>
    public ReadOnlySpan<long> BootNs => _bootNs.AsSpan(0, Count);

    /// <summary>Mask of the values each row has (bit = stream).</summary>
    public ReadOnlySpan<ulong> Present => _present.AsSpan(0, Count);

    /// <summary>The values of stream <paramref name="column"/>; undefined where absent.</summary>
    public ReadOnlySpan<double> Values(int column) => _values[column].AsSpan(0, Count);

    /// <summary>Changes a stored value in place; for precision reduction.</summary>
    public void Set(int column, int row, double value) => _values[column][row] = value;

    /// <summary>Adds a row. Allocates only while the columns grow to their working size.</summary>
    /// <param name="bootNs">When, in boot-time ns.</param>
    /// <param name="values">One value a stream; those not in <paramref name="present"/> are ignored.</param>
    /// <param name="present">Bit i says that <c>values[i]</c> is there.</param>
    public void Append(long bootNs, ReadOnlySpan<double> values, ulong present)
    {
        if (values.Length != _values.Length)
        {
            throw new ArgumentException($"{values.Length} values for {_values.Length} streams", nameof(values));
        }

        if (Count == _bootNs.Length)
        {
            Grow();
        }

        _bootNs[Count] = bootNs;
        _present[Count] = present;
        for (var i = 0; i < values.Length; i++)
        {
            _values[i][Count] = values[i];
        }

        Count++;
        Readings += (long)ulong.PopCount(present);
    }

    /// <summary>Adds a row for the caller to fill with <see cref="Set"/>; for decoders that go column by column.</summary>
    public void AppendRow(long bootNs, ulong present)
    {
        if (Count == _bootNs.Length)
        {
            Grow();
        }

        _bootNs[Count] = bootNs;
        _present[Count] = present;
        Count++;
        Readings += (long)ulong.PopCount(present);
    }

    /// <summary>Sets the number of rows to <paramref name="rows"/>, all dense, and hands out the arrays for a decoder to fill.</summary>
    public Span<long> ResizeDense(int rows, ulong allPresent)
    {
        while (_bootNs.Length < rows)
        {
            Grow();
        }

        Count = rows;
        Readings = (long)rows * Width;
        _present.AsSpan(0, rows).Fill(allPresent);
        return _bootNs.AsSpan(0, rows);
    }

    /// <summary>The writable column of stream <paramref name="column"/>, for a decoder.</summary>
    public Span<double> Writable(int column) => _values[column].AsSpan(0, Count);

    /// <summary>Forgets all rows; with <paramref name="wipe"/> the memory is overwritten as well (personal data).</summary>
    public void Clear(bool wipe = false)
    {
        if (wipe)
        {
            Array.Clear(_bootNs);
            Array.Clear(_present);
            foreach (var column in _values)
            {
                Array.Clear(column);
            }
        }

        Count = 0;
        Readings = 0;
    }

    private void Grow()
    {
        var size = Math.Max(64, _bootNs.Length * 2);
        Array.Resize(ref _bootNs, size);
        Array.Resize(ref _present, size);
        for (var i = 0; i < _values.Length; i++)
        {
            Array.Resize(ref _values[i], size);
        }
    }
}

/// <summary>What a sensor produced and nobody has looked at yet. Only the gate reads it; it cannot be stored.</summary>
public sealed class RawRows
{
    /// <summary>An empty buffer for <paramref name="set"/>.</summary>
    public RawRows(StreamSet set)
    {
        Set = set;
        Columns = new RowColumns(set.Streams.Length);
    }

    /// <summary>The streams of the rows.</summary>
    public StreamSet Set { get; }

    /// <summary>The rows. Only collect and the gate have business here.</summary>
    public RowColumns Columns { get; }
}

/// <summary>A picture as the camera gave it: metadata and all. Only the gate reads it; it cannot be stored.</summary>
/// <param name="Sensor">Name of the camera.</param>
/// <param name="Field">The vocabulary's field, <c>image.photo</c>.</param>
/// <param name="Jpeg">The JPEG file.</param>
/// <param name="Captured">When it was taken.</param>
/// <param name="RequestId">Id of the command that asked for it, or null when the schedule did.</param>
public sealed record RawImage(string Sensor, string Field, ReadOnlyMemory<byte> Jpeg, Stamp Captured, string? RequestId = null)
{
    /// <summary>The stored picture that this one was made from (a thumbnail, a masked or a smaller one); null for one from the camera.</summary>
    public ImageParent? Parent { get; init; }
}

/// <summary>What a picture hands down to those made from it (R62, R64).</summary>
/// <param name="ImageId">Its id in the store.</param>
/// <param name="Captured">When it was taken.</param>
/// <param name="Term">How long it may be kept from then on.</param>
public sealed record ImageParent(string ImageId, Stamp Captured, TimeSpan Term)
{
    /// <summary>As the parent of what is made from an admitted picture that was stored under <paramref name="imageId"/>.</summary>
    public static ImageParent Of(string imageId, AdmittedImage image) => new(imageId, image.Captured, image.Permit.Term);
}
