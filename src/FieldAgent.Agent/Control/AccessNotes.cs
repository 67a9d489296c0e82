using System.Globalization;
using FieldAgent.Core;

namespace FieldAgent.Agent.Control;

/// <summary>Counts and audits calls that were turned away. One entry a minute at most: whoever calls in a loop must not push out what else
/// the audit holds. Thread-safe.</summary>
internal sealed class AccessNotes(IAuditLog audit, IClock clock, Counters counters)
{
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private long _nextAtNs = long.MinValue;
    private long _since;

    /// <summary>Notes a refused call of a caller with <paramref name="role"/>.</summary>
    public void Refused(string operation, string role)
    {
        counters.Add("control.refused");
        long before;
        lock (_lock)
        {
            if (clock.BootNs < _nextAtNs)
            {
                _since++;
                return;
            }

            _nextAtNs = clock.BootNs + Every.ToNs();
            before = _since;
            _since = 0;
        }

        try
        {
            var what = operation.Length == 0 ? "a call" : operation;
            audit.Append(new AuditEntry(
                AuditKind.Access, "refused",
                Detail: before == 0 ? what : string.Create(CultureInfo.InvariantCulture, $"{what}, and {before} calls since the entry before"),
                Actor: role));
        }
        catch (StoreFault)
        {
            counters.Add("control.refusals-not-audited");
        }
    }
}
