using System.Buffers.Binary;
using System.Numerics;

namespace FieldAgent.Store.Codec;

/// <summary>Writes bits, most significant first, into a buffer the caller sized (see <see cref="BlockEncoder.BytesMax"/>).
/// A copy of the struct is a mark to go back to.</summary>
internal ref struct BitWriter(Span<byte> buffer)
{
    private readonly Span<byte> _buffer = buffer;
    private ulong _word;
    private int _free = 64;
    private int _position;

    /// <summary>Bits written so far.</summary>
    public readonly int Bits => (_position * 8) + (64 - _free);

    /// <summary>Writes the low <paramref name="count"/> bits (0–64) of <paramref name="value"/>; its other bits must be zero.</summary>
    public void Put(ulong value, int count)
    {
        if (count < _free)
        {
            _word |= value << (_free - count);
            _free -= count;
            return;
        }

        var over = count - _free;
        _word |= value >> over;
        BinaryPrimitives.WriteUInt64BigEndian(_buffer[_position..], _word);
        _position += 8;
        _word = over == 0 ? 0 : value << (64 - over);
        _free = 64 - over;
    }

    /// <summary>Writes a small number in 2·⌊log2(value + 1)⌋ + 1 bits (Elias gamma).</summary>
    public void PutSmall(uint value)
    {
        var shifted = (ulong)value + 1;
        var bits = BitOperations.Log2(shifted);
        Put(shifted, (2 * bits) + 1);
    }

    /// <summary>Writes any number: seven bits of length, then the bits after the leading one.</summary>
    public void PutWide(ulong value)
    {
        var length = 64 - BitOperations.LeadingZeroCount(value);
        Put((ulong)length, 7);
        if (length > 1)
        {
            Put(value & (ulong.MaxValue >> (65 - length)), length - 1);
        }
    }

    /// <summary>Writes what is left of the last word and returns the number of bytes written in all.</summary>
    public int Finish()
    {
        var bytes = (64 - _free + 7) / 8;
        Span<byte> last = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(last, _word);
        last[..bytes].CopyTo(_buffer[_position..]);
        _position += bytes;
        _word = 0;
        _free = 64;
        return _position;
    }
}
