using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <summary>Moves items from the spool into the link's window, in order, asking the gate before each, and tells the spool what the
/// broker has. The spool is the only queue: whatever is not acknowledged is simply read again. One thread.</summary>
/// <remarks>
/// What is not sent and why:
/// <list type="bullet">
/// <item>withdrawn, or its term over: given up, so that the spool erases it and announces a gap; unless a legal hold keeps it (R86);</item>
/// <item>denied otherwise (no rule, not granted, not a recipient, region, prohibited, restricted …): held back, neither sent nor
/// acknowledged nor deleted. A policy can change back, a restriction is lifted (R92); until then the term and the byte cap bound how
/// long it stays, and end it with an announced gap. After each change of the gate it is asked about again;</item>
/// <item>refused by the broker: see <see cref="RefusalVerdict"/>.</item>
/// </list>
/// Items held back are overtaken by later ones; they arrive late, under their own numbers.
/// </remarks>
internal sealed partial class ItemSender
{
    private readonly CourierSettings _settings;
    private readonly CourierLimits _limits;
    private readonly ISpoolReader _reader;
    private readonly IGate _gate;
    private readonly IClock _clock;
    private readonly Counters _counters;
    private readonly Topics _topics;
    private readonly CourierStatus _status;
    private readonly StatePublisher _state;
    private readonly BatchEncoder _batches;
    private readonly EventEncoder _events;
    private readonly Compressor _compressor;
    private readonly Random _random;
    private readonly PayloadBuffer _buffer = new(16 * 1024);
    private readonly SpoolItem _item = new();
    private readonly Dictionary<long, ImageTransfer> _images = [];
    private readonly string _recipient;
    private readonly Lock _sendLock;
    private readonly bool _compresses;
    private byte[] _chunk = [];

    // Of the present connection.
    private ILink _link = null!;
    private volatile InFlightTable _table;
    private MqttVersion _version;
    private long _connectedBootNs;
    private int _window;
    private int _payloadMax;
    private bool _hasItem;
    private bool _chunkTurn;
    private PartTransfer? _parts;
    private int _partIndex;
    private int _partCount;

    public ItemSender(
        CourierSettings settings, ISpoolReader reader, IGate gate, IClock clock, Counters counters, Topics topics, CourierStatus status,
        StatePublisher state, Random random, Lock sending)
    {
        _sendLock = sending;
        _table = new InFlightTable(0, sending);
        _settings = settings;
        _limits = settings.Limits;
        _reader = reader;
        _gate = gate;
        _clock = clock;
        _counters = counters;
        _topics = topics;
        _status = status;
        _state = state;
        _random = random;
        _recipient = settings.Recipient.Name;
        _compresses = settings.Recipient.CompressAboveBytes != int.MaxValue;
        var ids = new MessageIds(settings.TagKey.Span, settings.Pseudonym);
        _batches = new BatchEncoder(ids, asSteps: _compresses);
        _events = new EventEncoder(ids);
        _compressor = new Compressor();
        _throttle = new Backoff(_limits, random);
    }

    private enum Outcome
    {
        /// <summary>The item is dealt with: sent, held back or given up.</summary>
        Done,

        /// <summary>The window is full: go on with the same item later.</summary>
        Full,

        /// <summary>The link is down.</summary>
        Down,

        /// <summary>The item is not on the board any more: nothing of it is sent.</summary>
        Gone,
    }

    /// <summary>A connection is up: begins again at the oldest unacknowledged item.</summary>
    public void Begin(ILink link, in LinkAccepted accepted, InFlightTable table, int window)
    {
        _link = link;
        _table = table;
        _version = accepted.Version;
        _window = window;
        _connectedBootNs = _clock.BootNs;
        // What the topic, the properties and the fixed header take of the broker's largest packet.
        const int Overhead = 512;
        _payloadMax = Math.Min(_limits.MessageBytesMax, accepted.PacketBytesMax - Overhead);
        _functionHolds.Clear();
        _resumeAtNs = 0;
        Rewind();
    }

    /// <summary>The connection is gone: what was under way is not known to have arrived.</summary>
    public void End()
    {
        _table.Clear();
        _settings.Budget?.Save();
        _sending = null;
        foreach (var transfer in _images.Values)
        {
            transfer.Restart();
        }

        _hasItem = false;
        _parts = null;
    }

