using System.Buffers.Binary;
using FieldAgent.Core;

namespace FieldAgent.Store.Spooling;

/// <summary>What must be known of an item to delete it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Kind">Its kind.</param>
/// <param name="Sequence">Its number in its function.</param>
/// <param name="Ground">Number of its permit.</param>
/// <param name="Key">Number of its key.</param>
/// <param name="Pending">Recipients that still wait for it.</param>
/// <param name="Importance">Its importance.</param>
/// <param name="Readings">Readings in it.</param>
/// <param name="Bytes">Bytes of its payload.</param>
/// <param name="Boot">Number of its boot.</param>
/// <param name="AtMs">Boot-time of its first row or of the picture, ms.</param>
internal readonly record struct ItemInfo(
    long Id, SpoolItemKind Kind, long Sequence, long Ground, long Key, uint Pending, int Importance, long Readings, long Bytes, long Boot,
    long AtMs);

/// <summary>What a reader decided about an item, to be written with the next transaction.</summary>
/// <param name="Item">The item.</param>
/// <param name="Bits">Recipients that are done with it.</param>
/// <param name="GivenUp">Why it was given up; null when delivered.</param>
internal readonly record struct ItemOutcome(ItemInfo Item, uint Bits, GapReason? GivenUp);

/// <summary>A gap that is being announced or waits to be.</summary>
/// <param name="Function">The function; empty when all.</param>
/// <param name="Field">The field; empty when several.</param>
/// <param name="Mask">Recipients.</param>
/// <param name="Gap">The rest.</param>
internal sealed record GapNote(string Function, string Field, uint Mask, SpoolGap Gap);

/// <summary>A picture whose file is written and whose row waits for the next flush.</summary>
internal sealed record ReadyImage(Ground Ground, long Sequence, string Name, long FileBytes, long AtMs, byte[] Description)
{
    /// <summary>The mark at the head of its file.</summary>
    public required ulong Mark { get; set; }
}

/// <summary>What binds sealed bytes to their row: nobody can move them to another.</summary>
internal static class ItemContext
{
    private const int FixedBytes = 16 + 16 + (4 * 8) + 1;

    /// <summary>Composes it.</summary>
    /// <returns>Bytes used of <paramref name="buffer"/>, which grows where needed.</returns>
    public static ReadOnlySpan<byte> Compose(
        ref byte[] buffer, Ground ground, Guid generation, Guid boot, SpoolItemKind kind, long id, long sequence, long atMs, long readings)
    {
        var length = FixedBytes + ground.Context.Length;
        if (buffer.Length < length)
        {
            buffer = new byte[length];
        }

        var span = buffer.AsSpan(0, length);
        generation.TryWriteBytes(span);
        boot.TryWriteBytes(span[16..]);
        BinaryPrimitives.WriteInt64BigEndian(span[32..], id);
        BinaryPrimitives.WriteInt64BigEndian(span[40..], sequence);
        BinaryPrimitives.WriteInt64BigEndian(span[48..], atMs);
        BinaryPrimitives.WriteInt64BigEndian(span[56..], readings);
        span[64] = (byte)kind;
        ground.Context.CopyTo(span[FixedBytes..]);
        return span;
    }
}
