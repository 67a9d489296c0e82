using FieldAgent.Core;

namespace FieldAgent.Store;

/// <summary>The store's limits, each with the reason for its default.</summary>
public sealed record StoreLimits
{
    /// <summary>Values (present or not, times included) that one block may decode to. Bounds the memory a damaged or hostile
    /// block can claim; 65 values a row, 65,536 rows.</summary>
    public const int BlockValuesMax = 65 * BlockReadingsCeiling;

    /// <summary>The largest permitted <see cref="StoreOptions.BlockReadingsMax"/>: a decoded block stays under 34 MB in the worst
    /// case, and under 1 MB in any sensible one.</summary>
    public const int BlockReadingsCeiling = 65_536;

    /// <summary>A part in so many of the cap that copies under a legal hold may fill after their delivery: the other half stays to the board's
    /// own work.</summary>
    public const int KeptShare = 2;

    /// <summary>Recipients at most: a block's waiting recipients are bits of one number.</summary>
    public const int RecipientsMax = 32;

    /// <summary>Blocks in one transaction: larger ones gain no speed, and the write-ahead log grows by what one transaction
    /// writes. Fewer where they would not fit <see cref="WalBytes"/>.</summary>
    public int BlocksPerCommitMax { get; init; } = 64;

    /// <summary>Acknowledgements of one recipient kept in memory before they are written at once: one fsync for so many deletes during the
    /// drain of a backlog, and so many duplicates after a power cut. While something else is being written they are taken along with it.</summary>
    public int SettleAfter { get; init; } = 256;

    /// <summary>Acknowledgements of one recipient kept in memory at most, however busy the writer is: beyond, delivery waits for it.</summary>
    public int UnsettledMax { get; init; } = 1024;

    /// <summary>Bytes of encoded blocks kept in memory while the disk refuses them: an hour of ten streams at 1 Hz; what is beyond
    /// is given up, least important and oldest first.</summary>
    public long PendingBytesMax { get; init; } = 4 << 20;

    /// <summary>Items a reader fetches at once: amortises the statement, and keeps a read short so that it never holds up a
    /// checkpoint.</summary>
    public int PrefetchItems { get; init; } = 64;

    /// <summary>Bytes a reader fetches at once, at most (one item may exceed it).</summary>
    public int PrefetchBytes { get; init; } = 256 << 10;

    /// <summary>Items given up or erased in one transaction: bounds the write-ahead log on a full disk.</summary>
    public int ItemsPerChunk { get; init; } = 256;

    /// <summary>Announcements of gaps that wait at most; beyond that those of one function and reason are merged even where
    /// they are not adjacent.</summary>
    public int GapsMax { get; init; } = 1000;

    /// <summary>Bytes of a picture: a 12-megapixel JPEG of best quality is about half.</summary>
    public int ImageBytesMax { get; init; } = 16 << 20;

    /// <summary>Damaged databases kept for a technician. They count towards the cap and go first when it is reached.</summary>
    public int AsideMax { get; init; } = 2;

    /// <summary>Commands remembered at most; the one that expires first is forgotten first. A year of one an hour.</summary>
    public int CommandsMax { get; init; } = 10_000;

    /// <summary>Characters of a command's stored result: fits an MQTT message of 128 KiB in the worst case.</summary>
    public int CommandResultCharsMax { get; init; } = 32_768;

    /// <summary>Notices that wait for their recipients at most: years of receipts to 32 recipients.</summary>
    public int NoticesMax { get; init; } = 1000;

    /// <summary>Bytes of all waiting notices at most, and never more than a 16th of <see cref="StoreOptions.StateBytesMax"/>: a
    /// thousand receipts of two kilobytes.</summary>
    public long NoticesBytesMax { get; init; } = 2 << 20;

    /// <summary>Bytes of one notice's document: with its envelope it stays under the 126 KiB of a message.</summary>
    public int NoticeBytesMax { get; init; } = 124 << 10;

    /// <summary>Of the audit.</summary>
    public AuditLimits Audit { get; init; } = new();

    /// <summary>Incidents that are kept at most, one a kind and place; the oldest gives way.</summary>
    public int IncidentsMax { get; init; } = 100;

    /// <summary>Events in the consent ledger: a person's lifetime of decisions; stops a runaway client.</summary>
    public int ConsentsMax { get; init; } = 100_000;

    /// <summary>Nanoseconds for which deliveries are kept, from their last acknowledgement: half a year, so that whoever has data can be told to
    /// erase it, and questions about a season's data can be answered (R32).</summary>
    public long DeliveryTermNs { get; init; } = 180L * 86_400 * 1_000_000_000;

    /// <summary>Runs of deliveries kept at most, oldest forgotten first: one a rule, recipient and day for half a year of 55 of them.</summary>
    public int DeliveriesMax { get; init; } = 10_000;

    /// <summary>Requests of persons kept at most, and as many corrections; answered ones are forgotten first.</summary>
    public int RequestsMax { get; init; } = 1000;

    /// <summary>Keys that may sign requests: the people around one board.</summary>
    public int SubjectKeysMax { get; init; } = 64;

    /// <summary>Flushes between two real measurements of the state directory; in between its size is reckoned.</summary>
    public int FlushesPerMeasure { get; init; } = 60;

    /// <summary>Bytes the write-ahead log is cut back to, that are always reckoned with for it, and that a transaction is kept
    /// within: a checkpoint each 1,000 pages costs little, and a log that is in place already can be written on a full disk. At most a
    /// 16th of the cap and of the file system, 64 KiB at least. The reserve for a full disk is as large.</summary>
    public long WalBytes { get; init; } = 1 << 20;

    /// <summary>Nanoseconds between two reports of the same kind of loss: a full disk loses something with every flush.</summary>
    public long LossReportNs { get; init; } = 60_000_000_000;
}