    /// <summary>Sends until the window is full or nothing more waits.</summary>
    /// <returns>How long the link may be waited for before the next call; zero when there is more to send at once.
    /// Negative when the link is down.</returns>
    /// <exception cref="StoreFault">The spool could not be read.</exception>
    public TimeSpan Fill()
    {
        var now = _clock.BootNs;
        if (now < _resumeAtNs)
        {
            return Until(_resumeAtNs, now);
        }

        if (_settings.Budget?.Pause() is { Ticks: > 0 } pause)
        {
            _status.Detail = _settings.Budget.Detail;
            _paused = true;
            return pause < _limits.PollMax ? pause : _limits.PollMax;
        }

        if (_paused)
        {
            _paused = false;
            _status.Detail = "";
        }

        if (now >= _rewindAtNs)
        {
            Rewind();
        }

        // A window of one or two places is shared by turns.
        var chunksFirst = _chunkTurn && DataWindow <= 1;
        if (chunksFirst && !SendChunks())
        {
            return Down;
        }

        var wait = Until(_rewindAtNs, now);
        for (var reads = 0; _table.Count < DataWindow; reads++)
        {
            if (reads == _limits.ReadsPerPoll)
            {
                wait = TimeSpan.Zero;
                break;
            }

            if (!_hasItem && !ReadNext())
            {
                break;
            }

            var outcome = Offer();
            if (outcome == Outcome.Down)
            {
                return Down;
            }

            if (outcome == Outcome.Full)
            {
                break;
            }

            _hasItem = false;
            _chunkTurn = true;
        }

        return chunksFirst || SendChunks() ? wait : Down;
    }

    /// <summary>The items of (function, field) with messages under way. Any thread.</summary>
    public List<ItemUnderWay> UnderWay(string function, string field) => _table.UnderWay(_recipient, function, field);

    private static TimeSpan Down => TimeSpan.FromTicks(-1);

    // Places that blocks may take: some are kept for results, state and chunks.
    private int DataWindow => Math.Max(1, TotalWindow - (_sending is not null ? Math.Min(_limits.ChunksInFlightMax, Math.Max(1, TotalWindow / 4)) : 0));

    private int TotalWindow => _window > 8 ? _window - _limits.WindowReserve : _window;

    private TimeSpan Until(long bootNs, long now)
    {
        var left = bootNs - now;
        return left >= _limits.PollMax.ToNs() ? _limits.PollMax : TimeSpan.FromTicks(Math.Max(1, (left + 99) / 100));
    }

    private bool ReadNext()
    {
        while (!_readsWait && _reader.TryRead(_item))
        {
            if (_item.Kind == SpoolItemKind.Image)
            {
                _readableImage = _item.Id;
            }

            // After a rewind, items under way are read again.
            if (_table.HasItem(_item.Id))
            {
                WaitAtPictureUnderWay();
                continue;
            }

            _hasItem = true;
            _parts = null;
            _partIndex = 0;
            _partCount = 0;
            return true;
        }

        if (!_readsWait && _rereads)
        {
            // Everything was read again, and the picture was not there: it was erased meanwhile.
            DropSending();
        }

        return false;
    }

    private Outcome Offer()
    {
        if (IsHeld(_item))
        {
            return Outcome.Done;
        }

        if (_item.Kind == SpoolItemKind.Gap)
        {
            // No reading leaves with a gap; a recipient must learn of it even when it may have no more data.
            _events.EncodeGap(_item, _buffer);
            return Publish(_topics.Gap, _buffer.Written, default, new Sent(SentKind.Item, _item.Id, 0, _item.Function), _item.Id);
        }

        Decision decision;
        var outcome = Outcome.Done;

        // Between the question and the message on its way nobody can change the answer unseen: see Courier.UnderWay.
        lock (_sendLock)
        {
            decision = Ask(_item.Function, _item.Field, _item.ConsentId, Captured(_item));
            if (decision.IsPermitted)
            {
                outcome = _item.Kind == SpoolItemKind.Image ? SendImage() : SendBlock();
            }
        }

        if (!decision.IsPermitted)
        {
            Denied(decision.Reason, _item.Id, _item.Function, _item.Field);
            return Outcome.Done;
        }

        if (decision.Permit.Personal)
        {
            _buffer.Clear(wipe: true);
            _compressor.Wipe();
        }

        return outcome;
    }

