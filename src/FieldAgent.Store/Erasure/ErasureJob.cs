using FieldAgent.Core;

namespace FieldAgent.Store.Erasure;

/// <summary>A scope of a job.</summary>
/// <param name="Scope">What the caller asked for.</param>
/// <param name="Held">Whether a legal hold kept it from being erased.</param>
/// <param name="ToItem">Only items before this id: what was stored later was not asked for.</param>
internal sealed record JobScope(ErasureScope Scope, HeldState Held, long ToItem);

/// <summary>What a legal hold did to a scope.</summary>
internal enum HeldState : byte
{
    /// <summary>Nothing.</summary>
    Free,

    /// <summary>Kept it; it is erased once the hold ends.</summary>
    Held,

    /// <summary>Kept it, and has ended: a later job erased it.</summary>
    Released,
}

/// <summary>An erasure on its way, as it is kept between its steps. Under the write lock.</summary>
internal sealed class ErasureJob
{
    public long Id { get; set; }

    public ErasureState State { get; set; }

    public List<JobScope> Scopes { get; init; } = [];

    public required GapReason Reason { get; init; }

    public required string Ground { get; init; }

    /// <summary>Blocks, and documents that waited to be sent.</summary>
    public long Blocks { get; set; }

    public long Images { get; set; }

    public long Readings { get; set; }

    /// <summary>Keys that go as a whole.</summary>
    public int Keys { get; set; }

    /// <summary>Keys from before there were marks: what they sealed cannot be scanned for.</summary>
    public int Unmarked { get; set; }

    /// <summary>The effaceable memory whose secret was overwritten; empty without one.</summary>
    public string Effaced { get; set; } = "";

    public int ScannedFiles { get; set; }

    public long ScannedBytes { get; set; }

    public int Remains { get; set; }

    public required Stamp BegunAt { get; init; }

    public Stamp VerifiedAt { get; set; }

    /// <summary>What is erased; empty once it is verified.</summary>
    public List<DoomedRun> Runs { get; init; } = [];

    /// <summary>True once listeners were told, or were in an earlier run.</summary>
    public bool IsTold { get; set; }

    /// <summary>True while there is work left.</summary>
    public bool IsOpen => State != ErasureState.Verified;

    /// <summary>What callers see.</summary>
    public ErasureReport Report() => new(
        Id, State, [.. Scopes.Where(static s => s.Held == HeldState.Free).Select(static s => s.Scope)], Reason, Ground, Blocks + Images, Readings,
        State >= ErasureState.KeysDestroyed ? Keys : 0, Method(), ScannedFiles, ScannedBytes, Remains,
        [.. Scopes.Where(static s => s.Held == HeldState.Held).Select(static s => s.Scope)], NotProved(), BegunAt, VerifiedAt);

    private string Method() =>
        "AES-256-GCM keys destroyed, rows and files deleted, log truncated, unused space of the database overwritten, every file of the "
        + "state directory scanned for the marks of the keys"
        + (Effaced.Length == 0 ? "" : $", half of what wrapped the keys overwritten in place ({Effaced})");

    private List<string> NotProved()
    {
        var notes = new List<string>();
        if (Effaced.Length == 0)
        {
            notes.Add("the card's flash may keep earlier copies of overwritten blocks, among them wrapped keys, which whoever has the root key "
                + "could open; a key root memory (state.keyRoot) rules that out");
        }

        if (Runs.Exists(static run => !run.Whole) || Scopes.Exists(static s => s.Scope.BeforeWallUnixNs != long.MaxValue))
        {
            notes.Add("of a day that was erased in part the key stands until the rest of the day is erased; that no more than the rest is "
                + "sealed with it was counted in the files");
        }

        if (Unmarked > 0)
        {
            notes.Add("what a version before 1.1 stored carries no marks that could be scanned for; its keys are destroyed");
        }

        return notes;
    }
}
