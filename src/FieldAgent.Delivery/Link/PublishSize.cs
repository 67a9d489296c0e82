namespace FieldAgent.Delivery;

/// <summary>Counts the bytes of a PUBLISH with QoS 1 as the standard does (MQTT 5, section 3.3).</summary>
internal static class PublishSize
{
    private const int MessageIdBytes = 2;
    private const int TextLengthBytes = 2;
    private const string EncodingName = "content-encoding";

    /// <summary>Bytes of the whole packet.</summary>
    /// <param name="nameBytes">The topic's name; 0 where an alias stands for it.</param>
    /// <param name="propertyBytes">The properties without their length; negative on MQTT 3.1.1, which has none.</param>
    /// <param name="payloadBytes">The payload.</param>
    public static long Of(int nameBytes, int propertyBytes, int payloadBytes)
    {
        var properties = propertyBytes < 0 ? 0 : VarintBytes(propertyBytes) + propertyBytes;
        var remaining = (long)TextLengthBytes + nameBytes + MessageIdBytes + properties + payloadBytes;
        return 1 + VarintBytes(remaining) + remaining;
    }

    /// <summary>Bytes of the properties, without their length.</summary>
    public static int OfProperties(ushort topicAlias, string? contentEncoding, byte[]? correlation) =>
        (topicAlias != 0 ? 1 + 2 : 0)
        // Identifier, and two texts with their lengths.
        + (contentEncoding is not null
            ? 1 + TextLengthBytes + EncodingName.Length + TextLengthBytes + System.Text.Encoding.UTF8.GetByteCount(contentEncoding)
            : 0)
        + (correlation is not null ? 1 + TextLengthBytes + correlation.Length : 0);

    private static int VarintBytes(long value) => value < 1 << 7 ? 1 : value < 1 << 14 ? 2 : value < 1 << 21 ? 3 : 4;
}
