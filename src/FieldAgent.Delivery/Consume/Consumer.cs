using System.Security.Cryptography;
using FieldAgent.Core;
using Microsoft.Extensions.Logging;

namespace FieldAgent.Delivery;

/// <summary>The reference consumer: subscribes, decompresses, checks every message against the contract, puts pictures together,
/// removes duplicates by id, and reports what is missing. One thread calls <see cref="Run"/>; <see cref="Report"/> may be called
/// from any.</summary>
public sealed class Consumer : ILinkEvents
{
    private readonly ConsumerOptions _options;
    private readonly ILinkFactory _links;
    private readonly IClock _clock;
    private readonly ILogger<Consumer> _logger;
    private readonly Lock _lock = new();
    private readonly Arrivals _arrivals;
    private readonly CourierWakes _wakes = new();
    private readonly CourierLimits _limits = new();
    private readonly Backoff _backoff;
    private readonly VersionChoice _versions;
    private readonly long _beganNs;
    private Action<ConsumerEvent>? _progress;
    private LinkFault? _closed;
    private string _fault = "";
    private int _connects;

    /// <summary>A consumer that has not connected.</summary>
    public Consumer(ConsumerOptions options, ILinkFactory links, IClock clock, ILogger<Consumer> logger)
    {
        _options = options;
        _links = links;
        _clock = clock;
        _logger = logger;
        _arrivals = new Arrivals(options);
        _backoff = new Backoff(_limits, new Random(options.Seed ?? RandomNumberGenerator.GetInt32(int.MaxValue)));
        _versions = new VersionChoice(_limits);
        _beganNs = clock.BootNs;
    }

    /// <summary>Listens until <paramref name="stop"/> is set or <see cref="ConsumerOptions.Duration"/> is over; blocks. Comes back
    /// after lost connections, with the same session.</summary>
    /// <param name="stop">Ends it.</param>
    /// <param name="progress">Called on this thread for what arrives; must be quick.</param>
    public ConsumerReport Run(CancellationToken stop, Action<ConsumerEvent>? progress = null)
    {
        _progress = progress;
        var end = _options.Duration is { } duration ? _clock.BootNs + duration.ToNs() : long.MaxValue;
        using var wake = stop.Register(_wakes.Stop);
        // Once in any case, however short the time and slow the machine: a report of a broker that nobody tried says nothing.
        for (var tries = 0; !stop.IsCancellationRequested && (tries == 0 || _clock.BootNs < end); tries++)
        {
            var switched = ConnectOnce(end, stop);
            if (!stop.IsCancellationRequested && !switched && _clock.BootNs < end)
            {
                var wait = _backoff.Next(_closed?.Kind ?? LinkFaultKind.Lost);
                _clock.WaitUntil(Math.Min(end, _clock.BootNs + wait.ToNs()), stop);
            }
        }

        return Report();
    }

    /// <summary>The report so far. Any thread.</summary>
    public ConsumerReport Report()
    {
        lock (_lock)
        {
            return _arrivals.Report((_clock.BootNs - _beganNs) / 1e9, _connects, _fault);
        }
    }

    /// <inheritdoc/>
    void ILinkEvents.OnClosed(LinkFault fault) => _closed ??= fault;

    /// <inheritdoc/>
    void ILinkEvents.OnAcknowledged(int messageId, int reasonCode)
    {
        // It publishes nothing.
    }

    /// <inheritdoc/>
    void ILinkEvents.OnMessage(in LinkMessage message)
    {
        ConsumerEvent? arrived;
        lock (_lock)
        {
            arrived = _arrivals.Take(message);
        }

        if (arrived is not null)
        {
            _progress?.Invoke(arrived);
        }
    }

    // True when the next attempt uses another version and need not wait.
    private bool ConnectOnce(long end, CancellationToken stop)
    {
        _closed = null;
        using var link = _links.Create();
        try
        {
            _wakes.Attach(link);
            var version = _versions.Next(_clock.BootNs);
            var fault = link.Connect(_options.Link with { Version = version }, this, out _);
            if (stop.IsCancellationRequested)
            {
                return false;
            }

            if (fault.Kind != LinkFaultKind.None)
            {
                Down(fault);
                return _versions.Failed(fault.Kind, _clock.BootNs);
            }

            _versions.Succeeded();
            Listen(link, end, stop);
            return false;
        }
        finally
        {
            _wakes.Attach(null);
        }
    }

    private void Listen(ILink link, long end, CancellationToken stop)
    {
        var since = _clock.BootNs;
        if (!link.Subscribe(_options.Filter, _limits.SubscribeTimeout))
        {
            if (stop.IsCancellationRequested)
            {
                return;
            }

            Down(_closed ?? new LinkFault(LinkFaultKind.Refused, "the broker refuses the subscription to " + _options.Filter));
            return;
        }

        lock (_lock)
        {
            _connects++;
            _fault = "";
        }

        _progress?.Invoke(new ConnectionChanged(true, "listening to " + _options.Filter));
        while (_closed is null && !stop.IsCancellationRequested && _clock.BootNs < end)
        {
            var left = end - _clock.BootNs;
            link.Poll(left < _limits.PollMax.ToNs() ? TimeSpan.FromTicks((left + 99) / 100) : _limits.PollMax);
        }

        if (_closed is { } fault)
        {
            Down(fault);
        }
        else
        {
            link.Disconnect();
        }

        if (_clock.BootNs - since >= _limits.StableAfter.ToNs())
        {
            _backoff.Reset();
        }
    }

    private void Down(LinkFault fault)
    {
        _closed = fault;
        lock (_lock)
        {
            if (_fault == fault.Detail)
            {
                return;
            }

            _fault = fault.Detail;
        }

        ConsumerLog.Down(_logger, fault.Kind, fault.Detail);
        _progress?.Invoke(new ConnectionChanged(false, fault.Detail));
    }
}

/// <summary>What the consumer says.</summary>
internal static partial class ConsumerLog
{
    [LoggerMessage(20, LogLevel.Warning, "consumer: {Kind}: {Detail}")]
    public static partial void Down(ILogger logger, LinkFaultKind kind, string detail);
}
