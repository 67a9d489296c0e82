using FieldAgent.Core;

namespace FieldAgent.Testing;

/// <summary>An outbox in memory. Thread-safe.</summary>
public sealed class FakeOutbox : IOutbox
{
    private readonly Lock _lock = new();
    private readonly List<Notice> _notices = [];
    private long _lastId;

    public event Action? Added;

    /// <summary>Thrown by the next calls, when set.</summary>
    public StoreFault? Fault { get; set; }

    /// <summary>All that waits, for anybody.</summary>
    public IReadOnlyList<Notice> All
    {
        get
        {
            lock (_lock)
            {
                return [.. _notices];
            }
        }
    }

    public Notice Put(Notice notice)
    {
        lock (_lock)
        {
            ThrowIfFaulty();
            if (_notices.Find(n => n.Recipient == notice.Recipient && n.Reference == notice.Reference) is { } known)
            {
                return known;
            }

            notice = notice with { Id = ++_lastId };
            _notices.Add(notice);
        }

        Added?.Invoke();
        return notice;
    }

    public IReadOnlyList<Notice> Waiting(string recipient, long after, int max)
    {
        lock (_lock)
        {
            ThrowIfFaulty();
            return [.. _notices.Where(n => n.Recipient == recipient && n.Id > after).Take(max)];
        }
    }

    public void Sent(long id)
    {
        lock (_lock)
        {
            ThrowIfFaulty();
            _notices.RemoveAll(n => n.Id == id && !n.UntilAcknowledged);
        }
    }

    /// <summary>Numbers of the notices that were about to be published, in order.</summary>
    public List<long> Announced { get; } = [];

    public bool Sending(long id)
    {
        lock (_lock)
        {
            ThrowIfFaulty();
            Announced.Add(id);
            return _notices.Exists(n => n.Id == id);
        }
    }

    public void Drop(long id)
    {
        lock (_lock)
        {
            ThrowIfFaulty();
            _notices.RemoveAll(n => n.Id == id);
        }
    }

    public bool Acknowledge(string recipient, string reference)
    {
        lock (_lock)
        {
            ThrowIfFaulty();
            return _notices.RemoveAll(n => n.Recipient == recipient && n.Reference == reference) > 0;
        }
    }

    private void ThrowIfFaulty()
    {
        if (Fault is { } fault)
        {
            throw fault;
        }
    }
}
