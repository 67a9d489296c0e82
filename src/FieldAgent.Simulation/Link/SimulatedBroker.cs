using FieldAgent.Core;

namespace FieldAgent.Simulation;

/// <summary>How bad the simulated network is.</summary>
/// <param name="OutageEvery">Mean time between outages, during which nobody can connect.</param>
/// <param name="OutageLength">Mean length of one.</param>
/// <param name="DropEvery">Mean time between lost connections.</param>
/// <param name="LatencyMax">Longest time from a message to its acknowledgement.</param>
public sealed record NetworkFaults(TimeSpan OutageEvery, TimeSpan OutageLength, TimeSpan DropEvery, TimeSpan LatencyMax);

/// <summary>A message that reached the simulated broker.</summary>
/// <param name="Topic">Topic.</param>
/// <param name="Payload">Payload.</param>
/// <param name="ContentEncoding">The user property, or null.</param>
public readonly record struct BrokerMessage(string Topic, byte[] Payload, string? ContentEncoding);

/// <summary>A broker in memory, in virtual time, with a network that fails from a seed: outages, lost connections, late and lost
/// acknowledgements. What it has acknowledged it has handed on; what it handed on may come again.</summary>
public sealed class SimulatedBroker : ILinkFactory
{
    private readonly VirtualTime _time;
    private readonly NetworkFaults _faults;
    private readonly Random _random;
    private readonly Action<BrokerMessage> _deliver;
    private long _outageFromNs;
    private long _outageToNs;

    /// <summary>A broker for one board.</summary>
    /// <param name="time">The time it lives in.</param>
    /// <param name="faults">How bad the network is.</param>
    /// <param name="seed">Seed of the faults.</param>
    /// <param name="deliver">Gets every message that reaches the broker.</param>
    public SimulatedBroker(VirtualTime time, NetworkFaults faults, int seed, Action<BrokerMessage> deliver)
    {
        _time = time;
        _faults = faults;
        _random = new Random(seed);
        _deliver = deliver;
        PlanOutage();
    }

    /// <inheritdoc/>
    public string Library => "simulated";

    /// <summary>Outages that have begun.</summary>
    public int Outages { get; private set; }

    /// <summary>Connections that were lost.</summary>
    public int Drops { get; private set; }

    /// <summary>True lets everything through from now on: for the end of a run.</summary>
    public bool IsPerfect { get; set; }

    /// <inheritdoc/>
    public ILink Create() => new SimulatedLink(this);

    private bool IsOut
    {
        get
        {
            while (_time.BootNs >= _outageToNs)
            {
                PlanOutage();
            }

            return !IsPerfect && _time.BootNs >= _outageFromNs;
        }
    }

    private void PlanOutage()
    {
        _outageFromNs = _time.BootNs + Spread(_faults.OutageEvery);
        _outageToNs = _outageFromNs + Spread(_faults.OutageLength);
        Outages++;
    }

    /// <summary>An exponentially distributed span.</summary>
    private long Spread(TimeSpan mean) => (long)(-Math.Log(1 - _random.NextDouble()) * mean.ToNs()) + 1;

    private sealed class SimulatedLink(SimulatedBroker broker) : ILink
    {
        private readonly Queue<(long DueNs, int MessageId)> _acknowledgements = new();
        private readonly VirtualSignal _wake = new();
        private ILinkEvents? _events;
        private long _dropNs;
        private long _lastDueNs;
        private int _nextId = 1;
        private bool _up;

        public LinkFault Connect(LinkOptions options, ILinkEvents events, out LinkAccepted accepted)
        {
            accepted = default;
            broker._time.WaitUntil(broker._time.BootNs + (long)(broker._random.NextDouble() * broker._faults.LatencyMax.ToNs()), default);
            if (broker.IsOut)
            {
                return new LinkFault(LinkFaultKind.Unreachable, "the simulated network is down");
            }

            _events = events;
            _up = true;
            _dropNs = broker._time.BootNs + broker.Spread(broker._faults.DropEvery);
            accepted = new LinkAccepted(false, 65_535, int.MaxValue, options.Version);
            return default;
        }

        public int Publish(MqttTopic topic, ReadOnlySpan<byte> payload, in PublishOptions options)
        {
            if (!_up)
            {
                return PublishResult.Down;
            }

            var id = _nextId;
            _nextId = _nextId % 65_535 + 1;

            // The last messages before a loss may or may not have reached the broker; their acknowledgements never come.
            var due = broker._time.BootNs + (long)(broker._random.NextDouble() * broker._faults.LatencyMax.ToNs());
            _lastDueNs = Math.Max(_lastDueNs, due);
            if (broker.IsPerfect || _lastDueNs < _dropNs || broker._random.Next(2) == 0)
            {
                broker._deliver(new BrokerMessage(topic.Name, payload.ToArray(), options.ContentEncoding));
            }

            _acknowledgements.Enqueue((_lastDueNs, id));
            return id;
        }

        public bool Subscribe(string filter, TimeSpan timeout) => _up;

        public bool Unsubscribe(string filter) => _up;

        public void Poll(TimeSpan wait)
        {
            if (!_up)
            {
                return;
            }

            var until = broker._time.BootNs + wait.ToNs();
            var next = _acknowledgements.TryPeek(out var first) ? Math.Min(until, first.DueNs) : until;
            broker._time.Wait(Math.Max(next, broker._time.BootNs), _wake, default);
            if (!broker.IsPerfect && (broker._time.BootNs >= _dropNs || broker.IsOut))
            {
                _up = false;
                broker.Drops++;
                _events!.OnClosed(new LinkFault(LinkFaultKind.Lost, "the simulated connection was lost"));
                return;
            }

            while (_acknowledgements.TryPeek(out var ack) && ack.DueNs <= broker._time.BootNs)
            {
                _acknowledgements.Dequeue();
                _events!.OnAcknowledged(ack.MessageId, 0);
            }
        }

        public void Wake() => _wake.IsSet = true;

        public void Disconnect() => _up = false;

        public void Dispose() => _up = false;
    }
}
