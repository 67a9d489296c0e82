using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using FieldAgent.Core;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Keys;

/// <summary>What data keys are wrapped with: the root key alone (generation 0), or the root key and a secret in an effaceable memory, of
/// which every erasure makes a new generation. Reading is free of locks; changing happens under the write lock.</summary>
internal sealed class KeyWraps
{
    private const string MetaName = "wrap-generation";

    private readonly RootKey _root;
    private readonly EffaceableRoot? _memory;
    private ImmutableDictionary<uint, byte[]> _secrets = ImmutableDictionary<uint, byte[]>.Empty;
    private uint _current;

    private KeyWraps(RootKey root, EffaceableRoot? memory)
    {
        _root = root;
        _memory = memory;
    }

    /// <summary>The generation that new keys are wrapped with.</summary>
    public uint Current => Volatile.Read(ref _current);

    /// <summary>Where the effaceable memory is; null without one.</summary>
    public string? Place => _memory?.Place;

    /// <summary>Finds the secret that the database's keys are wrapped with, and effaces what a power cut left beside it.</summary>
    /// <param name="root">The root key.</param>
    /// <param name="memory">The effaceable memory; null without one.</param>
    /// <param name="database">The database.</param>
    /// <param name="isLost">True when the memory no longer has the secret: what the keys sealed cannot be read any more.</param>
    /// <exception cref="StoreFault">Refused: the memory is no longer configured. Io: it does not answer.</exception>
    public static KeyWraps Open(RootKey root, IEffaceableMemory? memory, Database database, out bool isLost)
    {
        isLost = false;
        var generation = Read(database);
        if (memory is null)
        {
            return generation == 0 ? new KeyWraps(root, null) : throw new StoreFault(StoreFaultKind.Refused,
                "the data keys are wrapped with a secret in a key root memory (state.keyRoot), and none is configured: configure it again, "
                + "or move the state directory away to start anew without that data", retry: false);
        }

        var wraps = new KeyWraps(root, new EffaceableRoot(memory));
        if (generation != 0 && wraps._memory!.Find(generation) is { } secret)
        {
            wraps.Know(generation, secret);
        }
        else
        {
            isLost = generation != 0;
            database.Writer.Begin();
            try
            {
                wraps.Rewrap(database, wraps.Prepare());
                database.Writer.Commit();
            }
            catch
            {
                database.Writer.Rollback();
                throw;
            }
        }

        wraps._current = Read(database);
        wraps._memory!.EffaceOthers(wraps._current);
        return wraps;
    }

    /// <summary>A cipher that opens what was wrapped in a generation; null when its secret is gone. The caller disposes it.</summary>
    public AesGcm? NewCipher(uint generation)
    {
        if (generation == 0)
        {
            return _root.NewCipher();
        }

        if (!_secrets.TryGetValue(generation, out var secret))
        {
            return null;
        }

        Span<byte> key = stackalloc byte[RootKey.Bytes];
        _root.Derive(secret, "data-key-wrap"u8, key);
        var cipher = new AesGcm(key, Sealed.TagBytes);
        CryptographicOperations.ZeroMemory(key);
        return cipher;
    }

    /// <summary>First step of a change: the next generation's secret is in the memory, beside the current one.</summary>
    /// <returns>The next generation; the current one, 0, without a memory.</returns>
    /// <exception cref="StoreFault">The memory does not answer; nothing is changed.</exception>
    public uint Prepare()
    {
        if (_memory is null)
        {
            return 0;
        }

        var next = Math.Max(_memory.Newest(), Current) + 1;
        Know(next, _memory.Put(next, Current));
        return next;
    }

    /// <summary>Second step, within the caller's transaction: every key is wrapped with the next generation's secret.</summary>
    public void Rewrap(Database database, uint next)
    {
        if (next == 0)
        {
            return;
        }

        using var sealer = NewCipher(next)!;
        using var put = database.Writer.Once("UPDATE keys SET wrapped = ?2, generation = ?3 WHERE id = ?1");
        var plain = new byte[RootKey.Bytes];
        foreach (var row in KeyRow.All(database.Writer))
        {
            using var opener = NewCipher(row.Generation);
            if (opener is not null && row.TryOpen(opener, plain))
            {
                put.Bind(1, row.Id).Bind(2, row.Seal(sealer, plain)).Bind(3, next).Run();
            }
        }

        CryptographicOperations.ZeroMemory(plain);
        Note(database, next);
    }

    /// <summary>The commit succeeded: from now on the next generation counts.</summary>
    public void Adopt(uint next)
    {
        if (next != 0)
        {
            Volatile.Write(ref _current, next);
        }
    }

    /// <summary>Last step, after the old generation's rows have left the log: the old secret is overwritten in place.</summary>
    /// <exception cref="StoreFault">The memory does not answer; the next start, or the next attempt, does it.</exception>
    public void Efface()
    {
        if (_memory is null)
        {
            return;
        }

        var next = Current;
        _memory.EffaceOthers(next);
        foreach (var (generation, secret) in _secrets)
        {
            if (generation != next)
            {
                CryptographicOperations.ZeroMemory(secret);
            }
        }

        _secrets = _secrets.RemoveRange(_secrets.Keys.Where(generation => generation != next));
    }

    /// <summary>Notes the generation in a database that took the place of the old one.</summary>
    public void NoteGeneration(Database database)
    {
        if (Current != 0)
        {
            Note(database, Current);
        }
    }

    /// <summary>The generation that the database's keys are wrapped with.</summary>
    public static uint Read(Database database) =>
        database.GetMeta(MetaName) is { } text
        && uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var generation) ? generation : 0;

    private static void Note(Database database, uint generation) =>
        database.SetMeta(MetaName, System.Text.Encoding.ASCII.GetBytes(generation.ToString(CultureInfo.InvariantCulture)));

    private void Know(uint generation, byte[] secret) => _secrets = _secrets.SetItem(generation, secret);
}
