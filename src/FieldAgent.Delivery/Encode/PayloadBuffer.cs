using System.Buffers.Text;
using System.Runtime.CompilerServices;
using System.Text;

namespace FieldAgent.Delivery;

/// <summary>A growing UTF-8 buffer that is reused: no allocation once it has its working size. One thread.</summary>
internal sealed class PayloadBuffer(int initialBytes = 4096)
{
    private byte[] _bytes = new byte[initialBytes];
    private int _length;

    /// <summary>What was written.</summary>
    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, _length);

    /// <summary>Bytes written.</summary>
    public int Length
    {
        get => _length;
        set => _length = value;
    }

    /// <summary>Forgets what was written; with <paramref name="wipe"/> it is overwritten (personal data).</summary>
    public void Clear(bool wipe = false)
    {
        if (wipe)
        {
            _bytes.AsSpan(0, _length).Clear();
        }

        _length = 0;
    }

    /// <summary>Room for at least <paramref name="bytes"/> more; <see cref="Advance"/> says how many were used.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Span<byte> Room(int bytes)
    {
        if (_bytes.Length - _length < bytes)
        {
            Grow(bytes);
        }

        return _bytes.AsSpan(_length);
    }

    /// <summary>Notes that <paramref name="bytes"/> of the room were written.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Advance(int bytes) => _length += bytes;

    /// <summary>Writes bytes as they are.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Raw(ReadOnlySpan<byte> utf8)
    {
        utf8.CopyTo(Room(utf8.Length));
        _length += utf8.Length;
    }

    /// <summary>Writes one ASCII character.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Raw(byte ascii)
    {
        Room(1)[0] = ascii;
        _length++;
    }

    /// <summary>Writes an integer.</summary>
    public void Number(long value)
    {
        Utf8Formatter.TryFormat(value, Room(20), out var written);
        _length += written;
    }

    /// <summary>Writes a JSON string with its quotes, escaped.</summary>
    public void Text(string value)
    {
        Raw((byte)'"');
        if (NeedsNoEscape(value))
        {
            var room = Room(value.Length);
            for (var i = 0; i < value.Length; i++)
            {
                room[i] = (byte)value[i];
            }

            _length += value.Length;
        }
        else
        {
            // Rare: names come from configuration and are plain ASCII.
            Raw(System.Text.Json.JsonEncodedText.Encode(value).EncodedUtf8Bytes);
        }

        Raw((byte)'"');
    }

    /// <summary>Writes ASCII text as it is.</summary>
    public void Ascii(string value)
    {
        Encoding.ASCII.GetBytes(value, Room(value.Length));
        _length += value.Length;
    }

    private static bool NeedsNoEscape(string value)
    {
        foreach (var c in value)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.' or ':' or ' ' or '/' or '%' or '[' or ']' or '*' or '(' or ')'))
            {
                return false;
            }
        }

        return true;
    }

    private void Grow(int bytes) => Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _length + bytes));
}
