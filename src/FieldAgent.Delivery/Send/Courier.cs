using System.Security.Cryptography;
using FieldAgent.Core;
using Microsoft.Extensions.Logging;

namespace FieldAgent.Delivery;

/// <summary>The delivery loop of one recipient: connects, sends what the spool holds in order, deletes what the broker has
/// acknowledged, answers commands, and comes back after every outage. One thread of its own calls <see cref="Run"/>;
/// <see cref="State"/> may be read from any.</summary>
public sealed class Courier
{
    private readonly CourierSettings _settings;
    private readonly ILinkFactory _links;
    private readonly ISpool _spool;
    private readonly IGate _gate;
    private readonly IOutbox _outbox;
    private readonly NoticeSender _notices;
    private readonly IClock _clock;
    private readonly Counters _counters;
    private readonly ILogger<Courier> _logger;
    private readonly Topics _topics;
    private readonly CourierStatus _status;
    private readonly StatePublisher _state;
    private readonly CommandDesk _commands;
    private readonly GroupDesk _groups;
    private readonly CourierWakes _wakes = new();
    private readonly Lock _sending = new();
    private readonly Random _random;
    private readonly Backoff _backoff;
    private readonly VersionChoice _versions;
    private LinkFaultKind _lastFault;
    private volatile ItemSender? _items;
    private int _refusals;

    /// <summary>A courier that has not begun.</summary>
    /// <param name="settings">Whom it delivers to, and as whom.</param>
    /// <param name="links">Makes a link for each connection.</param>
    /// <param name="spool">What waits.</param>
    /// <param name="gate">Asked before each send.</param>
    /// <param name="clock">Time.</param>
    /// <param name="outbox">Documents that wait beside the readings.</param>
    /// <param name="ledger">Commands seen.</param>
    /// <param name="handlers">What commands can do; names must differ.</param>
    /// <param name="counters">Counts of what was denied, refused, given up.</param>
    /// <param name="logger">For a technician.</param>
    /// <exception cref="ArgumentException">The pseudonym is not a topic level, or the key is too short.</exception>
    public Courier(
        CourierSettings settings, ILinkFactory links, ISpool spool, IGate gate, IClock clock, IOutbox outbox, ICommandLedger ledger,
        IEnumerable<ICommandHandler> handlers, Counters counters, ILogger<Courier> logger)
    {
        if (settings.TagKey.Length < 16)
        {
            throw new ArgumentException("the recipient's key has fewer than 16 bytes", nameof(settings));
        }

        _settings = settings;
        _links = links;
        _spool = spool;
        _gate = gate;
        _outbox = outbox;
        _clock = clock;
        _counters = counters;
        _logger = logger;
        _topics = new Topics(settings.Pseudonym);
        _status = new CourierStatus(settings.Recipient.Name, clock);
        _state = new StatePublisher(settings, _topics, clock);
        _notices = new NoticeSender(settings, outbox, _topics, clock, counters, _status, _sending);
        _groups = new GroupDesk(settings.Groups, gate, clock);
        _commands = new CommandDesk(
            new CommandRouter(settings.Recipient.Name, _topics, ledger, handlers, clock, counters, settings.CommandLimits, logger, _groups),
            settings.CommandLimits,
            counters);
        _random = new Random(settings.Seed ?? RandomNumberGenerator.GetInt32(int.MaxValue));
        _backoff = new Backoff(settings.Limits, _random);
        _versions = new VersionChoice(settings.Limits);
    }

    /// <summary>What it is doing now. Any thread; cheap.</summary>
    public CourierState State => _status.Snapshot();

    /// <summary>What of (<paramref name="function"/>, <paramref name="field"/>) is on its way at this moment: sent, and not acknowledged. After
    /// a change of the gate that refuses it, exactly this may still arrive: no message of it is sent any more once
    /// <see cref="IGate.Changed"/> was raised. Empty without a connection; what an earlier one sent without an answer may have arrived as
    /// well: <see cref="IDeliveryLedger.Possible"/> holds both. Any thread.</summary>
    public IReadOnlyList<ItemUnderWay> UnderWay(string function, string field) => _items?.UnderWay(function, field) ?? [];

