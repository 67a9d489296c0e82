using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <summary>Writes gaps and image manifests: <c>contract/gap.schema.json</c>, <c>contract/image.schema.json</c>. One thread.</summary>
internal sealed class EventEncoder(MessageIds ids)
{
    /// <summary>Writes the gap that <paramref name="item"/> holds.</summary>
    public void EncodeGap(SpoolItem item, PayloadBuffer buffer)
    {
        var gap = item.Gap!;
        buffer.Clear();
        buffer.Raw("{\"v\":1,\"id\":\""u8);
        ids.Write(buffer, item.Generation, item.BootId, item.PublicId);
        buffer.Raw("\",\"function\":"u8);
        buffer.Text(item.Function);
        buffer.Raw(",\"reason\":"u8);
        buffer.Text(ContractWords.Of(gap.Reason));
        buffer.Raw(",\"from\":"u8);
        buffer.Number(gap.FromSequence);
        buffer.Raw(",\"to\":"u8);
        buffer.Number(gap.ToSequence);
        buffer.Raw(",\"blocks\":"u8);
        buffer.Number(gap.Blocks);
        buffer.Raw(",\"readings\":"u8);
        buffer.Number(gap.Readings);
        buffer.Raw((byte)'}');
    }

    /// <summary>Writes the manifest of the picture <paramref name="transfer"/> sends.</summary>
    public void EncodeManifest(ImageTransfer transfer, PayloadBuffer buffer)
    {
        var image = transfer.Image;
        transfer.Head.Write(buffer, ids, BatchPart.Whole, transfer.Backlog);
        buffer.Raw(",\"image\":{\"id\":"u8);
        buffer.Text(image.ImageId);
        buffer.Raw(",\"sensor\":"u8);
        buffer.Text(image.Sensor);
        buffer.Raw(",\"captured\":"u8);
        buffer.Number((image.CapturedBootNs + transfer.WallOffsetNs) / 1000);
        buffer.Raw(",\"bytes\":"u8);
        buffer.Number(image.Bytes);
        buffer.Raw(",\"sha256\":"u8);
        buffer.Text(image.Sha256);
        buffer.Raw(",\"chunks\":"u8);
        buffer.Number(transfer.Chunks);
        buffer.Raw(",\"chunkBytes\":"u8);
        buffer.Number(transfer.ChunkBytes);
        if (image.RequestId is { } request)
        {
            buffer.Raw(",\"request\":"u8);
            buffer.Text(request);
        }

        if (image.ParentId is { } parent)
        {
            buffer.Raw(",\"parent\":"u8);
            buffer.Text(parent);
        }

        buffer.Raw("}}"u8);
    }
}
