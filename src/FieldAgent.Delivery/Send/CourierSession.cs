using FieldAgent.Core;
using Microsoft.Extensions.Logging;

namespace FieldAgent.Delivery;

/// <summary>One connection of a courier, from CONNACK to its end. Owned by the courier's thread.</summary>
internal sealed class CourierSession(
    CourierSettings settings, ILink link, ISpoolReader reader, ItemSender items, NoticeSender notices, StatePublisher state, CommandDesk commands,
    GroupDesk groups, Topics topics, IClock clock, Counters counters, CourierStatus status, CourierWakes wakes, Lock sending, ILogger logger) : ILinkEvents
{
    private readonly CourierLimits _limits = settings.Limits;
    private readonly List<(int MessageId, int Code)> _answers = [];
    private InFlightTable _table = new(0, sending);
    private MqttVersion _version;
    private LinkFault? _closed;
    private int _window;
    private int _unsettled;
    private long _lastAnswerNs;
    private long _storeRetryAtNs;
    private bool _storeFaulty;

    /// <summary>Delivers until the connection ends or <paramref name="stop"/> is set.</summary>
    /// <returns>Why it ended; kind None when stopped.</returns>
    public LinkFault Serve(LinkAccepted accepted, CancellationToken stop)
    {
        _version = accepted.Version;
        _window = Math.Max(1, Math.Min(settings.Recipient.WindowMax, accepted.SendMaximum));
        _table = new InFlightTable(_window, sending);
        items.Begin(link, accepted, _table, _window);
        notices.Begin(link, _table, _window, accepted.PacketBytesMax);
        commands.Begin(accepted.Version);
        groups.Begin();
        try
        {
            if (state.Publish(link, _table) && !link.Subscribe(topics.CommandFilter, _limits.SubscribeTimeout)
                && _closed is null && !stop.IsCancellationRequested)
            {
                counters.Add("delivery.commands-refused");
                status.Detail = "commands are off: the broker did not accept the subscription to " + topics.CommandFilter;
                CourierLog.CommandsOff(logger, settings.Recipient.Name);
            }

            FollowGroups(stop);
            while (_closed is null)
            {
                if (stop.IsCancellationRequested)
                {
                    SayGoodbye();
                    return default;
                }

                Step(stop);
            }

            return _closed.Value;
        }
        finally
        {
            commands.End(_table);
            items.End();
            status.InFlight = 0;
            TrySettle();
        }
    }

    /// <inheritdoc/>
    public void OnClosed(LinkFault fault) => _closed ??= fault.Kind == LinkFaultKind.None
        ? new LinkFault(LinkFaultKind.Lost, "the connection was closed")
        : fault;

    /// <inheritdoc/>
    public void OnAcknowledged(int messageId, int reasonCode) => _answers.Add((messageId, reasonCode));

    /// <inheritdoc/>
    public void OnMessage(in LinkMessage message) => commands.Receive(message);

    private void FollowGroups(CancellationToken stop)
    {
        if (_closed is null && !groups.Follow(link, _limits.SubscribeTimeout) && !stop.IsCancellationRequested)
        {
            counters.Add("delivery.groups-refused");
            status.Detail = "commands to groups are off: the broker did not accept the subscription to " + GroupDesk.Prefix + "…";
        }
    }

    private void Step(CancellationToken stop)
    {
        if (wakes.TakeGateChanged())
        {
            items.GateChanged();
            notices.GateChanged();
            FollowGroups(stop);
        }

        if (wakes.TakeNoticeAdded())
        {
            notices.Added();
        }

        var wait = SendAll();
        if (wait < TimeSpan.Zero)
        {
            // The link is down; the next look at it says why.
            link.Poll(TimeSpan.Zero);
            TakeAnswers();
            _closed ??= new LinkFault(LinkFaultKind.Lost, "the connection was lost while sending");
            return;
        }

        link.Poll(wakes.TakeStored() ? TimeSpan.Zero : wait);
        TakeAnswers();
        SettleWhenDue();
    }

    private TimeSpan SendAll()
    {
        if (!commands.SendReplies(link, _table, _window)
            || (state.IsStale && _table.Count < _window && !state.Publish(link, _table)))
        {
            return TimeSpan.FromTicks(-1);
        }

        var now = clock.BootNs;
        if (now < _storeRetryAtNs)
        {
            return _limits.PollMax;
        }

        try
        {
            // Whichever has had its turn waits for the other: a small window is shared.
            var itemsFirst = notices.HadTurn;
            if (!itemsFirst && !notices.Send())
            {
                return TimeSpan.FromTicks(-1);
            }

            var hasRoom = _table.Count < _window;
            var wait = items.Fill();
            notices.HadTurn = notices.HadTurn && !(itemsFirst && hasRoom);
            if (wait >= TimeSpan.Zero && itemsFirst && !notices.Send())
            {
                return TimeSpan.FromTicks(-1);
            }

            _storeFaulty = false;
            return wait;
        }
        catch (StoreFault fault)
        {
            StoreFailed(fault);
            return _limits.PollMax;
        }
    }

    private void TakeAnswers()
    {
        if (_answers.Count == 0)
        {
            return;
        }

        foreach (var (messageId, code) in _answers)
        {
            if (!_table.Remove(messageId, out var sent))
            {
                counters.Add("delivery.stray-acknowledgement");
                continue;
            }

            if (sent.Kind is SentKind.State or SentKind.Result)
            {
                if (code >= 0x80)
                {
                    counters.Add(sent.Kind == SentKind.State ? "delivery.state-refused" : "delivery.result-refused");
                    status.Detail = $"the broker refuses the {(sent.Kind == SentKind.State ? "state" : "result")} message ({Refusals.Describe(code)})";
                }

                continue;
            }

            try
            {
                if (sent.Kind == SentKind.Notice)
                {
                    notices.Answered(sent, code);
                    continue;
                }

                items.Answered(sent, code);
                _unsettled++;
            }
            catch (StoreFault fault)
            {
                // Not noted: it is read and sent again, and told apart by its id.
                StoreFailed(fault);
            }
        }

        _answers.Clear();
        _lastAnswerNs = clock.BootNs;
    }

    private void SettleWhenDue()
    {
        if (_unsettled > 0 && clock.BootNs - _lastAnswerNs >= settings.FlushInterval.ToNs())
        {
            TrySettle();
        }
    }

    private void TrySettle()
    {
        if (_unsettled == 0)
        {
            return;
        }

        try
        {
            reader.Settle();
            _unsettled = 0;
        }
        catch (StoreFault fault)
        {
            StoreFailed(fault);
        }
    }

    private void StoreFailed(StoreFault fault)
    {
        counters.Add("delivery.store-faults");
        _storeRetryAtNs = clock.BootNs + _limits.StoreRetry.ToNs();
        status.Detail = "the store cannot be read: " + fault.Message;
        if (!_storeFaulty)
        {
            _storeFaulty = true;
            CourierLog.StoreFailed(logger, settings.Recipient.Name, fault.Message);
        }
    }

    // Says offline, gives what is under way a moment to be acknowledged (or it comes twice), and closes without a will.
    private void SayGoodbye()
    {
        var deadline = clock.BootNs + _limits.StopTimeout.ToNs();
        var slice = TimeSpan.FromMilliseconds(50);
        var said = false;
        for (var idle = 0; _closed is null && clock.BootNs < deadline && idle < _limits.StopTimeout / slice;)
        {
            if (!said && _table.Count < _window)
            {
                said = true;
                if (!state.Publish(link, _table, "stopped"))
                {
                    break;
                }
            }

            if (said && _table.Count == 0)
            {
                break;
            }

            var before = _table.Count;
            link.Poll(slice);
            TakeAnswers();
            idle += _table.Count == before ? 1 : 0;
        }

        TrySettle();
        if (_closed is null)
        {
            link.Disconnect();
        }
    }
}