    /// <summary>Delivers until <paramref name="stop"/> is set; blocks. On a stop it says goodbye and returns within 2 s, also
    /// from within a connection attempt or a subscription, which are given up. Call it once.</summary>
    public void Run(CancellationToken stop)
    {
        _spool.Stored += _wakes.Stored;
        _gate.Changed += GateChanged;
        _outbox.Added += _wakes.NoticeAdded;
        using var wake = stop.Register(_wakes.Stop);
        try
        {
            using var reader = OpenReader(stop);
            if (reader is not null)
            {
                var items = new ItemSender(_settings, reader, _gate, _clock, _counters, _topics, _status, _state, _random, _sending);
                _items = items;
                while (!stop.IsCancellationRequested)
                {
                    ConnectOnce(reader, items, stop);
                }
            }
        }
        finally
        {
            _spool.Stored -= _wakes.Stored;
            _gate.Changed -= GateChanged;
            _outbox.Added -= _wakes.NoticeAdded;
            _status.RetryAtNs = 0;
            _status.Phase = "stopped";
            CourierLog.Stopped(_logger, _settings.Recipient.Name);
        }
    }

    // Waits for the message that was asked about before the change: when this returns it is under way or was not sent.
    private void GateChanged()
    {
        lock (_sending)
        {
        }

        _wakes.GateChanged();
    }

    private ISpoolReader? OpenReader(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                return _spool.OpenReader(_settings.Recipient.Name);
            }
            catch (StoreFault fault) when (fault.Retry)
            {
                _status.Phase = "waiting";
                _status.Detail = "the store cannot be read: " + fault.Message;
                CourierLog.StoreFailed(_logger, _settings.Recipient.Name, fault.Message);
                _clock.Wait(_settings.Limits.StoreRetry, stop);
            }
        }

        return null;
    }

    private void ConnectOnce(ISpoolReader reader, ItemSender items, CancellationToken stop)
    {
        var before = _versions.Current;
        var version = _versions.Next(_clock.BootNs);
        if (version != before)
        {
            CourierLog.VersionChanged(_logger, _settings.Recipient.Name, Name(version));
        }

        _status.Phase = "connecting";
        _status.RetryAtNs = 0;
        using var link = _links.Create();
        LinkFault fault;
        var switched = false;
        try
        {
            _wakes.Attach(link);
            var session = new CourierSession(
                _settings, link, reader, items, _notices, _state, _commands, _groups, _topics, _clock, _counters, _status, _wakes, _sending, _logger);
            fault = link.Connect(Options(version), session, out var accepted);
            if (fault.Kind == LinkFaultKind.None)
            {
                fault = Serve(session, accepted, stop);
            }
            else
            {
                switched = _versions.Failed(fault.Kind, _clock.BootNs);
            }
        }
        finally
        {
            _wakes.Attach(null);
        }

        if (!stop.IsCancellationRequested && !switched)
        {
            WaitForRetry(fault, stop);
        }
    }

    private LinkFault Serve(CourierSession session, in LinkAccepted accepted, CancellationToken stop)
    {
        _versions.Succeeded();
        _refusals = 0;
        _status.CountConnect();
        _status.Phase = "connected";
        _status.Detail = "";
        _status.Version = Name(accepted.Version);
        _lastFault = LinkFaultKind.None;
        CourierLog.Connected(
            _logger, _settings.Recipient.Name, Name(accepted.Version), Math.Min(_settings.Recipient.WindowMax, accepted.SendMaximum),
            accepted.SessionPresent ? "resumed" : "new");
        var since = _clock.BootNs;
        var fault = session.Serve(accepted, stop);
        _status.Version = "";
        if (_clock.BootNs - since >= _settings.Limits.StableAfter.ToNs())
        {
            _backoff.Reset();
        }

        return fault;
    }

    private void WaitForRetry(in LinkFault fault, CancellationToken stop)
    {
        var wait = _backoff.Next(fault.Kind);
        _status.Phase = Backoff.IsForPeople(fault.Kind) ? "refused" : "waiting";
        _status.Detail = fault.Detail;
        _status.RetryAtNs = _clock.BootNs + wait.ToNs();
        _counters.Add("delivery.connection-faults");
        if (fault.Kind == LinkFaultKind.NotAuthorized && ++_refusals == _settings.Limits.RefusalsForIncident)
        {
            _settings.CredentialsRefused?.Invoke();
        }

        if (fault.Kind != _lastFault)
        {
            // Said once for each kind of trouble, not at every attempt.
            _lastFault = fault.Kind;
            CourierLog.Waiting(_logger, _settings.Recipient.Name, fault.Kind, fault.Detail, wait.TotalSeconds);
        }

        _clock.Wait(wait, stop);
    }

    private LinkOptions Options(MqttVersion version) => _settings.Recipient.Link with
    {
        ClientId = _settings.Pseudonym, Version = version, CleanStart = false, Will = _state.Will(),
    };

    private static string Name(MqttVersion version) => version == MqttVersion.V5 ? "5" : "3.1.1";
}
