namespace FieldAgent.Core;

/// <summary>What an erasure covers: one rule's data, or the older part of it.</summary>
/// <param name="Function">The function.</param>
/// <param name="Field">The field.</param>
/// <param name="BeforeWallUnixNs">Only what was collected before this wall time; all when it is <see cref="long.MaxValue"/>.</param>
/// <param name="ImagesOnly">Only pictures.</param>
/// <remarks>A function or field of <see cref="Any"/> covers all of them, also those of policies that are no longer in force.</remarks>
public readonly record struct ErasureScope(
    string Function, string Field, long BeforeWallUnixNs = long.MaxValue, bool ImagesOnly = false)
{
    /// <summary>Stands for every function, or every field.</summary>
    public const string Any = "*";

    /// <summary>True when it covers data of (<paramref name="function"/>, <paramref name="field"/>), of whatever time.</summary>
    public bool Covers(string function, string field) =>
        (Function == Any || Function == function) && (Field == Any || Field == field);
}

/// <summary>Grounds of erasures that have a meaning of their own.</summary>
public static class ErasureGrounds
{
    /// <summary>The person concerned turned out to be under 14: carried out before everything else that waits (R103).</summary>
    public const string Minor = "minor";

    /// <summary>A legal hold has ended that kept copies on the board after their delivery (R86).</summary>
    public const string HoldEnded = "hold-ended";
}

/// <summary>How far an erasure is. Nothing is called erased before it is <see cref="Verified"/>.</summary>
public enum ErasureState : byte
{
    /// <summary>Noted; from now on the data is unreadable to everybody but this job.</summary>
    Begun,

    /// <summary>The keys are destroyed, durably.</summary>
    KeysDestroyed,

    /// <summary>Rows and files are deleted.</summary>
    Deleted,

    /// <summary>The log was truncated, completely.</summary>
    Truncated,

    /// <summary>A scan of every byte of the state directory found nothing of it.</summary>
    Verified,
}

/// <summary>What an erasure did, and what it could not prove.</summary>
/// <param name="Id">Number of the job, ascending from 1.</param>
/// <param name="State">How far it is.</param>
/// <param name="Scopes">What it covers.</param>
/// <param name="Reason">Why, as announced in gaps.</param>
/// <param name="Ground">Why, in a word of the caller's: <c>withdrawn</c>, <c>term-over</c>, <c>hold-ended</c>.</param>
/// <param name="Items">Blocks and pictures erased, and documents that waited to be sent.</param>
/// <param name="Readings">Readings in them.</param>
/// <param name="KeysDestroyed">Keys destroyed.</param>
/// <param name="Method">How: <c>aes-256-gcm key destroyed, rows and files deleted, log truncated</c> and what else holds.</param>
/// <param name="ScannedFiles">Files scanned for remains.</param>
/// <param name="ScannedBytes">Bytes in them.</param>
/// <param name="RemainsFound">Remains that the last scan found; 0 when verified.</param>
/// <param name="Held">Scopes that a legal hold kept from being erased.</param>
/// <param name="NotProved">What cannot be proved on this board, such as what the flash keeps of overwritten blocks.</param>
/// <param name="BegunAt">When it began.</param>
/// <param name="VerifiedAt">When it was verified; default before.</param>
public sealed record ErasureReport(
    long Id, ErasureState State, IReadOnlyList<ErasureScope> Scopes, GapReason Reason, string Ground, long Items, long Readings,
    int KeysDestroyed, string Method, int ScannedFiles, long ScannedBytes, int RemainsFound, IReadOnlyList<ErasureScope> Held,
    IReadOnlyList<string> NotProved, Stamp BegunAt, Stamp VerifiedAt);

/// <summary>Erases for good and proves it: keys, then rows and files, then the log, then a scan of the raw files. A power cut at any step is
/// made good at the next start. Any thread; one job at a time.</summary>
public interface IEraser
{
    /// <summary>Raised when a job is verified, once a job, on the thread that finished it. One that was finished while nobody listened, at the
    /// start, is told to the first who does. A power cut may come between: then it stands in <see cref="Reports"/> only.</summary>
    event Action<ErasureReport>? Verified;

    /// <summary>Erases what <paramref name="scopes"/> cover and no hold protects. Blocks until it is verified.</summary>
    /// <param name="scopes">What.</param>
    /// <param name="reason">How the gap is announced.</param>
    /// <param name="ground">Why, one word. What <see cref="ErasureGrounds"/> names is treated in its way.</param>
    /// <returns>What was done. Scopes that a hold protects are in <see cref="ErasureReport.Held"/>; they are erased when it has ended, by a job
    /// of their own.</returns>
    /// <exception cref="StoreFault">It is not finished; it goes on with the next call, sweep or start. What was begun is unreadable already.</exception>
    ErasureReport Erase(IReadOnlyList<ErasureScope> scopes, GapReason reason, string ground);

    /// <summary>All jobs that are kept, newest first.</summary>
    IReadOnlyList<ErasureReport> Reports();
}
