using System.Security.Cryptography;
using FieldAgent.Store.Erasure;
using FieldAgent.Store.Keys;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Spooling;

/// <summary>The keys that new items are sealed with: one a rule and day, begun anew in every run. Under the write lock.</summary>
internal sealed class KeyRing(KeyWraps wraps, Canary canary) : IDisposable
{
    private readonly Dictionary<(string, string), DataKey> _current = [];
    private readonly List<(DataKey Key, uint Generation, byte[] Wrapped)> _unsaved = [];
    private long _nextId;

    /// <summary>The number the next key gets. None is used twice: a mark must not come back.</summary>
    public long NextId => _nextId;

    /// <summary>Finds the first free number and deletes keys that nothing refers to.</summary>
    public void Load(Connection connection, Tally tally)
    {
        connection.Execute($"DELETE FROM keys WHERE id NOT IN ({string.Join(',', tally.CountedOf(TallyKind.KeyUses))})");
        var used = connection.Scalar("SELECT ifnull(max(id), 0) FROM keys");
        _nextId = Math.Max(Math.Max(_nextId, tally[TallyKind.NextKey, 0]), used + 1);
    }

    /// <summary>The key for an item of this rule and day.</summary>
    public DataKey For(string function, string field, long day)
    {
        if (_current.TryGetValue((function, field), out var current) && current.Day == day)
        {
            return current;
        }

        var bytes = RandomNumberGenerator.GetBytes(RootKey.Bytes);
        var id = _nextId++;
        var key = new DataKey(id, function, field, day, bytes, canary.Of(id));
        var generation = wraps.Current;
        using (var cipher = wraps.NewCipher(generation)!)
        {
            _unsaved.Add((key, generation, KeyRow.Seal(cipher, bytes, key.Mark, DataKey.Context(id, function, field, day))));
        }

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

    /// <summary>Forgets keys that are destroyed.</summary>
    public void Forget(IReadOnlyCollection<DoomedRun> destroyed)
    {
        foreach (var (rule, key) in _current.ToArray())
        {
            if (destroyed.Any(run => run.Whole && run.Key == key.Id))
            {
                _current.Remove(rule);
                _unsaved.RemoveAll(unsaved => unsaved.Key == key);
                key.Dispose();
            }
        }
    }

    /// <summary>Forgets all keys: the database is another one, or they are wrapped otherwise from now on.</summary>
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
        foreach (var (key, generation, wrapped) in _unsaved)
        {
            insert.Bind(1, key.Id).Bind(2, key.Function).Bind(3, key.Field).Bind(4, key.Day).Bind(5, generation).Bind(6, wrapped).Run();
        }
    }

    /// <summary>The transaction succeeded.</summary>
    public void Saved() => _unsaved.Clear();

    /// <inheritdoc/>
    public void Dispose() => Forget();
}
