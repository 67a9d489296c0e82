using System.Globalization;
using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>The newest entries of an audit log, looked at once at a start: whether the power was cut between something that happened and its
/// entry. Immutable.</summary>
public sealed class AuditTail
{
    // A cut loses one entry, the newest; the rest is room for what other parts noted since.
    private const int EntriesMax = 300;

    private readonly IReadOnlyList<AuditRecord> _records;

    private AuditTail(IReadOnlyList<AuditRecord> records) => _records = records;

    /// <summary>True when it is the whole log: what has no entry in it never had one.</summary>
    public bool IsWhole => _records.Count == 0 || _records[0].Number == 1;

    /// <summary>Wall time of its oldest entry, Unix ns; <see cref="long.MaxValue"/> when there is none.</summary>
    public long SinceWallUnixNs => _records.Count == 0 ? long.MaxValue : _records[0].At.WallUnixNs;

    /// <summary>Reads it.</summary>
    /// <exception cref="StoreFault">The log cannot be read.</exception>
    public static AuditTail Read(IAuditChain chain)
    {
        var head = chain.Head;
        return new AuditTail(head.Last == 0 ? [] : chain.Read(Math.Max(Math.Max(1, head.First), head.Last - EntriesMax + 1), EntriesMax));
    }

    /// <summary>The numbers that entries of these kinds name as <paramref name="word"/> at the beginning of their detail: <c>event 17</c>.</summary>
    public HashSet<long> Numbers(string word, params ReadOnlySpan<AuditKind> kinds)
    {
        var numbers = new HashSet<long>();
        foreach (var record in _records)
        {
            if (record.Entry is { } entry && kinds.Contains(entry.Kind) && TryNumber(entry.Detail, word, out var number))
            {
                numbers.Add(number);
            }
        }

        return numbers;
    }

    private static bool TryNumber(string detail, string word, out long number)
    {
        number = 0;
        if (!detail.StartsWith(word + " ", StringComparison.Ordinal))
        {
            return false;
        }

        var rest = detail.AsSpan(word.Length + 1);
        var end = rest.IndexOfAnyExceptInRange('0', '9');
        return long.TryParse(end < 0 ? rest : rest[..end], NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }
}
