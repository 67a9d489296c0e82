using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <summary>Wakes a courier from other threads: what came between two looks at the link is not missed. Thread-safe.</summary>
internal sealed class CourierWakes
{
    private readonly Lock _lock = new();
    private ILink? _link;
    private bool _isStopping;
    private int _stored;
    private int _gateChanged;
    private int _noticeAdded;

    /// <summary>The spool has something new.</summary>
    public void Stored()
    {
        Volatile.Write(ref _stored, 1);
        Wake();
    }

    /// <summary>A consent or the policy changed.</summary>
    public void GateChanged()
    {
        Volatile.Write(ref _gateChanged, 1);
        Wake();
    }

    /// <summary>The outbox has something new.</summary>
    public void NoticeAdded()
    {
        Volatile.Write(ref _noticeAdded, 1);
        Wake();
    }

    /// <summary>Ends a wait of the present link.</summary>
    public void Wake()
    {
        lock (_lock)
        {
            _link?.Wake();
        }
    }

    /// <summary>Ends all waits of the present link and of those to come: nobody connects any more.</summary>
    public void Stop()
    {
        lock (_lock)
        {
            _isStopping = true;
            _link?.CancelWaits();
        }
    }

    /// <summary>Sets the link to wake; null before it is disposed.</summary>
    public void Attach(ILink? link)
    {
        lock (_lock)
        {
            _link = link;
            if (_isStopping)
            {
                link?.CancelWaits();
            }
        }
    }

    /// <summary>True once after <see cref="Stored"/>.</summary>
    public bool TakeStored() => Volatile.Read(ref _stored) != 0 && Interlocked.Exchange(ref _stored, 0) != 0;

    /// <summary>True once after <see cref="NoticeAdded"/>.</summary>
    public bool TakeNoticeAdded() => Volatile.Read(ref _noticeAdded) != 0 && Interlocked.Exchange(ref _noticeAdded, 0) != 0;

    /// <summary>True once after <see cref="GateChanged"/>.</summary>
    public bool TakeGateChanged() => Volatile.Read(ref _gateChanged) != 0 && Interlocked.Exchange(ref _gateChanged, 0) != 0;
}
