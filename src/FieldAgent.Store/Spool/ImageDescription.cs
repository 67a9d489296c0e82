using System.Buffers.Binary;
using System.Text;
using FieldAgent.Core;

namespace FieldAgent.Store.Spooling;

/// <summary>What is kept, sealed, of a picture besides its file: with it the file's own key.</summary>
/// <remarks>key (32) · id (16) · SHA-256 (32) · bytes (8) · captured (8) · length and text of the sensor · flag, length and text of
/// the request · the rest: id of the picture it was made from.</remarks>
internal static class ImageDescription
{
    private const int FixedBytes = 32 + 16 + 32 + 8 + 8;

    public static byte[] Write(ReadOnlySpan<byte> key, Guid id, ReadOnlySpan<byte> sha256, long bytes, long capturedNs, string sensor, string? request, string? parent)
    {
        var sensorBytes = Encoding.UTF8.GetBytes(sensor);
        var requestBytes = Encoding.UTF8.GetBytes(request ?? "");
        var parentBytes = Encoding.UTF8.GetBytes(parent ?? "");
        var result = new byte[FixedBytes + 2 + sensorBytes.Length + 3 + requestBytes.Length + parentBytes.Length];
        var span = result.AsSpan();
        key.CopyTo(span);
        id.TryWriteBytes(span[32..]);
        sha256.CopyTo(span[48..]);
        BinaryPrimitives.WriteInt64BigEndian(span[80..], bytes);
        BinaryPrimitives.WriteInt64BigEndian(span[88..], capturedNs);
        span = span[FixedBytes..];
        BinaryPrimitives.WriteUInt16BigEndian(span, checked((ushort)sensorBytes.Length));
        sensorBytes.CopyTo(span[2..]);
        span = span[(2 + sensorBytes.Length)..];
        span[0] = request is null ? (byte)0 : (byte)1;
        BinaryPrimitives.WriteUInt16BigEndian(span[1..], checked((ushort)requestBytes.Length));
        requestBytes.CopyTo(span[3..]);
        parentBytes.CopyTo(span[(3 + requestBytes.Length)..]);
        return result;
    }

    /// <summary>Reads what <see cref="Write"/> wrote; null when it is something else.</summary>
    public static SpoolImage? Read(ReadOnlySpan<byte> content, Span<byte> key)
    {
        if (content.Length < FixedBytes + 5)
        {
            return null;
        }

        content[..32].CopyTo(key);
        var tail = content[FixedBytes..];
        int sensorBytes = BinaryPrimitives.ReadUInt16BigEndian(tail);
        if (tail.Length < sensorBytes + 5)
        {
            return null;
        }

        var request = tail[(2 + sensorBytes)..];
        int requestBytes = BinaryPrimitives.ReadUInt16BigEndian(request[1..]);
        if (request.Length < 3 + requestBytes)
        {
            return null;
        }

        var parent = request[(3 + requestBytes)..];

        return new SpoolImage(
            new Guid(content.Slice(32, 16)).ToString("N"),
            Encoding.UTF8.GetString(tail.Slice(2, sensorBytes)),
            BinaryPrimitives.ReadInt64BigEndian(content[80..]),
            Convert.ToHexStringLower(content.Slice(48, 32)),
            BinaryPrimitives.ReadInt64BigEndian(content[88..]),
            request[0] == 0 ? null : Encoding.UTF8.GetString(request.Slice(3, requestBytes)),
            parent.IsEmpty ? null : Encoding.UTF8.GetString(parent));
    }
}
