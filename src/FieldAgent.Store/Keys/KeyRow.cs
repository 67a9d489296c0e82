using System.Security.Cryptography;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Keys;

/// <summary>A data key as the database holds it: its mark, then the key wrapped.</summary>
internal sealed record KeyRow(long Id, string Function, string Field, long Day, uint Generation, byte[] Wrapped)
{
    /// <summary>Columns of <see cref="Read"/>, in its order.</summary>
    public const string Columns = "id, function, field, day, generation, wrapped";

    /// <summary>False for a key from before there were marks.</summary>
    public bool IsMarked => Wrapped.Length == Canary.Bytes + RootKey.Bytes + Sealed.Overhead;

    /// <summary>The row a statement over <see cref="Columns"/> stands on.</summary>
    public static KeyRow Read(Statement row) =>
        new(row.Int(0), row.Text(1), row.Text(2), row.Int(3), (uint)row.Int(4), row.Blob(5).ToArray());

    /// <summary>All keys.</summary>
    public static List<KeyRow> All(Connection connection)
    {
        var rows = new List<KeyRow>();
        using var all = connection.Once($"SELECT {Columns} FROM keys");
        while (all.Step())
        {
            rows.Add(Read(all));
        }

        return rows;
    }

    /// <summary>Wraps a new key.</summary>
    public static byte[] Seal(AesGcm cipher, ReadOnlySpan<byte> key, ulong mark, byte[] context)
    {
        var box = Sealed.Seal(cipher, key, context);
        var wrapped = new byte[Canary.Bytes + box.Length];
        Canary.Write(wrapped, mark);
        box.CopyTo(wrapped.AsSpan(Canary.Bytes));
        return wrapped;
    }

    /// <summary>Wraps the same key anew; one without a mark stays without, as what it sealed has none.</summary>
    public byte[] Seal(AesGcm cipher, ReadOnlySpan<byte> key) =>
        IsMarked ? Seal(cipher, key, Canary.Read(Wrapped), Context) : Sealed.Seal(cipher, key, Context);

    /// <summary>Unwraps; false when it was changed or wrapped otherwise.</summary>
    public bool TryOpen(AesGcm cipher, Span<byte> key) =>
        Sealed.TryOpen(cipher, IsMarked ? Wrapped.AsSpan(Canary.Bytes) : Wrapped, key, Context);

    /// <summary>Unwraps into a usable key; null when that cannot be.</summary>
    public DataKey? Open(AesGcm cipher)
    {
        Span<byte> bytes = stackalloc byte[RootKey.Bytes];
        if (!TryOpen(cipher, bytes))
        {
            return null;
        }

        var key = new DataKey(Id, Function, Field, Day, bytes, IsMarked ? Canary.Read(Wrapped) : 0);
        CryptographicOperations.ZeroMemory(bytes);
        return key;
    }

    private byte[] Context => DataKey.Context(Id, Function, Field, Day);
}
