using System.Globalization;
using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <summary>Sends what waits in the outbox beside the readings: a few at a time, everything at each connection, and once a day again what
/// the recipient has not acknowledged. One thread.</summary>
internal sealed class NoticeSender(
    CourierSettings settings, IOutbox outbox, Topics topics, IClock clock, Counters counters, CourierStatus status, Lock sending)
{
    /// <summary>Notices read at once: each may have a hundred kilobytes.</summary>
    private const int ReadMax = 4;

    /// <summary>What topic, properties and fixed header take of the broker's largest packet.</summary>
    private const int OverheadBytes = 512;

    private readonly CourierLimits _limits = settings.Limits;
    private readonly PayloadBuffer _buffer = new();
    private readonly Queue<Notice> _read = new();

    // Of the present connection: when a notice may go out again. As many as the outbox holds, which is bounded.
    private readonly Dictionary<long, long> _notBeforeNs = [];
    private readonly List<long> _keptBack = [];
    private ILink _link = null!;
    private InFlightTable _table = null!;
    private int _window;
    private int _payloadMax;
    private int _inFlight;
    private long _after;
    private long _rescanAtNs;
    private bool _readAll;

    /// <summary>True after a notice was sent, until the readings had their turn.</summary>
    public bool HadTurn { get; set; }

    /// <summary>A connection is up: everything that waits is sent over it.</summary>
    public void Begin(ILink link, InFlightTable table, int window, int packetBytesMax)
    {
        _link = link;
        _table = table;
        _window = window;
        _payloadMax = Math.Min(_limits.MessageBytesMax, packetBytesMax - OverheadBytes);
        _notBeforeNs.Clear();
        _keptBack.Clear();
        _inFlight = 0;
        HadTurn = false;
        Rescan();
    }

    /// <summary>The outbox has something new.</summary>
    public void Added() => _readAll = false;

    /// <summary>What was kept back is asked for again.</summary>
    public void GateChanged()
    {
        if (_keptBack.Count > 0)
        {
            _keptBack.ForEach(id => _notBeforeNs.Remove(id));
            _keptBack.Clear();
            Rescan();
        }
    }

    /// <summary>Sends as far as the window and <see cref="CourierLimits.NoticesInFlightMax"/> allow.</summary>
    /// <returns>False when the link is down.</returns>
    /// <exception cref="StoreFault">The outbox cannot be read.</exception>
    public bool Send()
    {
        if (clock.BootNs >= _rescanAtNs)
        {
            Rescan();
        }

        while (_table.Count < _window && _inFlight < Math.Min(_limits.NoticesInFlightMax, Math.Max(1, _window / 4)) && Next() is { } notice)
        {
            NoticeEnvelope.Write(_buffer, notice, notice.UntilAcknowledged);
            if (_buffer.Written.Length > _payloadMax)
            {
                // A broker that takes so little may be set right; until then the others go on.
                Hold(notice.Id, "is larger than the broker's largest packet");
            }
            else if (!Publish(notice))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The broker answered a notice: below 0x80 it has it.</summary>
    /// <exception cref="StoreFault">That could not be noted: it goes out again.</exception>
    public void Answered(in Sent sent, int code)
    {
        _inFlight--;
        if (code >= 0x80)
        {
            counters.Add(string.Create(CultureInfo.InvariantCulture, $"delivery.notice-refused.0x{code:x2}"));
            Hold(sent.ItemId, string.Create(CultureInfo.InvariantCulture, $"is refused by the broker (0x{code:x2}, {Refusals.Describe(code)})"));
            return;
        }

        try
        {
            outbox.Sent(sent.ItemId);
            counters.Add("delivery.notices");
        }
        catch (StoreFault)
        {
            Later(sent.ItemId, _limits.StoreRetry);
            throw;
        }
    }

    // Between the question and the message on its way nobody can change the answer unseen: see Courier.UnderWay.
    private bool Publish(Notice notice)
    {
        lock (sending)
        {
            if (!settings.MaySend(notice))
            {
                _keptBack.Add(notice.Id);
                Later(notice.Id, _limits.RepeatNotices);
                return true;
            }

            if (!outbox.Sending(notice.Id))
            {
                // erased or replaced since it was read
                return true;
            }

            var messageId = _link.Publish(topics.Of(notice.Kind), _buffer.Written, default);
            if (messageId <= 0)
            {
                return false;
            }

            _table.Add(messageId, new Sent(SentKind.Notice, notice.Id, Reference: notice));
        }

        _inFlight++;
        HadTurn = true;
        Later(notice.Id, _limits.RepeatNotices);
        return true;
    }

    private void Hold(long id, string why)
    {
        Later(id, _limits.NoticeRefused);
        status.Detail = "a notice " + why;
    }

    private void Later(long id, TimeSpan wait)
    {
        var at = clock.BootNs + wait.ToNs();
        _notBeforeNs[id] = at;
        _rescanAtNs = Math.Min(_rescanAtNs, at);
    }

    private void Rescan()
    {
        _read.Clear();
        _after = 0;
        _readAll = false;
        _rescanAtNs = clock.BootNs + _limits.RepeatNotices.ToNs();
        foreach (var (_, at) in _notBeforeNs)
        {
            _rescanAtNs = at > clock.BootNs ? Math.Min(_rescanAtNs, at) : _rescanAtNs;
        }
    }

    private Notice? Next()
    {
        while (true)
        {
            if (_read.Count == 0 && !Read())
            {
                return null;
            }

            var notice = _read.Dequeue();
            if (_notBeforeNs.GetValueOrDefault(notice.Id) <= clock.BootNs)
            {
                return notice;
            }
        }
    }

    private bool Read()
    {
        if (_readAll)
        {
            return false;
        }

        foreach (var notice in outbox.Waiting(settings.Recipient.Name, _after, ReadMax))
        {
            _read.Enqueue(notice);
            _after = notice.Id;
        }

        _readAll = _read.Count == 0;
        return !_readAll;
    }
}
