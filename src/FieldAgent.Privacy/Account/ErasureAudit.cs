using System.Globalization;
using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>Writes one audit entry for each erasure, when it is verified: also for one that was verified just before a power cut. Any thread.</summary>
public sealed class ErasureAudit
{
    private const string ErasureWord = "erasure";

    private readonly IEraser _eraser;
    private readonly IAuditLog _audit;
    private readonly Lock _lock = new();
    private readonly HashSet<long> _told;
    private readonly long _sinceWallUnixNs;

    /// <summary>Begins to follow the eraser; writes the entries that are missing. To be made after what sends receipts: a job that was finished
    /// at the start is told to the first who listens, and read here from the reports.</summary>
    /// <param name="eraser">Whose work it is.</param>
    /// <param name="audit">Where the entries go.</param>
    /// <param name="chain">The log behind it, to see which were written.</param>
    /// <exception cref="StoreFault">The log cannot be read.</exception>
    public ErasureAudit(IEraser eraser, IAuditLog audit, IAuditChain chain)
    {
        _eraser = eraser;
        _audit = audit;
        var tail = AuditTail.Read(chain);
        _told = tail.Numbers(ErasureWord, AuditKind.Erasure);
        _sinceWallUnixNs = tail.IsWhole ? long.MinValue : tail.SinceWallUnixNs;
        eraser.Verified += Tell;
        TellMissing();
    }

    /// <summary>Writes the entries that a fault of the store kept from being written. Cheap when there are none.</summary>
    public void TellMissing()
    {
        foreach (var report in _eraser.Reports().Reverse())
        {
            if (report.State == ErasureState.Verified && report.VerifiedAt.WallUnixNs >= _sinceWallUnixNs)
            {
                Tell(report);
            }
        }
    }

    private void Tell(ErasureReport report)
    {
        lock (_lock)
        {
            if (_told.Contains(report.Id))
            {
                return;
            }

            try
            {
                _audit.Append(Entry(report));
                _told.Add(report.Id);
            }
            catch (StoreFault)
            {
                // The erasure is done and verified; its entry comes with the next look.
            }
        }
    }

    private static AuditEntry Entry(ErasureReport report)
    {
        var (function, field) = report.Scopes is [var only] ? (only.Function, only.Field) : ("", "");
        return new AuditEntry(
            AuditKind.Erasure, "erased", function, field,
            string.Create(CultureInfo.InvariantCulture,
                $"{ErasureWord} {report.Id} {report.Ground}: {report.Items} items, {report.Readings} readings, {report.KeysDestroyed} keys destroyed, verified")
                + (report.Held.Count > 0 ? "; part of it kept by a legal hold" : ""));
    }
}
