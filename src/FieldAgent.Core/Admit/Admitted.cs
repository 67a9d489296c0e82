namespace FieldAgent.Core;

/// <summary>Readings that the gate let through, already as coarse as they must be. The only form that can be stored.
/// Points into the gate's buffers: valid until the sink returns.</summary>
public readonly struct AdmittedRows
{
    private readonly RowColumns _columns;
    private readonly int _start;

    // Only the gate (FieldAgent.Privacy) sees this: no other code can call readings admitted.
    internal AdmittedRows(StreamSet set, Permit permit, RowColumns columns)
        : this(set, permit, columns, 0, columns.Count)
    {
    }

    private AdmittedRows(StreamSet set, Permit permit, RowColumns columns, int start, int count)
    {
        Set = set;
        Permit = permit;
        _columns = columns;
        _start = start;
        Count = count;
    }

    /// <summary>The streams, as admitted: reduced data may have fewer streams and a coarser scale than the sensor's.</summary>
    public StreamSet Set { get; }

    /// <summary>The grounds.</summary>
    public Permit Permit { get; }

    /// <summary>Number of rows.</summary>
    public int Count { get; }

    /// <summary>Number of streams.</summary>
    public int Width => _columns.Width;

    /// <summary>True when no row lacks a value.</summary>
    public bool IsDense => _columns.IsDense;

    /// <summary>Boot-time of each row, ns.</summary>
    public ReadOnlySpan<long> BootNs => _columns.BootNs.Slice(_start, Count);

    /// <summary>Mask of the values each row has.</summary>
    public ReadOnlySpan<ulong> Present => _columns.Present.Slice(_start, Count);

    /// <summary>Values of stream <paramref name="column"/>; undefined where absent.</summary>
    public ReadOnlySpan<double> Values(int column) => _columns.Values(column).Slice(_start, Count);

    /// <summary>Number of readings in these rows.</summary>
    public long Readings
    {
        get
        {
            if (IsDense)
            {
                return (long)Count * Width;
            }

            long n = 0;
            foreach (var mask in Present)
            {
                n += (long)ulong.PopCount(mask);
            }

            return n;
        }
    }

    /// <summary>Rows <paramref name="start"/> to <paramref name="start"/> + <paramref name="count"/> − 1.</summary>
    public AdmittedRows Slice(int start, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start + count, Count);
        return new AdmittedRows(Set, Permit, _columns, _start + start, count);
    }
}

/// <summary>A picture that the gate let through: no metadata but what a grant names. The only form that can be stored.</summary>
public sealed class AdmittedImage
{
    // Only the gate (FieldAgent.Privacy) sees this.
    internal AdmittedImage(
        string sensor, Permit permit, ReadOnlyMemory<byte> jpeg, Stamp captured, string? requestId, string? parentId = null)
    {
        ParentId = parentId;
        Sensor = sensor;
        Permit = permit;
        Jpeg = jpeg;
        Captured = captured;
        RequestId = requestId;
    }

    /// <summary>Name of the camera.</summary>
    public string Sensor { get; }

    /// <summary>The grounds.</summary>
    public Permit Permit { get; }

    /// <summary>The JPEG file without metadata segments.</summary>
    public ReadOnlyMemory<byte> Jpeg { get; }

    /// <summary>When it was taken; of one made from another: when that one was, so that it goes no later.</summary>
    public Stamp Captured { get; }

    /// <summary>Id of the stored picture that it was made from (R62); null for one from the camera.</summary>
    public string? ParentId { get; }

    /// <summary>The command that asked for it, or null.</summary>
    public string? RequestId { get; }
}

/// <summary>Takes what the gate lets through.</summary>
public interface IAdmittedSink
{
    /// <summary>Takes rows; they are only valid during the call.</summary>
    void Take(in AdmittedRows rows);
}

/// <summary>The gate: the only maker of admitted data. Decisions are pure; any thread may ask. It also knows the legal holds, so that whoever
/// gives up what may not be sent asks in the same place whether it must be kept.</summary>
public interface IGate : IHolds
{
    /// <summary>Raised (on the thread that changed it) after a consent or the policy changed, or a decision changed because its time came.
    /// When the call that caused it returns, nobody decides by the old state any more.</summary>
    event Action? Changed;

    /// <summary>Version of the policy in force.</summary>
    string PolicyVersion { get; }

    /// <summary>The decision, in this order: never-list, residency, withdrawal or restriction, prohibition, basis or consent, deny. Total:
    /// every question has an answer. No allocation, no I/O, well under a microsecond.</summary>
    Decision Decide(in Question question);

    /// <summary>The same for new data, now.</summary>
    Decision Decide(Stage stage, string function, string field, string? recipient = null);

    /// <summary>The same for stored data that <paramref name="admittedUnder"/> let in, now.</summary>
    Decision Decide(Stage stage, string function, string field, string? recipient, long admittedUnder);

    /// <summary>Looks whether a decision has changed because its time came (a consent that lapses), and does what is to be done then.
    /// Costs a comparison when none has; to be called with every flush.</summary>
    void Watch()
    {
    }

    /// <summary>May a sensor that yields <paramref name="field"/> be opened: does any function that is on need it?</summary>
    bool MayCollect(string field);

    /// <summary>The most favourable of the decisions that functions get for collecting <paramref name="field"/>: a permit, else a refusal for now
    /// alone, else why the first of them may not.</summary>
    Decision BestFor(string field);

    /// <summary>Lets through what is allowed: calls <paramref name="sink"/> once for each function that may have the rows,
    /// reduced to its precision. Called by one thread at a time. Denials are counted.</summary>
    /// <returns>The number of functions that got the rows.</returns>
    int Admit(RawRows rows, IAdmittedSink sink);

    /// <summary>Lets a picture through without its metadata, or says why not.</summary>
    Decision Admit(RawImage image, out AdmittedImage? admitted);
}
