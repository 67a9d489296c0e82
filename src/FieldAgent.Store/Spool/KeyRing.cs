using System.Security.Cryptography;
using FieldAgent.Store.Keys;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Spooling;

/// <summary>The keys that new items are sealed with: one a rule and day, begun anew in every run. Under the write lock.</summary>
internal sealed class KeyRing(RootKey root) : IDisposable
{
    private readonly Dictionary<(string, string), DataKey> _current = [];
    private readonly List<(DataKey Key, byte[] Wrapped)> _unsaved = [];
    private long _nextId;

    /// <summary>Finds the first free number and deletes keys that nothing refers to.</summary>
    public void Load(Connection connection, Tally tally)
    {
        connection.Execute($"DELETE FROM keys WHERE id NOT IN ({string.Join(',', tally.CountedOf(TallyKind.KeyUses))})");
        var used = connection.Scalar("SELECT ifnull(max(id), 0) FROM keys");
        _nextId = Math.Max(_nextId, used + 1);
    }

    /// <summary>The key for an item of this rule and day.</summary>
    public DataKey For(string function, string field, long day)
    {
        if (_current.TryGetValue((function, field), out var current) && current.Day == day)
        {
            return current;
        }

        var bytes = RandomNumberGenerator.GetBytes(RootKey.Bytes);
        var key = new DataKey(_nextId++, function, field, day, bytes);
        _unsaved.Add((key, Sealed.Seal(root.Aes, bytes, DataKey.Context(key.Id, function, field, day))));
        CryptographicOperations.ZeroMemory(bytes);
        current?.Dispose();
        _current[(function, field)] = key;
        return key;
    }

    /// <summary>True when items may still be sealed with it.</summary>
    public bool IsCurrent(long id)
    {
        foreach (var key in _current.Values)
        {
            if (key.Id == id)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Forgets the rule's key: it is being erased.</summary>
    public void Forget(string function, string field)
    {
        if (_current.Remove((function, field), out var key))
        {
            key.Dispose();
            _unsaved.RemoveAll(unsaved => unsaved.Key == key);
        }
    }

    /// <summary>Forgets all keys: the database is another one.</summary>
    public void Forget()
    {
        foreach (var key in _current.Values)
        {
            key.Dispose();
        }

        _current.Clear();
        _unsaved.Clear();
    }

    /// <summary>Writes new keys, within the caller's transaction; <see cref="Saved"/> after its commit.</summary>
    public void Save(Statement insert)
    {
        foreach (var (key, wrapped) in _unsaved)
        {
            insert.Bind(1, key.Id).Bind(2, key.Function).Bind(3, key.Field).Bind(4, key.Day).Bind(5, wrapped).Run();
        }
    }

    /// <summary>The transaction succeeded.</summary>
    public void Saved() => _unsaved.Clear();

    /// <inheritdoc/>
    public void Dispose() => Forget();
}
