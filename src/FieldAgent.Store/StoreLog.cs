using Microsoft.Extensions.Logging;

namespace FieldAgent.Store;

/// <summary>What the store says. No values, no positions, no identifiers.</summary>
internal static partial class StoreLog
{
    [LoggerMessage(1, LogLevel.Information, "store: {Text}; {Library}")]
    public static partial void Opened(ILogger logger, string text, string library);

    [LoggerMessage(2, LogLevel.Error, "store: database set aside as {Aside}: {Why}")]
    public static partial void SetAside(ILogger logger, string aside, string why);

    [LoggerMessage(3, LogLevel.Warning, "store: {Count} consent events carried over from the database set aside")]
    public static partial void ConsentsSalvaged(ILogger logger, int count);

    [LoggerMessage(4, LogLevel.Error, "store: the consent ledger could not be read whole ({Why}); no consent stands until given again")]
    public static partial void ConsentsLost(ILogger logger, string why);

    [LoggerMessage(5, LogLevel.Warning, "store: {Reason}: gave up {Blocks} blocks or pictures, {Readings} readings")]
    public static partial void Evicted(ILogger logger, string reason, long blocks, long readings);

    [LoggerMessage(6, LogLevel.Warning, "store: an item of function {Function} cannot be read ({Why}); announced as a gap")]
    public static partial void Unreadable(ILogger logger, string function, string why);

    [LoggerMessage(7, LogLevel.Warning, "store: {Place} may be read by other users: chmod 600 it")]
    public static partial void KeyTooOpen(ILogger logger, string place);

    [LoggerMessage(8, LogLevel.Warning, "store: identity file restored from the database")]
    public static partial void IdentityRestored(ILogger logger);

    [LoggerMessage(9, LogLevel.Warning, "store: reopened after: {Why}")]
    public static partial void Reopened(ILogger logger, string why);

    [LoggerMessage(10, LogLevel.Warning, "store: erased data may remain in the write-ahead log until the next checkpoint; its keys are gone")]
    public static partial void CheckpointIncomplete(ILogger logger);

    [LoggerMessage(11, LogLevel.Information, "store: erased {Count} readings and pictures of ({Function}, {Field})")]
    public static partial void Erased(ILogger logger, long count, string function, string field);

    [LoggerMessage(12, LogLevel.Warning, "store: {Path} could not be deleted: {Why}")]
    public static partial void NotDeleted(ILogger logger, string path, string why);

    [LoggerMessage(13, LogLevel.Warning, "store: recipient '{Name}' is no longer configured; what only it waited for is deleted ({Items} items)")]
    public static partial void RecipientRemoved(ILogger logger, string name, long items);

    [LoggerMessage(14, LogLevel.Error, "store: identity file was damaged and had no copy; a new identity was made")]
    public static partial void IdentityLost(ILogger logger);

    [LoggerMessage(15, LogLevel.Error, "store: the key root memory ({Place}) has lost its secret; what was stored cannot be read any more")]
    public static partial void KeyRootLost(ILogger logger, string place);

    [LoggerMessage(16, LogLevel.Information, "store: erasure {Id} ({Ground}): {Items} blocks and pictures, {Keys} keys; verified, {Files} files with {Bytes} bytes scanned")]
    public static partial void Verified(ILogger logger, long id, string ground, long items, int keys, int files, long bytes);

    [LoggerMessage(17, LogLevel.Warning, "store: erasure {Id} is not verified yet, its data is unreadable already; tried again with the next sweep: {Why}")]
    public static partial void NotVerified(ILogger logger, long id, string why);

    [LoggerMessage(18, LogLevel.Warning, "store: {Count} scopes are past their term or delivered, and under a legal hold; they are erased when it ends")]
    public static partial void Held(ILogger logger, int count);

    [LoggerMessage(19, LogLevel.Warning,
        "store: no room for what is new: {Count} delivered copies under a legal hold were given up; their recipients have them. Release the hold, or raise the cap")]
    public static partial void HeldGivenUp(ILogger logger, int count);
}
