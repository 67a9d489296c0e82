using FieldAgent.Core;

namespace FieldAgent.Agent.DataProtection;

/// <summary>Erases through the spool alone: keys, rows, files and log, without a proof by a scan; so nothing it did is ever called verified.</summary>
internal sealed class SpoolEraser(ISpool spool, IClock clock) : IEraser
{
    private readonly Lock _lock = new();
    private readonly List<ErasureReport> _reports = [];

    /// <inheritdoc/>
    public event Action<ErasureReport>? Verified
    {
        add { }
        remove { }
    }

    /// <inheritdoc/>
    public ErasureReport Erase(IReadOnlyList<ErasureScope> scopes, GapReason reason, string ground)
    {
        lock (_lock)
        {
            if (scopes.Any(static scope => scope.BeforeWallUnixNs != long.MaxValue))
            {
                throw new StoreFault(StoreFaultKind.Refused, "this store can only erase a rule's data as a whole", retry: false);
            }

            var begun = clock.Now();
            var erased = scopes.Sum(scope => spool.Erase(scope.Function, scope.Field, reason));
            var report = new ErasureReport(
                _reports.Count + 1, ErasureState.Truncated, scopes, reason, ground, erased, erased, 0,
                "aes-256-gcm keys destroyed, rows and files deleted, log truncated", 0, 0, 0, [], ["no scan of the raw files was made"], begun, default);
            _reports.Add(report);
            return report;
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<ErasureReport> Reports()
    {
        lock (_lock)
        {
            return [.. Enumerable.Reverse(_reports)];
        }
    }
}
