using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <summary>A notice as it goes out: the signed document with its name and kind (contract/notice.schema.json).</summary>
internal static class NoticeEnvelope
{
    /// <summary>Writes one into an emptied buffer.</summary>
    /// <param name="buffer">Gets the payload.</param>
    /// <param name="notice">The notice.</param>
    /// <param name="acknowledge">True when it is repeated until the recipient acknowledges it.</param>
    public static void Write(PayloadBuffer buffer, Notice notice, bool acknowledge)
    {
        buffer.Clear(wipe: true);
        buffer.Raw("{\"v\":"u8);
        buffer.Number(ContractWords.Version);
        buffer.Raw(",\"reference\":"u8);
        buffer.Text(notice.Reference);
        buffer.Raw(",\"kind\":"u8);
        buffer.Text(ContractWords.Of(notice.Kind));
        buffer.Raw(acknowledge ? ",\"acknowledge\":true,\"document\":"u8 : ",\"acknowledge\":false,\"document\":"u8);
        buffer.Raw(notice.Json.Span);
        buffer.Raw((byte)'}');
    }
}
