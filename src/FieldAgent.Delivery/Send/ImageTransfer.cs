using System.Collections;
using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <summary>A picture on its way: its manifest and its chunks. It outlives a connection, so that chunks the broker has acknowledged
/// are not sent again: a large picture gets through a link that never lasts long enough for all of it. One thread.</summary>
internal sealed class ImageTransfer
{
    private readonly BitArray _acknowledged;
    private int _acknowledgedCount;
    private int _next;

    public ImageTransfer(SpoolItem item, int chunkBytes, bool backlog)
    {
        Image = item.Image!;
        ItemId = item.Id;
        Head = MessageHead.Of(item);
        Field = item.Field;
        ConsentId = item.ConsentId;
        WallOffsetNs = item.WallOffsetNs;
        Backlog = backlog;
        ChunkBytes = chunkBytes;
        Chunks = (int)((Image.Bytes + chunkBytes - 1) / chunkBytes);
        _acknowledged = new BitArray(Chunks);
    }

    public SpoolImage Image { get; }

    public long ItemId { get; }

    /// <summary>What its manifest begins with.</summary>
    public MessageHead Head { get; }

    public string Function => Head.Function;

    public string Field { get; }

    public long ConsentId { get; }

    public long WallOffsetNs { get; }

    public bool Backlog { get; }

    public int ChunkBytes { get; }

    public int Chunks { get; }

    /// <summary>The broker has the manifest.</summary>
    public bool ManifestAcknowledged { get; set; }

    /// <summary>It is being sent over the present connection.</summary>
    public bool Active { get; set; }

    /// <summary>The broker has all of it.</summary>
    public bool IsComplete => ManifestAcknowledged && _acknowledgedCount == Chunks;

    /// <summary>When it was taken, Unix ns; 0 when that boot's wall time is not known.</summary>
    public long CapturedWallNs => Head.Quality == ClockQuality.Unsynced ? 0 : Image.CapturedBootNs + WallOffsetNs;

    /// <summary>The next chunk to send; −1 when all are under way or acknowledged.</summary>
    public int NextChunk
    {
        get
        {
            while (_next < Chunks && _acknowledged[_next])
            {
                _next++;
            }

            return _next < Chunks ? _next : -1;
        }
    }

    /// <summary>A message of it, as it is noted while it is under way.</summary>
    public Sent SentOf(SentKind kind, int index) => new(kind, ItemId, index, Function, Field, Head.Sequence, this);

    /// <summary>The next chunk was sent.</summary>
    public void Sent() => _next++;

    /// <summary>The broker has chunk <paramref name="index"/>.</summary>
    public void Acknowledge(int index)
    {
        if (!_acknowledged[index])
        {
            _acknowledged[index] = true;
            _acknowledgedCount++;
        }
    }

    /// <summary>What was under way is not known to have arrived: send it again.</summary>
    public void Restart()
    {
        _next = 0;
        Active = false;
    }
}
