using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using FieldAgent.Core;
using FieldAgent.Store.Keys;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Ledgers;

/// <summary>Small values in a table, sealed one by one, and in memory. Thread-safe.</summary>
internal sealed class SealedValues : ISealedValues, IDisposable
{
    /// <summary>Values at most: a few memories, and a thousand anonymous windows that wait.</summary>
    private const int CountMax = 2048;

    private const int ValueBytesMax = 4096;

    // A page of the table, one of its index, and the journal of both.
    private const int WriteBytes = 12 << 10;

    private readonly StoreContext _context;
    private readonly AesGcm _key;
    private readonly SortedDictionary<string, byte[]> _values = new(StringComparer.Ordinal);

    /// <summary>Reads what is there; a value that does not open is left out and counted.</summary>
    public SealedValues(StoreContext context)
    {
        _context = context;
        _key = context.Identity.CipherFor("sealed-values");
        using var all = context.Database.Writer.Once("SELECT name, value FROM sealed_values");
        while (all.Step())
        {
            var box = all.Blob(1);
            var plain = new byte[Math.Max(0, box.Length - Sealed.Overhead)];
            if (Sealed.TryOpen(_key, box, plain, Encoding.UTF8.GetBytes(all.Text(0))))
            {
                _values[all.Text(0)] = plain;
            }
            else
            {
                context.Counters.Add("store.sealed-value-unreadable");
            }
        }
    }

    /// <inheritdoc/>
    public byte[]? Get(string name)
    {
        lock (_context.WriteLock)
        {
            return _values.TryGetValue(name, out var value) ? [.. value] : null;
        }
    }

    /// <inheritdoc/>
    public void Set(string name, ReadOnlySpan<byte> value)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value.Length, ValueBytesMax);
        var plain = value.ToArray();
        lock (_context.WriteLock)
        {
            if (_values.Count >= CountMax && !_values.ContainsKey(name))
            {
                throw new StoreFault(StoreFaultKind.Refused,
                    string.Create(CultureInfo.InvariantCulture, $"the store keeps {CountMax} small values already"), retry: false);
            }

            _context.Write(writer => Put(writer, name, plain), WriteBytes + plain.Length);
            _values[name] = plain;
        }
    }

    /// <inheritdoc/>
    public void Remove(string name)
    {
        lock (_context.WriteLock)
        {
            if (!_values.ContainsKey(name))
            {
                return;
            }

            _context.Write(
                writer =>
                {
                    using var delete = writer.Once("DELETE FROM sealed_values WHERE name = ?1");
                    delete.Bind(1, name).Run();
                },
                WriteBytes);
            _values.Remove(name);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Names(string prefix)
    {
        lock (_context.WriteLock)
        {
            return [.. _values.Keys.Where(name => name.StartsWith(prefix, StringComparison.Ordinal))];
        }
    }

    /// <summary>Writes all values into a database that took the place of the old one.</summary>
    public void WriteAgain() => _context.Write(
        writer =>
        {
            foreach (var (name, value) in _values)
            {
                Put(writer, name, value);
            }
        },
        WriteBytes + _values.Sum(static pair => 256L + pair.Value.Length));

    /// <inheritdoc/>
    public void Dispose() => _key.Dispose();

    private void Put(Connection writer, string name, byte[] value)
    {
        using var put = writer.Once("INSERT OR REPLACE INTO sealed_values(name, value) VALUES(?1, ?2)");
        put.Bind(1, name).Bind(2, Sealed.Seal(_key, value, Encoding.UTF8.GetBytes(name))).Run();
    }
}
