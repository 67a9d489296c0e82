using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <summary>Pictures: the manifest in its place among the items, the chunks beside the readings.</summary>
internal sealed partial class ItemSender
{
    private Outcome SendImage()
    {
        var chunkBytes = Math.Max(1, Math.Min(_limits.ChunkBytes, _payloadMax));
        if (!_images.TryGetValue(_item.Id, out var transfer) || transfer.ChunkBytes != chunkBytes)
        {
            if (_images.Count >= _limits.ImagesMax && !ForgetInactive())
            {
                // Readings wait as well now; only so many pictures are remembered.
                return Outcome.Full;
            }

            transfer = new ImageTransfer(_item, chunkBytes, IsBacklog());
            _images[_item.Id] = transfer;
        }

        if (!transfer.ManifestAcknowledged)
        {
            _events.EncodeManifest(transfer, _buffer);
            var sent = new Sent(SentKind.Manifest, transfer.ItemId, 0, transfer.Function, transfer);
            if (Publish(_topics.Data(transfer.Function), _buffer.Written, default, sent, transfer.ItemId) == Outcome.Down)
            {
                return Outcome.Down;
            }
        }

        transfer.Active = true;
        _table.AddItem(transfer.ItemId);
        _chunkQueue.Enqueue(transfer);
        return Outcome.Done;
    }

    // False when the link is down.
    private bool SendChunks()
    {
        while (_chunkQueue.TryPeek(out var transfer))
        {
            if (!transfer.Active || transfer.NextChunk < 0)
            {
                _chunkQueue.Dequeue();
                continue;
            }

            if (_table.Chunks >= _limits.ChunksInFlightMax || _table.Count >= TotalWindow)
            {
                return true;
            }

            var decision = _gate.Decide(Stage.Send, transfer.Function, transfer.Field, _recipient);
            if (!decision.IsPermitted)
            {
                transfer.Restart();
                _table.RemoveItem(transfer.ItemId);
                Denied(decision.Reason, transfer.ItemId);
                continue;
            }

            var index = transfer.NextChunk;
            var chunk = ReadChunk(transfer, index);
            if (chunk.IsEmpty)
            {
                continue;
            }

            var topic = _topics.Chunk(transfer.Function, transfer.Image.ImageId, index);
            var sent = new Sent(SentKind.Chunk, transfer.ItemId, index, transfer.Function, transfer);
            var outcome = Publish(topic, chunk, default, sent, itemId: 0);
            if (decision.Permit.Personal)
            {
                _chunk.AsSpan().Clear();
            }

            if (outcome == Outcome.Down)
            {
                return false;
            }

            transfer.Sent();
            _chunkTurn = false;
        }

        return true;
    }

    // Empty when the picture cannot be read: it was given up then.
    private ReadOnlySpan<byte> ReadChunk(ImageTransfer transfer, int index)
    {
        if (_chunk.Length < transfer.ChunkBytes)
        {
            _chunk = new byte[transfer.ChunkBytes];
        }

        var offset = (long)index * transfer.ChunkBytes;
        var wanted = (int)Math.Min(transfer.ChunkBytes, transfer.Image.Bytes - offset);
        try
        {
            if (_reader.ReadImage(transfer.Image, offset, _chunk.AsSpan(0, wanted)) == wanted)
            {
                return _chunk.AsSpan(0, wanted);
            }
        }
        catch (StoreFault fault) when (!fault.Retry)
        {
            // Said by the gap below: the file is gone or damaged.
        }

        transfer.Restart();
        GiveUp(transfer.ItemId, GapReason.Unreadable, "unreadable");
        return default;
    }

    // A transfer that no reading of the spool brings back was erased meanwhile.
    private bool ForgetInactive()
    {
        foreach (var (id, transfer) in _images)
        {
            if (!transfer.Active)
            {
                return _images.Remove(id);
            }
        }

        return false;
    }
}
