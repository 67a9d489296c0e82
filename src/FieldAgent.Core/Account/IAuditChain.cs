namespace FieldAgent.Core;

/// <summary>How far the chain reaches.</summary>
/// <param name="First">Number of the first entry that is kept; the ones before were folded.</param>
/// <param name="Last">Number of the last entry; 0 when there is none.</param>
/// <param name="Hash">Its hash, lower-case hexadecimal; all zeros when there is none.</param>
public sealed record AuditHead(long First, long Last, string Hash);

/// <summary>What a look at every entry found.</summary>
/// <param name="Problem">What is wrong and where, for a technician; empty when the chain holds.</param>
/// <param name="First">Number of the first entry that is kept.</param>
/// <param name="Last">Number of the last entry.</param>
/// <param name="Erased">Entries whose salt was erased: they stand in the chain and cannot be read.</param>
public sealed record AuditCheck(string Problem, long First, long Last, long Erased)
{
    /// <summary>True when the chain holds.</summary>
    public bool IsWhole => Problem.Length == 0;
}

/// <summary>The audit log with what is needed to prove that it is whole. Any thread.</summary>
public interface IAuditChain : IAuditLog
{
    /// <summary>What was wrong when it was opened; empty when nothing was. A chain that was broken is continued and stays broken, so that the
    /// break can be looked into, until <see cref="BeginAnew"/>.</summary>
    string Broken { get; }

    /// <summary>How far it reaches.</summary>
    AuditHead Head { get; }

    /// <summary>Looks at every entry: hash, commitment, numbers, both ends. Blocks for some microseconds an entry.</summary>
    /// <exception cref="StoreFault">It cannot be read.</exception>
    AuditCheck Verify();

    /// <summary>The hash of entry <paramref name="number"/> (also of the last one folded), lower-case hexadecimal; null when it is not kept.</summary>
    string? HashAt(long number);

    /// <summary>Makes an entry unreadable for good and notes that in an entry of its own; the chain stays whole.</summary>
    /// <returns>False when it is not kept, or was erased before.</returns>
    bool EraseSalt(long number);

    /// <summary>Keeps a signed checkpoint; the oldest give way.</summary>
    void KeepCheckpoint(long number, ReadOnlySpan<byte> document);

    /// <summary>The checkpoints that are kept, oldest first.</summary>
    IReadOnlyList<(long Number, byte[] Document)> Checkpoints();

    /// <summary>Folds all entries and the kept checkpoints and goes on with the next number, as an operator decided after a break.</summary>
    void BeginAnew();
}
