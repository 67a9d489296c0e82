namespace FieldAgent.Store.Codec;

/// <summary>Codes which streams have a value in which row: one bit when all have, one mask when all rows are alike.</summary>
internal static class PresenceColumn
{
    /// <summary>Codes the masks; every bit beyond <paramref name="width"/> must be zero.</summary>
    public static void Encode(ref BitWriter writer, ReadOnlySpan<ulong> present, int width, bool dense)
    {
        writer.Put(dense ? 1UL : 0, 1);
        if (dense)
        {
            return;
        }

        var alike = present.IndexOfAnyExcept(present[0]) < 0;
        writer.Put(alike ? 1UL : 0, 1);
        writer.Put(present[0], width);
        if (alike)
        {
            return;
        }

        var last = present[0];
        foreach (var mask in present[1..])
        {
            if (mask == last)
            {
                writer.Put(0, 1);
                continue;
            }

            writer.Put(1, 1);
            writer.Put(mask, width);
            last = mask;
        }
    }

    /// <summary>Decodes the masks of a set that is not dense (the first bit is read by the caller).</summary>
    public static bool DecodeSparse(ref BitReader reader, Span<ulong> present, int width)
    {
        var alike = reader.ReadBit();
        var last = reader.Read(width);
        present[0] = last;
        if (alike)
        {
            present.Fill(last);
            return !reader.Failed;
        }

        foreach (ref var mask in present[1..])
        {
            if (reader.ReadBit())
            {
                last = reader.Read(width);
            }

            mask = last;
            if (reader.Failed)
            {
                return false;
            }
        }

        return true;
    }
}
