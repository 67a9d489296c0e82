namespace FieldAgent.Core;

/// <summary>Why the store failed.</summary>
public enum StoreFaultKind
{
    /// <summary>The disk or the cap is full even after giving up what may be given up.</summary>
    Full,

    /// <summary>The database is damaged; it is set aside at the next start.</summary>
    Corrupt,

    /// <summary>A ledger was changed by somebody else than the agent; the database is set aside.</summary>
    Tampered,

    /// <summary>Another process holds it.</summary>
    Busy,

    /// <summary>The file system refuses (read-only, permissions).</summary>
    Refused,

    /// <summary>What was to be stored is larger than the store takes.</summary>
    TooLarge,

    /// <summary>Any other I/O error.</summary>
    Io,
}

/// <summary>A fault of the store's surroundings.</summary>
/// <param name="kind">What is wrong.</param>
/// <param name="message">The place and the remedy.</param>
/// <param name="retry">True when the same call may succeed later.</param>
/// <param name="inner">The cause.</param>
public sealed class StoreFault(StoreFaultKind kind, string message, bool retry, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>What is wrong.</summary>
    public StoreFaultKind Kind { get; } = kind;

    /// <summary>True when the same call may succeed later.</summary>
    public bool Retry { get; } = retry;
}

/// <summary>Why something stored was given up undelivered. Each is announced as a gap.</summary>
public enum GapReason : byte
{
    /// <summary>The state directory's byte cap was reached.</summary>
    StorageCap,

    /// <summary>The disk's free-space floor was reached, or the disk was full.</summary>
    DiskFull,

    /// <summary>The retention term ended before delivery.</summary>
    TermOver,

    /// <summary>Consent was withdrawn; what was not sent is erased.</summary>
    ConsentWithdrawn,

    /// <summary>A damaged database was set aside; numbering starts anew.</summary>
    StoreReset,

    /// <summary>A block could not be read back (damaged row or key).</summary>
    Unreadable,

    /// <summary>The recipient refused the message for good (too large, invalid).</summary>
    Rejected,

    /// <summary>A person asked for it to be deleted, or everything ended (R91, R94).</summary>
    Erased,
}

/// <summary>What a flush did.</summary>
/// <param name="Blocks">Blocks stored.</param>
/// <param name="Readings">Readings in them.</param>
/// <param name="Images">Pictures stored.</param>
/// <param name="PayloadBytes">Sealed bytes of the blocks.</param>
public readonly record struct FlushOutcome(int Blocks, long Readings, int Images, long PayloadBytes);

/// <summary>What waits in the spool; cheap to ask.</summary>
/// <param name="Blocks">Blocks that wait.</param>
/// <param name="Readings">Readings in them.</param>
/// <param name="Images">Pictures that wait.</param>
/// <param name="StateBytes">Bytes of the whole state directory.</param>
/// <param name="StateBytesMax">Their cap.</param>
/// <param name="OldestWallUnixNs">Estimated wall time of the oldest undelivered block; 0 when none.</param>
/// <param name="Evicted">Readings given up since the start, announced as gaps.</param>
/// <param name="Kept">Blocks and pictures that a legal hold keeps although they are delivered; not among those that wait.</param>
/// <param name="Unwritten">Readings and pictures that the last flush could not make durable: they are in memory alone.</param>
public readonly record struct SpoolState(
    long Blocks, long Readings, long Images, long StateBytes, long StateBytesMax, long OldestWallUnixNs, long Evicted, long Kept = 0,
    long Unwritten = 0);

/// <summary>The durable store between collection and delivery.
/// <see cref="IAdmittedSink.Take"/>, <see cref="Add"/> and <see cref="Flush"/> belong to the pipeline's thread;
/// all else may be called from any thread.</summary>
public interface ISpool : IAdmittedSink, IDisposable
{
    /// <summary>Encrypts a picture into a file; its row becomes durable with the next flush.</summary>
    /// <returns>Its id, to name it as the parent of what is made from it; empty when nobody is to get it and it was not stored.</returns>
    /// <exception cref="StoreFault">It could not be written.</exception>
    string Add(AdmittedImage image);

    /// <summary>Stores all that was taken since the last flush, and deletes what was acknowledged, in one transaction.
    /// Durable when it returns. On a fault everything taken is kept for the next call.</summary>
    /// <exception cref="StoreFault">Not durable; call again when <see cref="StoreFault.Retry"/>.</exception>
    FlushOutcome Flush();

    /// <summary>The delivery side's view for one recipient, starting with the oldest unacknowledged item.</summary>
    ISpoolReader OpenReader(string recipient);

    /// <summary>Erases all unsent data of (function, field), and its key; announces it as a gap. Durable when it returns.</summary>
    /// <returns>Readings and pictures erased.</returns>
    long Erase(string function, string field, GapReason reason);

    /// <summary>What waits, for <c>status</c>.</summary>
    SpoolState State { get; }

    /// <summary>Raised after a flush that stored something, so that couriers wake. Any thread.</summary>
    event Action? Stored;
}

/// <summary>What kind of item waits.</summary>
public enum SpoolItemKind : byte
{
    /// <summary>Readings.</summary>
    Block,

    /// <summary>A picture.</summary>
    Image,

    /// <summary>An announcement that something was given up.</summary>
    Gap,
}

/// <summary>The rows of one set inside a block, decoded.</summary>
public sealed class BlockRows
{
    /// <summary>Rows of <paramref name="set"/>.</summary>
    public BlockRows(StreamSet set)
    {
        Set = set;
        Columns = new RowColumns(set.Streams.Length);
    }

    /// <summary>The streams.</summary>
    public StreamSet Set { get; }

    /// <summary>Times (boot-time ns) and values.</summary>
    public RowColumns Columns { get; }
}