    private Outcome SendBlock()
    {
        var sets = _item.Sets;
        for (var i = 0; i < sets.Count; i++)
        {
            // Units and scales go out before the first values that need them.
            if (_state.Learn(_item.Function, sets[i].Set) && !_state.Publish(_link, _table))
            {
                return Outcome.Down;
            }
        }

        if (_table.Count >= _window)
        {
            return Outcome.Full;
        }

        if (_partCount == 0)
        {
            var payload = Encode(BatchPart.Whole, out var compressed);
            if (payload.Length <= _payloadMax)
            {
                return PublishBatch(payload, compressed, SentOf(SentKind.Item, 0, null), _item.Id);
            }

            _partCount = PlanParts(payload.Length);
            if (_partCount == 0)
            {
                GiveUp(_item.Id, GapReason.Rejected, "too-large");
                return Outcome.Done;
            }
        }

        return SendParts();
    }

    private Outcome SendParts()
    {
        _parts ??= new PartTransfer();
        while (_partIndex < _partCount)
        {
            if (_table.Count >= DataWindow)
            {
                return Outcome.Full;
            }

            var payload = Encode(new BatchPart(_partIndex, _partCount), out var compressed);
            if (PublishBatch(payload, compressed, SentOf(SentKind.Part, _partIndex, _parts), itemId: 0) is not Outcome.Done and var outcome)
            {
                return outcome;
            }

            _parts.Outstanding++;
            _partIndex++;
        }

        _parts.AllSent = true;
        _table.AddItem(_item.Id);
        return Outcome.Done;
    }

    // Rare: a block this large means thousands of readings in one flush. Tries until every part fits; 0 when one row is too large.
    private int PlanParts(int bytes)
    {
        var rows = 0;
        foreach (var set in _item.Sets)
        {
            rows = Math.Max(rows, set.Columns.Count);
        }

        for (var parts = (bytes / _payloadMax) + 2; ; parts *= 2)
        {
            parts = Math.Min(parts, rows);
            var fits = true;
            for (var part = 0; part < parts && fits; part++)
            {
                fits = Encode(new BatchPart(part, parts), out _).Length <= _payloadMax;
            }

            if (fits && parts > 0)
            {
                return parts;
            }

            if (parts >= rows)
            {
                return 0;
            }
        }
    }

    private ReadOnlySpan<byte> Encode(BatchPart part, out bool compressed)
    {
        var backlog = IsBacklog();
        _batches.Encode(_item, backlog, part, _buffer);
        var payload = _buffer.Written;
        compressed = false;
        if (_compresses && payload.Length > _settings.Recipient.CompressAboveBytes)
        {
            var smaller = _compressor.Compress(payload, backlog ? _limits.BrotliQualityBacklog : _limits.BrotliQualityLive);
            if (!smaller.IsEmpty)
            {
                compressed = true;
                return smaller;
            }
        }

        return payload;
    }

    private Sent SentOf(SentKind kind, int index, object? reference) =>
        new(kind, _item.Id, index, _item.Function, _item.Field, _item.Sequence, reference);

    private Outcome PublishBatch(ReadOnlySpan<byte> payload, bool compressed, in Sent sent, long itemId)
    {
        var asLevel = compressed && _version == MqttVersion.V311;
        if (!_reader.Sending(_item.Id))
        {
            // erased on the board since it was read
            return Outcome.Gone;
        }

        var options = compressed && !asLevel ? new PublishOptions(ContentEncoding: ContentEncodings.Brotli) : default;
        _counters.Add(TrafficCounters.ReadingBytes, payload.Length);
        _counters.Add(TrafficCounters.Readings, itemId != 0 || _partIndex == 0 ? _item.Readings : 0);
        return Publish(_topics.Data(_item.Function, asLevel), payload, options, sent, itemId);
    }

    private Outcome Publish(MqttTopic topic, ReadOnlySpan<byte> payload, in PublishOptions options, in Sent sent, long itemId)
    {
        var messageId = _link.Publish(topic, payload, options);
        if (messageId <= 0)
        {
            return Outcome.Down;
        }

        TrafficCounters.CountFunction(_counters, sent.Function, payload.Length);
        _settings.Budget?.Sent(payload.Length + topic.Name.Length);
        _table.Add(messageId, sent);
        _status.InFlight = _table.Count;
        if (itemId != 0)
        {
            _table.AddItem(itemId);
        }

        return Outcome.Done;
    }
}
