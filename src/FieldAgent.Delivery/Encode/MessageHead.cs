using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <summary>What a message of data begins with, whatever it carries: <c>contract/batch.schema.json</c> and <c>contract/image.schema.json</c>
/// have the same members here.</summary>
/// <param name="Generation">The store that the data lie in.</param>
/// <param name="BootId">The boot they were taken in.</param>
/// <param name="PublicId">Their number, as recipients see it.</param>
/// <param name="Sequence">Their number among the recipient's data of that function.</param>
/// <param name="Function">The function they are for.</param>
/// <param name="Purpose">What for.</param>
/// <param name="PolicyVersion">The policy they were admitted by.</param>
/// <param name="PublicConsentId">The consent they were admitted under, as recipients see it; 0: none was needed.</param>
/// <param name="Quality">How good the clock was.</param>
internal readonly record struct MessageHead(
    Guid Generation, Guid BootId, long PublicId, long Sequence, string Function, string Purpose, string PolicyVersion, long PublicConsentId,
    ClockQuality Quality)
{
    /// <summary>The head of what lies in the spool.</summary>
    public static MessageHead Of(SpoolItem item) => new(
        item.Generation, item.BootId, item.PublicId, item.Sequence, item.Function, item.Purpose, item.PolicyVersion, item.PublicConsentId,
        item.Quality);

    /// <summary>Begins the message's object; the caller goes on with a comma.</summary>
    /// <param name="buffer">Cleared first.</param>
    /// <param name="ids">Writes the id.</param>
    /// <param name="part">Which part of them this message has.</param>
    /// <param name="isBacklog">True when they are older than the connection.</param>
    public void Write(PayloadBuffer buffer, MessageIds ids, BatchPart part, bool isBacklog)
    {
        buffer.Clear();
        buffer.Raw("{\"v\":1,\"id\":\""u8);
        ids.Write(buffer, Generation, BootId, PublicId, part.Count > 1 ? part.Index : -1);
        buffer.Raw("\",\"seq\":"u8);
        buffer.Number(Sequence);
        if (part.Count > 1)
        {
            buffer.Raw(",\"part\":"u8);
            buffer.Number(part.Index);
            buffer.Raw(",\"parts\":"u8);
            buffer.Number(part.Count);
        }

        buffer.Raw(",\"function\":"u8);
        buffer.Text(Function);
        buffer.Raw(",\"purposes\":["u8);
        buffer.Text(Purpose);
        buffer.Raw("],\"policy\":"u8);
        buffer.Text(PolicyVersion);
        if (PublicConsentId != 0)
        {
            buffer.Raw(",\"consent\":"u8);
            buffer.Number(PublicConsentId);
        }

        buffer.Raw(",\"clock\":"u8);
        buffer.Text(ContractWords.Of(Quality));
        if (isBacklog)
        {
            buffer.Raw(",\"backlog\":true"u8);
        }
    }
}
