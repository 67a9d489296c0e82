using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <summary>Pictures: the manifest in its place among the items, the chunks beside the readings.</summary>
/// <remarks>The spool's reader can read only from the picture it came by last. So one picture is sent at a time; readings behind it go
/// on meanwhile, up to the next picture. There the reader is sent back to the first one and waits until its last chunk is out.</remarks>
internal sealed partial class ItemSender
{
    // The picture of which chunks are still to be sent; null when there is none.
    private ImageTransfer? _sending;

    // The picture that the reader can read from: the last one it came by.
    private long _readableImage;

    // The reader was sent back to make _sending readable again, and has not come by it yet.
    private bool _rereads;

    // The reader stands just behind _sending and must stay there, because another picture follows.
    private bool _readsWait;

    private Outcome SendImage()
    {
        if (_sending is { Active: true, NextChunk: >= 0 } other && other.ItemId != _item.Id)
        {
            if (_item.Id > other.ItemId && !_rereads)
            {
                // The reader has left the picture that is being sent. Back to it; this one's turn comes after.
                Rewind();
                return Outcome.Done;
            }

            if (_item.Id > other.ItemId)
            {
                DropSending();
            }
            else
            {
                // An older picture was released. The other one is read again after it, and continues where it was.
                other.Restart();
                _table.RemoveItem(other.ItemId);
                StopSending();
            }
        }

        var chunkBytes = Math.Max(1, Math.Min(_limits.ChunkBytes, _payloadMax));
        if (!_images.TryGetValue(_item.Id, out var transfer) || transfer.ChunkBytes != chunkBytes)
        {
            if (_images.Count >= _limits.ImagesMax && !ForgetInactive())
            {
                // Readings wait as well now; only so many pictures are remembered.
                return Outcome.Full;
            }

            transfer = new ImageTransfer(_item, chunkBytes, IsBacklog());
            _counters.Add(TrafficCounters.Pictures);
            _counters.Add(TrafficCounters.PictureBytes, transfer.Image.Bytes);
            _images[_item.Id] = transfer;
        }

        if (!_reader.Sending(transfer.ItemId))
        {
            _images.Remove(transfer.ItemId);
            return Outcome.Gone;
        }

        if (!transfer.ManifestAcknowledged)
        {
            _events.EncodeManifest(transfer, _buffer);
            var sent = transfer.SentOf(SentKind.Manifest, 0);
            if (Publish(_topics.Data(transfer.Function), _buffer.Written, default, sent, transfer.ItemId) == Outcome.Down)
            {
                return Outcome.Down;
            }
        }

        transfer.Active = true;
        _table.AddItem(transfer.ItemId);
        _sending = transfer;
        return Outcome.Done;
    }

    // False when the link is down.
    private bool SendChunks()
    {
        while (_sending is { } transfer)
        {
            if (!transfer.Active || transfer.NextChunk < 0)
            {
                StopSending();
                return true;
            }

            if (_readableImage != transfer.ItemId)
            {
                if (!_rereads)
                {
                    Rewind();
                }

                return true;
            }

            if (_table.Chunks >= _limits.ChunksInFlightMax || _table.Count >= TotalWindow)
            {
                return true;
            }

            if (SendChunk(transfer) == Outcome.Down)
            {
                return false;
            }
        }

        return true;
    }

    private Outcome SendChunk(ImageTransfer transfer)
    {
        Decision decision;
        lock (_sendLock)
        {
            decision = Ask(transfer.Function, transfer.Field, transfer.ConsentId, transfer.CapturedWallNs);
            if (decision.IsPermitted)
            {
                return PublishChunk(transfer, decision.Permit.Personal);
            }
        }

        transfer.Restart();
        _table.RemoveItem(transfer.ItemId);
        Denied(decision.Reason, transfer.ItemId, transfer.Function, transfer.Field);
        return Outcome.Done;
    }

    private Outcome PublishChunk(ImageTransfer transfer, bool isPersonal)
    {
        var index = transfer.NextChunk;
        var chunk = ReadChunk(transfer, index);
        if (chunk.IsEmpty)
        {
            return Outcome.Done;
        }

        var topic = _topics.Chunk(transfer.Function, transfer.Image.ImageId, index);
        var outcome = Publish(topic, chunk, default, transfer.SentOf(SentKind.Chunk, index), itemId: 0);
        if (isPersonal)
        {
            _chunk.AsSpan().Clear();
        }

        if (outcome != Outcome.Down)
        {
            transfer.Sent();
            _chunkTurn = false;
        }

        return outcome;
    }

    // The reader comes by the picture that is being sent: readable again. Nothing more is read until its last chunk is out, or
    // the next picture would take its place once more.
    private void WaitAtPictureUnderWay()
    {
        if (_rereads && _sending?.ItemId == _item.Id)
        {
            _rereads = false;
            _readsWait = true;
        }
    }

    private void StopSending()
    {
        _sending = null;
        _readsWait = false;
        _rereads = false;
    }

    private void DropSending()
    {
        if (_sending is { } gone)
        {
            gone.Restart();
            _table.RemoveItem(gone.ItemId);
            _images.Remove(gone.ItemId);
        }

        StopSending();
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