/// <summary>One stored item on its way out. Reused by the reader: valid until the next <see cref="ISpoolReader.TryRead"/>.</summary>
public sealed class SpoolItem
{
    /// <summary>Kind.</summary>
    public SpoolItemKind Kind { get; set; }

    /// <summary>Number of the item in the spool: ascending, never reused within <see cref="Generation"/>.</summary>
    public long Id { get; set; }

    /// <summary>Number of the block or picture within its function, as it is known outside: ascending by one from 1 under each pseudonym, no
    /// hole without a gap.</summary>
    public long Sequence { get; set; }

    /// <summary>Random id of the database; a new one after a reset.</summary>
    public Guid Generation { get; set; }

    /// <summary>The function.</summary>
    public string Function { get; set; } = "";

    /// <summary>The field.</summary>
    public string Field { get; set; } = "";

    /// <summary>The rule's purpose when it was admitted.</summary>
    public string Purpose { get; set; } = "";

    /// <summary>The policy when it was admitted.</summary>
    public string PolicyVersion { get; set; } = "";

    /// <summary>The consent event when it was admitted; 0 when none was needed.</summary>
    public long ConsentId { get; set; }

    /// <summary>The last item under an earlier pseudonym; 0 when there was none.</summary>
    public long ItemBase { get; set; }

    /// <summary>The last consent event under an earlier pseudonym; 0 when there was none.</summary>
    public long ConsentBase { get; set; }

    /// <summary>Number of the item outside the board: counts anew under each pseudonym.</summary>
    public long PublicId => Id - ItemBase;

    /// <summary>Number of the consent event outside the board; 0 when none was needed, or when it is older than the pseudonym: its number
    /// would tell which one came before.</summary>
    public long PublicConsentId => Math.Max(0, ConsentId - ConsentBase);

    /// <summary>The boot in which it was collected.</summary>
    public Guid BootId { get; set; }

    /// <summary>Nanoseconds to add to boot-time for wall time: the best known for that boot.</summary>
    public long WallOffsetNs { get; set; }

    /// <summary>Quality of that offset.</summary>
    public ClockQuality Quality { get; set; }

    /// <summary>True when it was stored before this start of the agent, or before the current connection.</summary>
    public bool Backlog { get; set; }

    /// <summary>For a block: its rows, set by set.</summary>
    public IReadOnlyList<BlockRows> Sets { get; set; } = [];

    /// <summary>For a block: number of readings.</summary>
    public long Readings { get; set; }

    /// <summary>For a picture: its description; null otherwise.</summary>
    public SpoolImage? Image { get; set; }

    /// <summary>For a gap: its description; null otherwise.</summary>
    public SpoolGap? Gap { get; set; }
}

/// <summary>A stored picture.</summary>
/// <param name="ImageId">Random id, 32 hexadecimal digits.</param>
/// <param name="Sensor">Name of the camera.</param>
/// <param name="Bytes">Size of the plain JPEG.</param>
/// <param name="Sha256">SHA-256 of the plain JPEG, lower-case hexadecimal.</param>
/// <param name="CapturedBootNs">When it was taken, boot-time ns of its boot.</param>
/// <param name="RequestId">The command that asked for it, or null.</param>
/// <param name="ParentId">Id of the picture that it was made from, or null.</param>
public sealed record SpoolImage(
    string ImageId, string Sensor, long Bytes, string Sha256, long CapturedBootNs, string? RequestId, string? ParentId = null);

/// <summary>Something given up undelivered.</summary>
/// <param name="Reason">Why.</param>
/// <param name="FromSequence">First missing number of the function.</param>
/// <param name="ToSequence">Last missing number.</param>
/// <param name="Blocks">Blocks or pictures lost.</param>
/// <param name="Readings">Readings lost.</param>
public sealed record SpoolGap(GapReason Reason, long FromSequence, long ToSequence, long Blocks, long Readings);

/// <summary>One recipient's way through the spool, in order of <see cref="SpoolItem.Id"/>. One thread.</summary>
public interface ISpoolReader : IDisposable
{
    /// <summary>Reads the next item for this recipient after the last one read.</summary>
    /// <returns>False when nothing more waits. An item that cannot be opened is skipped, counted and announced as a gap.</returns>
    bool TryRead(SpoolItem item);

    /// <summary>Reads part of the last read picture.</summary>
    /// <returns>Bytes read; less than asked only at its end.</returns>
    /// <exception cref="StoreFault">The file is gone or damaged.</exception>
    int ReadImage(SpoolImage image, long offset, Span<byte> buffer);

    /// <summary>Item <paramref name="id"/>, read before, is about to be sent, or part of it: from here on the recipient may have it, until it is
    /// acknowledged (R78). That outlives the agent and its power: call it before each message of the item leaves. Blocks for the disk once
    /// for a rule (function, field) and reader; otherwise O(1), no I/O, no allocation.</summary>
    /// <returns>False when the item was erased or given up since it was read: it must not be sent.</returns>
    /// <exception cref="StoreFault">It could not be noted: do not send it, try again when <see cref="StoreFault.Retry"/>.</exception>
    bool Sending(long id);

    /// <summary>The recipient has item <paramref name="id"/>; it is deleted (once every recipient has it) with the next
    /// flush, or after some hundred such calls at once. O(1), no I/O most times.</summary>
    void Acknowledge(long id);

    /// <summary>The item can never be delivered to this recipient: deletes it and announces a gap.</summary>
    void GiveUp(long id, GapReason reason);

    /// <summary>Makes the acknowledgements so far durable now.</summary>
    void Settle();

    /// <summary>Starts again at the oldest unacknowledged item: after a lost connection.</summary>
    void Rewind();
}
