using System.Buffers.Binary;
using System.Security.Cryptography;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Ledgers;

/// <summary>Both ends of the chain, under a code that only the agent can make: so no entry can be cut off at either end, and none put on,
/// without the device key.</summary>
/// <param name="First">Number of the first entry kept.</param>
/// <param name="Base">Hash of the entry before it.</param>
/// <param name="Last">Number of the last entry.</param>
/// <param name="Hash">Its hash.</param>
internal sealed record AuditHeadRow(long First, byte[] Base, long Last, byte[] Hash)
{
    /// <summary>Of a chain without entries.</summary>
    public static AuditHeadRow Empty { get; } = new(1, AuditCodec.Genesis, 0, AuditCodec.Genesis);

    /// <summary>Reads it.</summary>
    /// <returns>Null when there is none; with <paramref name="isGenuine"/> false when its code is wrong.</returns>
    public static AuditHeadRow? Read(Connection connection, byte[] key, out bool isGenuine)
    {
        isGenuine = false;
        using var row = connection.Once("SELECT first, base, last, hash, mac FROM audit_head");
        if (!row.Step())
        {
            return null;
        }

        var head = new AuditHeadRow(row.Int(0), row.Blob(1).ToArray(), row.Int(2), row.Blob(3).ToArray());
        isGenuine = CryptographicOperations.FixedTimeEquals(head.Mac(key), row.Blob(4));
        row.Reset();
        return head;
    }

    /// <summary>Writes it, within the caller's transaction.</summary>
    public void Write(Connection writer, byte[] key)
    {
        using var put = writer.Once("INSERT OR REPLACE INTO audit_head(one, first, base, last, hash, mac) VALUES(1, ?1, ?2, ?3, ?4, ?5)");
        put.Bind(1, First).Bind(2, Base).Bind(3, Last).Bind(4, Hash).Bind(5, Mac(key)).Run();
    }

    private byte[] Mac(byte[] key)
    {
        var text = new byte[16 + Base.Length + Hash.Length];
        BinaryPrimitives.WriteInt64BigEndian(text, First);
        BinaryPrimitives.WriteInt64BigEndian(text.AsSpan(8), Last);
        Base.CopyTo(text, 16);
        Hash.CopyTo(text, 16 + Base.Length);
        return HMACSHA256.HashData(key, text);
    }
}
