namespace FieldAgent.Core;

/// <summary>What is known of a held item besides its content.</summary>
/// <param name="Unreadable">Why its content cannot be read, in a few plain words; empty when it can be.</param>
/// <param name="Basis">The rule's legal basis when it was admitted.</param>
/// <param name="Precision">How exact it is.</param>
/// <param name="Term">How long it may be kept.</param>
/// <param name="PolicyHash">Hash of the policy when it was admitted.</param>
/// <param name="Pending">Recipients that still wait for it.</param>
/// <param name="ReadingWallUnixNs">Wall time of its first reading, by the best knowledge of now.</param>
public sealed record HeldItem(
    string Unreadable, LegalBasis Basis, Precision Precision, TimeSpan Term, string PolicyHash, IReadOnlyList<string> Pending,
    long ReadingWallUnixNs);

/// <summary>How much is held on one ground.</summary>
/// <param name="Function">The function.</param>
/// <param name="Field">The field.</param>
/// <param name="Purpose">What for.</param>
/// <param name="Basis">Legal basis.</param>
/// <param name="Precision">How exact.</param>
/// <param name="Term">Retention term.</param>
/// <param name="ConsentId">The consent event; 0 when none was needed.</param>
/// <param name="PolicyVersion">The policy when it was admitted.</param>
/// <param name="Kind">Blocks or pictures.</param>
/// <param name="Items">How many.</param>
/// <param name="Readings">Readings in them.</param>
/// <param name="Bytes">Sealed bytes, without files of pictures.</param>
/// <param name="OldestWallUnixNs">Wall time of the oldest.</param>
/// <param name="NewestWallUnixNs">Wall time of the newest.</param>
/// <param name="Pending">Items that wait, by recipient.</param>
public sealed record HeldSummary(
    string Function, string Field, string Purpose, LegalBasis Basis, Precision Precision, TimeSpan Term, long ConsentId,
    string PolicyVersion, SpoolItemKind Kind, long Items, long Readings, long Bytes, long OldestWallUnixNs, long NewestWallUnixNs,
    IReadOnlyDictionary<string, long> Pending);

/// <summary>Looks at all that the spool holds without touching its delivery: what was there when the view was opened, in the order of
/// the items' ids. Memory is bounded; never waits for a flush. One thread.</summary>
public interface ISpoolView : IDisposable
{
    /// <summary>Reads the next item. What is erased, expired or damaged comes without content.</summary>
    /// <returns>False at the end.</returns>
    /// <exception cref="StoreFault">The database does not answer.</exception>
    bool TryRead(SpoolItem item, out HeldItem held);

    /// <summary>Reads part of the last read picture.</summary>
    /// <returns>Bytes read; less than asked only at its end.</returns>
    /// <exception cref="StoreFault">The file is gone or damaged.</exception>
    int ReadImage(SpoolImage image, long offset, Span<byte> buffer);

    /// <summary>How much there is on each ground; opens no content.</summary>
    /// <exception cref="StoreFault">The database does not answer.</exception>
    IReadOnlyList<HeldSummary> Summarize();
}
