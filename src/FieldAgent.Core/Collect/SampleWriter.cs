namespace FieldAgent.Core;

/// <summary>Says when enough has gathered to be stored: after so many readings, or at once for something urgent, and for the very
/// first reading, so that a technician sees at once whether storing works. Thread-safe.</summary>
public sealed class FlushSignal(int readingsMax) : IDisposable
{
    private readonly ManualResetEventSlim _due = new(false);
    private long _pending;
    private int _begun;

    /// <summary>Set when a flush is due before its time.</summary>
    public WaitHandle Due => _due.WaitHandle;

    /// <summary>True when a flush is due before its time.</summary>
    public bool IsDue => _due.IsSet;

    /// <summary>Readings that wait for the next flush.</summary>
    public long Pending => Volatile.Read(ref _pending);

    /// <summary>Counts <paramref name="readings"/> more; sets <see cref="Due"/> at the limit or when urgent.</summary>
    public void Add(int readings, bool urgent)
    {
        if (Interlocked.Add(ref _pending, readings) >= readingsMax || urgent
            || (Volatile.Read(ref _begun) == 0 && Interlocked.Exchange(ref _begun, 1) == 0))
        {
            Raise();
        }
    }

    /// <summary>Asks for a flush now.</summary>
    public void Raise()
    {
        if (!_due.IsSet)
        {
            _due.Set();
        }
    }

    /// <summary>The flush begins: count from zero again.</summary>
    public void Reset()
    {
        Interlocked.Exchange(ref _pending, 0);
        _due.Reset();
    }

    /// <inheritdoc/>
    public void Dispose() => _due.Dispose();
}

/// <summary>Where a sensor leaves its rows and the pipeline takes them: two buffers that change places.
/// One sensor thread writes, one pipeline thread takes; a full buffer makes the sensor wait, so nothing is dropped here.</summary>
public sealed class SampleWriter : IDisposable
{
    private readonly Lock _lock = new();
    private readonly FlushSignal _signal;
    private readonly ManualResetEventSlim _room = new(true);
    private readonly int _rowsMax;
    private RawRows _front;
    private RawRows _back;
    private bool _closed;

    /// <summary>A writer for <paramref name="set"/> that holds at most <paramref name="rowsMax"/> rows.</summary>
    public SampleWriter(StreamSet set, FlushSignal signal, int rowsMax)
    {
        Set = set;
        _signal = signal;
        _rowsMax = rowsMax;
        _front = new RawRows(set);
        _back = new RawRows(set);
    }

    /// <summary>The streams this writer takes.</summary>
    public StreamSet Set { get; }

    /// <summary>Rows written since the start.</summary>
    public long Rows { get; private set; }

    /// <summary>Boot-time of the newest row, ns; 0 before the first.</summary>
    public long LastBootNs { get; private set; }

    /// <summary>How often a row had to wait for room: the disk or the processor does not keep up.</summary>
    public long Waits { get; private set; }

    /// <summary>Adds one row; blocks while the buffer is full.</summary>
    /// <param name="bootNs">When the row was sampled, boot-time ns.</param>
    /// <param name="values">One value a stream of the set.</param>
    /// <param name="stop">Ends the wait for room.</param>
    /// <param name="present">Bit i says that <c>values[i]</c> is there; the default means all.</param>
    /// <returns>False when the writer was closed or <paramref name="stop"/> was set: the row was not taken.</returns>
    public bool Write(long bootNs, ReadOnlySpan<double> values, CancellationToken stop, ulong present = ulong.MaxValue)
    {
        present &= Set.AllPresent;
        while (true)
        {
            lock (_lock)
            {
                if (_closed)
                {
                    return false;
                }

                if (_front.Columns.Count < _rowsMax)
                {
                    _front.Columns.Append(bootNs, values, present);
                    Rows++;
                    LastBootNs = bootNs;
                    break;
                }

                Waits++;
                _room.Reset();
            }

            _signal.Raise();
            try
            {
                _room.Wait(stop);
            }
            catch (OperationCanceledException)
            {
                return false;
            }
        }

        _signal.Add((int)ulong.PopCount(present), Set.Urgent);
        return true;
    }

    /// <summary>Takes what has gathered; the returned rows are the caller's until the next call.</summary>
    public RawRows Take()
    {
        lock (_lock)
        {
            _back.Columns.Clear();
            (_front, _back) = (_back, _front);
            _room.Set();
            return _back;
        }
    }

    /// <summary>True when rows wait up to the limit: the next row makes the sensor wait.</summary>
    public bool IsFull
    {
        get
        {
            lock (_lock)
            {
                return _front.Columns.Count >= _rowsMax;
            }
        }
    }

    /// <summary>True when later rows are refused.</summary>
    public bool IsClosed
    {
        get
        {
            lock (_lock)
            {
                return _closed;
            }
        }
    }

    /// <summary>True when the writer is closed and nothing is left to take: its owner may forget it.</summary>
    public bool IsDrained
    {
        get
        {
            lock (_lock)
            {
                return _closed && _front.Columns.Count == 0;
            }
        }
    }

    /// <summary>Closes the writer: later rows are refused. With <paramref name="forget"/> what has gathered is wiped too,
    /// as a withdrawn consent demands.</summary>
    public void Close(bool forget)
    {
        lock (_lock)
        {
            _closed = true;
            if (forget)
            {
                _front.Columns.Clear(wipe: true);
            }

            _room.Set();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Close(forget: true);
        _room.Dispose();
    }
}
