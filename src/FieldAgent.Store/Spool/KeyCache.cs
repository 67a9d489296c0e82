using System.Security.Cryptography;
using FieldAgent.Store.Keys;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Spooling;

/// <summary>Keys one reader has opened lately. Used by the reader's thread; looking one up in the database needs the read lock.</summary>
internal sealed class KeyCache(RootKey root) : IDisposable
{
    // A backlog of a month, one function: more is only slower.
    private const int KeysMax = 64;

    private readonly Dictionary<long, DataKey> _keys = [];
    private readonly AesGcm _root = root.NewCipher();

    /// <summary>The key, or null when it is gone or damaged.</summary>
    public DataKey? Find(long id, StoreContext context)
    {
        if (_keys.TryGetValue(id, out var key))
        {
            return key;
        }

        lock (context.ReadLock)
        {
            using var row = context.Database.Reader.Once("SELECT function, field, day, wrapped FROM keys WHERE id = ?1");
            if (!row.Bind(1, id).Step())
            {
                return null;
            }

            key = Unwrap(id, row);
            row.Reset();
        }

        if (key is null)
        {
            return null;
        }

        if (_keys.Count >= KeysMax)
        {
            Forget();
        }

        _keys[id] = key;
        return key;
    }

    /// <summary>Forgets all: some may have been destroyed.</summary>
    public void Forget()
    {
        foreach (var key in _keys.Values)
        {
            key.Dispose();
        }

        _keys.Clear();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Forget();
        _root.Dispose();
    }

    private DataKey? Unwrap(long id, Statement row)
    {
        var (function, field, day) = (row.Text(0), row.Text(1), row.Int(2));
        var bytes = new byte[RootKey.Bytes];
        if (!Sealed.TryOpen(_root, row.Blob(3), bytes, DataKey.Context(id, function, field, day)))
        {
            return null;
        }

        var key = new DataKey(id, function, field, day, bytes);
        CryptographicOperations.ZeroMemory(bytes);
        return key;
    }
}
