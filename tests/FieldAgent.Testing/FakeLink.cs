using FieldAgent.Core;

namespace FieldAgent.Testing;

/// <summary>One connection to a <see cref="FakeBroker"/>.</summary>
public sealed class FakeLink(FakeBroker broker) : ILink
{
    private readonly Queue<(int Id, FakeMessage Message)> _outgoing = new();
    private readonly List<(int Id, int Code)> _acknowledgements = [];
    private readonly SemaphoreSlim _wake = new(0);
    private ILinkEvents? _events;
    private LinkFault? _closed;
    private bool _closeTold;
    private int _lastId;
    private int _unacknowledged;

    internal FakeBroker.Session? Session { get; set; }

    public LinkOptions? Options { get; private set; }

    public bool IsUp { get; private set; }

    public LinkFault Connect(LinkOptions options, ILinkEvents events, out LinkAccepted accepted)
    {
        accepted = default;
        Options = options;
        var fault = broker.Accept(this, options, out var present);
        if (fault.Kind != LinkFaultKind.None)
        {
            return fault;
        }

        _events = events;
        IsUp = true;
        accepted = new LinkAccepted(present, broker.SendMaximum, broker.PacketBytesMax, options.Version);
        return default;
    }

    public int Publish(MqttTopic topic, ReadOnlySpan<byte> payload, in PublishOptions options)
    {
        lock (broker.Lock)
        {
            if (_events is null)
            {
                broker.Violations.Add($"published to {topic} before CONNACK");
            }

            if (!IsUp)
            {
                return 0;
            }

            if (++_unacknowledged > broker.SendMaximum)
            {
                broker.Violations.Add($"{_unacknowledged} messages under way, {broker.SendMaximum} allowed");
            }

            if (Options!.Version == MqttVersion.V311 && (options.ContentEncoding is not null || options.CorrelationData is not null))
            {
                broker.Violations.Add($"properties on MQTT 3.1.1 at {topic}");
            }

            _lastId = (_lastId % 65_535) + 1;
            var message = new FakeMessage(
                topic.Name, payload.ToArray(), options.Retain, options.ContentEncoding, options.CorrelationData, Options.ClientId, Options.Version);
            broker.Publishing?.Invoke(message);
            _outgoing.Enqueue((_lastId, message));
            return _lastId;
        }
    }

    public bool Subscribe(string filter, TimeSpan timeout)
    {
        lock (broker.Lock)
        {
            if (!IsUp)
            {
                return false;
            }

            broker.Subscribed(Session!, filter);
            return true;
        }
    }

    public bool Unsubscribe(string filter)
    {
        lock (broker.Lock)
        {
            return IsUp && (Session!.Filters.Remove(filter) || true);
        }
    }

    public void Poll(TimeSpan wait)
    {
        if (Work() || wait <= TimeSpan.Zero)
        {
            return;
        }

        if (broker.Idle is { } idle)
        {
            // Deterministic tests: time passes only here.
            if (!_wake.Wait(0))
            {
                idle(wait);
            }
        }
        else
        {
            _wake.Wait(wait);
        }

        Work();
    }

    public void Wake() => _wake.Release();

    public void Disconnect()
    {
        lock (broker.Lock)
        {
            if (IsUp)
            {
                Drain();
                broker.Goodbyes++;
                IsUp = false;
                Session!.Link = null;
            }
        }
    }

    public void Dispose()
    {
        lock (broker.Lock)
        {
            if (IsUp)
            {
                broker.Break(this);
            }
        }
    }

    internal void Close(LinkFault fault)
    {
        IsUp = false;
        _closed ??= fault;
        _outgoing.Clear();
        if (Session is { } session && session.Link == this)
        {
            session.Link = null;
        }

        Wake();
    }

    private bool Work()
    {
        List<(int Id, int Code)> acknowledged = [];
        List<FakeDelivery> deliveries = [];
        lock (broker.Lock)
        {
            Drain();
            if (IsUp)
            {
                while (_acknowledgements.Count > 0 && !broker.Chance(broker.Faults.HoldAck))
                {
                    var index = broker.Faults.HoldAck > 0 ? broker.Next(_acknowledgements.Count) : 0;
                    acknowledged.Add(_acknowledgements[index]);
                    _acknowledgements.RemoveAt(index);
                    _unacknowledged--;
                }

                if (broker.Chance(broker.Faults.LoseBeforeAck))
                {
                    _unacknowledged += acknowledged.Count;
                    acknowledged.Clear();
                    broker.Break(this);
                }
            }

            while (IsUp && Session!.Waiting.TryDequeue(out var delivery))
            {
                deliveries.Add(delivery);
                Session.Unacknowledged.Add(delivery);
            }
        }

        foreach (var (id, code) in acknowledged)
        {
            _events!.OnAcknowledged(id, code);
        }

        foreach (var delivery in deliveries)
        {
            _events!.OnMessage(new LinkMessage
            {
                Topic = delivery.Topic, Payload = delivery.Payload, Retained = delivery.Retained, ContentEncoding = delivery.ContentEncoding,
                ResponseTopic = delivery.ResponseTopic, CorrelationData = delivery.CorrelationData, ExpirySeconds = delivery.ExpirySeconds,
            });
            lock (broker.Lock)
            {
                if (broker.Chance(broker.Faults.Redeliver))
                {
                    Session!.Waiting.Enqueue(delivery);
                }

                Session!.Unacknowledged.Remove(delivery);
            }
        }

        if (_closed is { } fault && !_closeTold && _events is not null)
        {
            _closeTold = true;
            _events.OnClosed(fault);
            return true;
        }

        return acknowledged.Count > 0 || deliveries.Count > 0;
    }

    private void Drain()
    {
        while (IsUp && _outgoing.TryDequeue(out var next))
        {
            if (broker.Chance(broker.Faults.LoseBeforeBroker))
            {
                broker.Break(this);
                return;
            }

            var code = broker.Answer?.Invoke(next.Message) ?? 0;
            if (code < 0x80)
            {
                broker.Take(next.Message);
            }

            if (code >= 0)
            {
                _acknowledgements.Add((next.Id, code));
            }
        }
    }
}
