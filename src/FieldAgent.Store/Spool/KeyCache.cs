using System.Security.Cryptography;
using FieldAgent.Store.Keys;

namespace FieldAgent.Store.Spooling;

/// <summary>Keys one reader has opened lately. Used by the reader's thread; looking one up in the database needs the read lock.</summary>
internal sealed class KeyCache(StoreContext context) : IDisposable
{
    // A backlog of a month, one function: more is only slower.
    private const int KeysMax = 64;

    private readonly Dictionary<long, DataKey> _keys = [];
    private AesGcm? _cipher;
    private uint _generation;

    /// <summary>The key, or null when it is gone or damaged.</summary>
    public DataKey? Find(long id)
    {
        if (_keys.TryGetValue(id, out var key))
        {
            return key;
        }

        key = Load(id) is { } row && Cipher(row.Generation) is { } cipher ? row.Open(cipher) : null;
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
        _cipher?.Dispose();
    }

    private KeyRow? Load(long id)
    {
        lock (context.ReadLock)
        {
            using var query = context.Database.Reader.Once($"SELECT {KeyRow.Columns} FROM keys WHERE id = ?1");
            if (!query.Bind(1, id).Step())
            {
                return null;
            }

            var row = KeyRow.Read(query);
            query.Reset();
            return row;
        }
    }

    private AesGcm? Cipher(uint generation)
    {
        if (_cipher is null || _generation != generation)
        {
            _cipher?.Dispose();
            _cipher = context.Wraps.NewCipher(generation);
            _generation = generation;
        }

        return _cipher;
    }
}
