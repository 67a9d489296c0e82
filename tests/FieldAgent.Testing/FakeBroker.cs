using FieldAgent.Core;

namespace FieldAgent.Testing;

/// <summary>A message that reached the fake broker.</summary>
public sealed record FakeMessage(
    string Topic, byte[] Payload, bool Retain, string? ContentEncoding, byte[]? CorrelationData, string ClientId, MqttVersion Version);

/// <summary>A message on its way to a subscriber.</summary>
public sealed record FakeDelivery(
    string Topic, byte[] Payload, bool Retained = false, string? ContentEncoding = null, string? ResponseTopic = null,
    byte[]? CorrelationData = null, uint? ExpirySeconds = null);

/// <summary>How often what goes wrong, each from 0 to 1.</summary>
public sealed record FakeFaults(
    double LoseBeforeBroker = 0, double LoseBeforeAck = 0, double HoldAck = 0, double Redeliver = 0, double RefuseConnect = 0);

/// <summary>A broker in memory, and the factory of links to it: windows, acknowledgements in any order, refusals, lost connections,
/// persistent sessions with duplicate redelivery, retained messages and wills. Thread-safe; with a seed and an
/// <see cref="Idle"/> callback it is deterministic on one thread.</summary>
public sealed class FakeBroker(int seed = 1) : ILinkFactory
{
    private readonly Random _random = new(seed);
    private readonly Dictionary<string, Session> _sessions = new(StringComparer.Ordinal);
    private readonly Dictionary<string, FakeMessage> _retained = new(StringComparer.Ordinal);
    private readonly List<FakeLink> _links = [];

    internal Lock Lock { get; } = new();

    public string Library => "fake 1.0";

    public FakeFaults Faults { get; set; } = new();

    /// <summary>No connection succeeds, and those there are break.</summary>
    public bool Down { get; private set; }

    public int SendMaximum { get; set; } = 65_535;

    public int PacketBytesMax { get; set; } = int.MaxValue;

    /// <summary>Answers a connection attempt with a fault; null lets it through.</summary>
    public Func<LinkOptions, LinkFault?>? Connecting { get; set; }

    /// <summary>Reason code for a message; 0 is success, −1 holds the acknowledgement back for good.</summary>
    public Func<FakeMessage, int>? Answer { get; set; }

    /// <summary>Called instead of waiting when a link has nothing to do: a test lets its clock run on here.</summary>
    public Action<TimeSpan>? Idle { get; set; }

    /// <summary>Called for each message that a client sends, whether it arrives or not.</summary>
    public Action<FakeMessage>? Publishing { get; set; }

    /// <summary>Called for each message that reaches the broker.</summary>
    public Action<FakeMessage>? Arrived { get; set; }

    /// <summary>Everything that reached the broker, in order, duplicates included.</summary>
    public List<FakeMessage> Received { get; } = [];

    /// <summary>Breaches of the protocol by the client: window exceeded, published before CONNACK.</summary>
    public List<string> Violations { get; } = [];

    public List<LinkOptions> Attempts { get; } = [];

    public int Connected
    {
        get
        {
            lock (Lock)
            {
                return _links.Count(l => l.IsUp);
            }
        }
    }

    /// <summary>Goodbyes said properly.</summary>
    public int Goodbyes { get; internal set; }

    public ILink Create() => new FakeLink(this);

    public FakeMessage[] Snapshot()
    {
        lock (Lock)
        {
            return [.. Received];
        }
    }

    public FakeMessage? Retained(string topic)
    {
        lock (Lock)
        {
            return _retained.GetValueOrDefault(topic);
        }
    }

    /// <summary>Breaks every connection; wills are published.</summary>
    public void DropConnections()
    {
        lock (Lock)
        {
            foreach (var link in _links.Where(l => l.IsUp).ToArray())
            {
                Break(link);
            }
        }
    }

    public void Stop()
    {
        lock (Lock)
        {
            Down = true;
            DropConnections();
        }
    }

    public void Start()
    {
        lock (Lock)
        {
            Down = false;
        }
    }

