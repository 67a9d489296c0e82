namespace FieldAgent.Core;

/// <summary>Every limit of the audit, with the reason for its default.</summary>
public sealed record AuditLimits
{
    /// <summary>Entries that are kept at most; beyond, the oldest are folded: their text goes, their hash stays the ground on which the rest
    /// stands. Ten a day for nearly three years, in about 3 MB.</summary>
    public int EntriesMax { get; init; } = 10_000;

    /// <summary>Bytes of the state directory to each entry: on a small card fewer are kept, and all of them take a 16th of it at most.</summary>
    public int StateBytesPerEntry { get; init; } = 16 * 350;

    /// <summary>Fewest entries that are kept, however small the card: as many as a person can be shown.</summary>
    public int EntriesMin { get; init; } = 100;

    /// <summary>Entries folded with each one that is added, where there are too many: more than are added, in a transaction that stays small.</summary>
    public int FoldMax { get; init; } = 4;

    /// <summary>Longest detail, characters; what is beyond is cut off. A line of text.</summary>
    public int DetailCharsMax { get; init; } = 400;

    /// <summary>Entries after which a checkpoint is made at once: at most so many can be cut off unnoticed by the recipients.</summary>
    public int CheckpointEvery { get; init; } = 100;

    /// <summary>Longest time between two checkpoints: at most a day can be cut off unnoticed.</summary>
    public TimeSpan CheckpointPeriod { get; init; } = TimeSpan.FromDays(1);

    /// <summary>Checkpoints kept on the board: more than a year of daily ones, half a kilobyte each.</summary>
    public int CheckpointsMax { get; init; } = 400;
}
