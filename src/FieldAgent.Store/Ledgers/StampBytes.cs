using System.Buffers.Binary;
using FieldAgent.Core;

namespace FieldAgent.Store.Ledgers;

/// <summary>A stamp in one column: boot id (16), boot-time (8), wall time (8), quality (1).</summary>
internal static class StampBytes
{
    private const int Bytes = 33;

    public static byte[] Write(in Stamp stamp)
    {
        var bytes = new byte[Bytes];
        stamp.BootId.TryWriteBytes(bytes);
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(16), stamp.BootNs);
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(24), stamp.WallUnixNs);
        bytes[32] = (byte)stamp.Quality;
        return bytes;
    }

    public static Stamp Read(ReadOnlySpan<byte> bytes) => bytes.Length == Bytes
        ? new Stamp(new Guid(bytes[..16]), BinaryPrimitives.ReadInt64BigEndian(bytes[16..]), BinaryPrimitives.ReadInt64BigEndian(bytes[24..]),
            (ClockQuality)bytes[32])
        : throw new StoreFault(StoreFaultKind.Corrupt, "a time in the ledger of requests does not read", retry: false);
}