    /// <summary>What a client is subscribed to.</summary>
    public List<string> FiltersOf(string clientId)
    {
        lock (Lock)
        {
            return _sessions.TryGetValue(clientId, out var session) ? [.. session.Filters] : [];
        }
    }

    /// <summary>Sends a message to the subscribers, as another client would.</summary>
    public void Send(FakeDelivery delivery)
    {
        lock (Lock)
        {
            Route(delivery);
        }
    }

    internal bool Chance(double probability) => probability > 0 && _random.NextDouble() < probability;

    internal int Next(int max) => _random.Next(max);

    internal LinkFault Accept(FakeLink link, LinkOptions options, out bool sessionPresent)
    {
        lock (Lock)
        {
            sessionPresent = false;
            Attempts.Add(options);
            if (Down)
            {
                return new LinkFault(LinkFaultKind.Unreachable, "nobody listens");
            }

            if (Connecting?.Invoke(options) is { } fault)
            {
                return fault;
            }

            if (Chance(Faults.RefuseConnect))
            {
                return new LinkFault(LinkFaultKind.Unreachable, "nobody listens");
            }

            if (_sessions.TryGetValue(options.ClientId, out var session) && !options.CleanStart)
            {
                sessionPresent = true;
                session.Link?.Close(new LinkFault(LinkFaultKind.Lost, "taken over"));
                session.Requeue();
            }
            else
            {
                session = new Session();
                _sessions[options.ClientId] = session;
            }

            session.Link = link;
            link.Session = session;
            _links.Add(link);
            return default;
        }
    }

    internal void Take(FakeMessage message)
    {
        Received.Add(message);
        Arrived?.Invoke(message);
        if (message.Retain)
        {
            _retained[message.Topic] = message;
        }

        Route(new FakeDelivery(
            message.Topic, message.Payload, false, message.ContentEncoding, null, message.CorrelationData));
    }

    internal void Subscribed(Session session, string filter)
    {
        session.Filters.Add(filter);
        foreach (var message in _retained.Values.Where(m => Matches(filter, m.Topic)))
        {
            session.Waiting.Enqueue(new FakeDelivery(message.Topic, message.Payload, true, message.ContentEncoding));
        }
    }

    internal void Break(FakeLink link, LinkFault? fault = null)
    {
        var will = link.Options?.Will;
        link.Close(fault ?? new LinkFault(LinkFaultKind.Lost, "the connection was lost"));
        if (will is not null)
        {
            var message = new FakeMessage(will.Topic, will.Payload, will.Retain, null, null, "will", link.Options!.Version);
            if (will.Retain)
            {
                _retained[will.Topic] = message;
            }
        }
    }

    private void Route(FakeDelivery delivery)
    {
        foreach (var session in _sessions.Values)
        {
            if (session.Filters.Any(f => Matches(f, delivery.Topic)))
            {
                session.Waiting.Enqueue(delivery);
                session.Link?.Wake();
            }
        }
    }

    private static bool Matches(string filter, string topic)
    {
        var wanted = filter.Split('/');
        var levels = topic.Split('/');
        for (var i = 0; i < wanted.Length; i++)
        {
            if (wanted[i] == "#")
            {
                return true;
            }

            if (i >= levels.Length || (wanted[i] != "+" && wanted[i] != levels[i]))
            {
                return false;
            }
        }

        return wanted.Length == levels.Length;
    }

    /// <summary>What the broker keeps for a client id.</summary>
    internal sealed class Session
    {
        public HashSet<string> Filters { get; } = new(StringComparer.Ordinal);

        public Queue<FakeDelivery> Waiting { get; private set; } = new();

        public List<FakeDelivery> Unacknowledged { get; } = [];

        public FakeLink? Link { get; set; }

        // What was not acknowledged comes again, first.
        public void Requeue()
        {
            Waiting = new Queue<FakeDelivery>(Unacknowledged.Concat(Waiting));
            Unacknowledged.Clear();
        }
    }
}
