using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace FieldAgent.Store.Codec;

/// <summary>Reads what <see cref="BitWriter"/> wrote. It never reads outside its buffer: whatever the bytes are, it sets
/// <see cref="Failed"/> and yields zeros once they are used up.</summary>
internal ref struct BitReader
{
    /// <summary>Readable bytes that must follow the coded ones, so that a whole word can be loaded at any bit.</summary>
    public const int Padding = 16;

    private readonly ref byte _start;
    private readonly int _end;
    private int _position;

    /// <summary>Reads the first <paramref name="length"/> bytes of <paramref name="padded"/>.</summary>
    public BitReader(ReadOnlySpan<byte> padded, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, int.MaxValue / 16);
        ArgumentOutOfRangeException.ThrowIfLessThan(padded.Length, length + Padding);
        _start = ref MemoryMarshal.GetReference(padded);
        _end = length * 8;
    }

    /// <summary>True when more was read than was there, or a code was impossible.</summary>
    public bool Failed { get; private set; }

    /// <summary>Position in bits. Setting one past the end fails.</summary>
    public int Position
    {
        readonly get => _position;
        set
        {
            if ((uint)value > (uint)_end)
            {
                Fail();
                return;
            }

            _position = value;
        }
    }

    /// <summary>Last position.</summary>
    public readonly int End => _end;

    /// <summary>The next 57 or more bits, left-aligned, without consuming them. <paramref name="position"/> is at most
    /// <see cref="End"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly ulong Peek(int position)
    {
        var word = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref _start, position >> 3));
        return (BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(word) : word) << (position & 7);
    }

    /// <summary>Gives up: the input is not a block.</summary>
    public bool Fail()
    {
        Failed = true;
        _position = _end;
        return false;
    }

    /// <summary>Reads 0–64 bits.</summary>
    public ulong Read(int count)
    {
        if (count > _end - _position)
        {
            Fail();
            return 0;
        }

        if (count <= 56)
        {
            var value = count == 0 ? 0 : Peek(_position) >> (64 - count);
            _position += count;
            return value;
        }

        var high = Read(32);
        return (high << (count - 32)) | Read(count - 32);
    }

    /// <summary>Reads one bit.</summary>
    public bool ReadBit() => Read(1) != 0;

    /// <summary>Reads <see cref="BitWriter.PutSmall"/>.</summary>
    public uint ReadSmall()
    {
        var zeros = BitOperations.LeadingZeroCount(Peek(_position));
        if (zeros > 32)
        {
            Fail();
            return 0;
        }

        _ = Read(zeros);
        var value = Read(zeros + 1) - 1;
        if (Failed || value > uint.MaxValue)
        {
            Fail();
            return 0;
        }

        return (uint)value;
    }

    /// <summary>Reads <see cref="BitWriter.PutWide"/>.</summary>
    public ulong ReadWide()
    {
        var length = (int)Read(7);
        if (length > 64)
        {
            Fail();
            return 0;
        }

        return length <= 1 ? (ulong)length : (1UL << (length - 1)) | Read(length - 1);
    }
}
