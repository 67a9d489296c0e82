using FieldAgent.Core;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Spooling;

/// <summary>Rows a reader fetched ahead, with their payloads in one buffer that is used again.</summary>
internal sealed class Prefetch(StoreLimits limits) : IDisposable
{
    /// <summary>What is fetched; found by primary key.</summary>
    public const string Query =
        $"SELECT {SpoolStatements.InfoColumns}, payload FROM items WHERE id > ?1 ORDER BY id";

    private readonly Row[] _rows = new Row[limits.PrefetchItems];
    private byte[] _payloads = [];
    private Statement? _query;
    private Connection? _connection;
    private int _count;
    private int _next;

    /// <summary>A row without its payload.</summary>
    public record struct Row(ItemInfo Item, long Boot, long AtMs, int Offset, int Length);

    /// <summary>True when all rows were taken.</summary>
    public bool IsEmpty => _next == _count;

    /// <summary>Fetches what comes after an id. The read lock is held, and nothing stays open.</summary>
    /// <returns>False when nothing waits for the recipient.</returns>
    public bool Fill(Connection connection, long after, uint mask)
    {
        if (!ReferenceEquals(connection, _connection))
        {
            _connection = connection;
            _query = connection.Prepare(Query);
        }

        Clear();
        var used = 0;
        _query!.Bind(1, after);
        while (_query.Step())
        {
            if (mask != uint.MaxValue && (_query.Int(5) & mask) == 0)
            {
                continue;
            }

            var payload = _query.Blob(11);
            if (_count > 0 && used + payload.Length > limits.PrefetchBytes)
            {
                break;
            }

            if (_payloads.Length < used + payload.Length)
            {
                Array.Resize(ref _payloads, Math.Max((used + payload.Length) * 2, 16 << 10));
            }

            payload.CopyTo(_payloads.AsSpan(used));
            var item = new ItemInfo(_query.Int(0), (SpoolItemKind)_query.Int(1), _query.Int(2), _query.Int(3), _query.Int(4),
                (uint)_query.Int(5), (int)_query.Int(6), _query.Int(7), _query.Int(8), _query.Int(9), _query.Int(10));
            _rows[_count++] = new Row(item, _query.Int(9), _query.Int(10), used, payload.Length);
            used += payload.Length;
            if (_count == _rows.Length)
            {
                break;
            }
        }

        _query.Reset();
        return _count > 0;
    }

    /// <summary>Takes the next row.</summary>
    public ref readonly Row Next() => ref _rows[_next++];

    /// <summary>The payload of a row that was taken.</summary>
    public ReadOnlySpan<byte> Payload(in Row row) => _payloads.AsSpan(row.Offset, row.Length);

    /// <summary>Gives the statement back; the read lock is held.</summary>
    public void Dispose()
    {
        if (_query is { } query)
        {
            _connection?.Release(query);
        }

        _query = null;
        _connection = null;
    }

    /// <summary>Forgets what was fetched.</summary>
    public void Clear()
    {
        _count = 0;
        _next = 0;
    }
}
