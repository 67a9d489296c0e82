using System.Collections.Immutable;
using FieldAgent.Core;

namespace FieldAgent.Store;

/// <summary>Where the store lies and how large it may become.</summary>
public sealed record StoreOptions
{
    /// <summary>The state directory; made with mode 0700 when it is not there. Nothing is written anywhere else.</summary>
    public required string Directory { get; init; }

    /// <summary>Names of those data is kept for, at most <see cref="StoreLimits.RecipientsMax"/>. What was kept for a name that is
    /// no longer here is given up at the next start.</summary>
    public required ImmutableArray<string> Recipients { get; init; }

    /// <summary>Bytes of the whole state directory at most. The default leaves a 4 GB card usable and holds weeks of readings.</summary>
    public long StateBytesMax { get; init; } = 256L << 20;

    /// <summary>Bytes the store leaves free on its file system, for logs and updates.</summary>
    public long FreeBytesMin { get; init; } = 64L << 20;

    /// <summary>File with the root key (32 bytes, or 64 hexadecimal digits). Null: <c>$CREDENTIALS_DIRECTORY/fieldagent-root-key</c>
    /// where there is one, else <c>root.key</c> in the state directory, made on first use with mode 0600.</summary>
    public string? RootKeyFile { get; init; }

    /// <summary>A memory that is overwritten in place, for half of what wraps the data keys; null when the board has none.</summary>
    public IEffaceableMemory? KeyRoot { get; init; }

    /// <summary>Called at each step of an erasure, for tests that cut it off there.</summary>
    internal Action<string> AtErasureStep { get; init; } = static _ => { };

    /// <summary>Readings in a block at most: one message's worth.</summary>
    public int BlockReadingsMax { get; init; } = 1000;

    /// <summary>Take the distribution's <c>libsqlite3.so.0</c> where it is present and new enough. The first store opened in a
    /// process decides for all.</summary>
    public bool PreferSystemSqlite { get; init; } = true;

    /// <summary>The other limits.</summary>
    public StoreLimits Limits { get; init; } = new();

    /// <summary>The smallest useful cap.</summary>
    internal const long StateBytesFloor = 1L << 20;

    /// <summary>Bytes the write-ahead log keeps: a part of what there is, so that a small card still holds data.</summary>
    internal long LogBytes(long diskBytes) =>
        Math.Clamp(Math.Min(StateBytesMax, diskBytes) / 16, LogBytesFloor, Math.Max(LogBytesFloor, Limits.WalBytes));

    /// <summary>The smallest log that every small transaction fits.</summary>
    internal const long LogBytesFloor = 64 << 10;

    /// <summary>Refuses what cannot work.</summary>
    /// <exception cref="StoreFault">Names the option and what it must be.</exception>
    internal void Validate()
    {
        Require(!string.IsNullOrWhiteSpace(Directory), "Directory: must name the state directory");
        Require(!Recipients.IsDefault && Recipients.Length <= StoreLimits.RecipientsMax,
            $"Recipients: at most {StoreLimits.RecipientsMax}");
        Require(Recipients.Distinct(StringComparer.Ordinal).Count() == Recipients.Length, "Recipients: a name occurs twice");
        Require(StateBytesMax >= StateBytesFloor, $"StateBytesMax: at least {StateBytesFloor} bytes");
        Require(FreeBytesMin >= 0, "FreeBytesMin: not negative");
        Require(BlockReadingsMax is >= 1 and <= StoreLimits.BlockReadingsCeiling,
            $"BlockReadingsMax: 1 to {StoreLimits.BlockReadingsCeiling}");
        Require(Limits.BlocksPerCommitMax > 0 && Limits.SettleAfter > 0 && Limits.PrefetchItems > 0 && Limits.ItemsPerChunk > 0,
            "Limits: every count must be at least 1");
        Require(Limits.UnsettledMax >= Limits.SettleAfter, "Limits.UnsettledMax: at least Limits.SettleAfter");
    }

    private static void Require(bool holds, string message)
    {
        if (!holds)
        {
            throw new StoreFault(StoreFaultKind.Refused, $"store options: {message}", retry: false);
        }
    }
}
