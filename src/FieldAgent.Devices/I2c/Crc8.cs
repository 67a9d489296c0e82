namespace FieldAgent.Devices.I2c;

/// <summary>A checksum of eight bits, most significant bit first.</summary>
/// <param name="Polynomial">Without its x⁸.</param>
/// <param name="Init">Value before the first byte.</param>
/// <param name="Word">Data bytes before each checksum byte.</param>
internal readonly record struct Crc8(byte Polynomial, byte Init, int Word)
{
    /// <summary>The checksum of <paramref name="bytes"/>.</summary>
    public byte Of(ReadOnlySpan<byte> bytes)
    {
        int crc = Init;
        foreach (var b in bytes)
        {
            crc ^= b;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc & 0x80) != 0 ? (crc << 1) ^ Polynomial : crc << 1;
            }
        }

        return (byte)crc;
    }

    /// <summary>Checks each word of an answer.</summary>
    /// <returns>Bit i is set when word i does not fit its checksum.</returns>
    public ulong BadWords(ReadOnlySpan<byte> answer)
    {
        ulong bad = 0;
        for (var i = 0; (i + 1) * (Word + 1) <= answer.Length; i++)
        {
            var word = answer.Slice(i * (Word + 1), Word + 1);
            bad |= Of(word[..Word]) == word[Word] ? 0 : 1UL << i;
        }

        return bad;
    }

    /// <summary>The word that an answer's byte belongs to.</summary>
    public int WordOf(int at) => at / (Word + 1);
}
