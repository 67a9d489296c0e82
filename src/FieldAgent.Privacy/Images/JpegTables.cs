namespace FieldAgent.Privacy;

/// <summary>Checks that a kept segment holds what its kind demands and not one byte more, so that nothing can hide in it
/// (ITU-T T.81, B.2.2 to B.2.4).</summary>
internal static class JpegTables
{
    /// <summary>DQT: tables of 64 values of one or two bytes each.</summary>
    public static bool IsQuantization(ReadOnlySpan<byte> body)
    {
        while (!body.IsEmpty)
        {
            var length = 1 + (64 * ((body[0] >> 4) + 1));
            if (body[0] >> 4 > 1 || (body[0] & 0xF) > 3 || body.Length < length)
            {
                return false;
            }

            body = body[length..];
        }

        return true;
    }

    /// <summary>DHT: tables of 16 counts and as many symbols.</summary>
    public static bool IsHuffman(ReadOnlySpan<byte> body)
    {
        while (!body.IsEmpty)
        {
            if (body.Length < 17 || body[0] >> 4 > 1 || (body[0] & 0xF) > 3)
            {
                return false;
            }

            var symbols = 0;
            foreach (var count in body.Slice(1, 16))
            {
                symbols += count;
            }

            if (symbols > 256 || body.Length < 17 + symbols)
            {
                return false;
            }

            body = body[(17 + symbols)..];
        }

        return true;
    }

    /// <summary>SOF: precision, height, width, and three bytes a component.</summary>
    public static bool IsFrame(ReadOnlySpan<byte> body)
    {
        // A height of zero would come in a DNL segment after the first scan; no camera does that.
        return body.Length >= 6
            && body[0] is 8 or 12
            && (body[1] | body[2]) != 0
            && (body[3] | body[4]) != 0
            && body[5] is >= 1 and <= 4
            && body.Length == 6 + (3 * body[5]);
    }

    /// <summary>SOS: two bytes a component and three for the spectral selection.</summary>
    public static bool IsScan(ReadOnlySpan<byte> body) =>
        body.Length >= 6 && body[0] is >= 1 and <= 4 && body.Length == 4 + (2 * body[0]);
}
