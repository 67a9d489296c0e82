using System.Security.Cryptography;
using FieldAgent.Agent.DataProtection;
using FieldAgent.Core;
using FieldAgent.Delivery;
using Microsoft.Extensions.Logging;

namespace FieldAgent.Agent.Hosting;

/// <summary>Goes to the brokers for what must not share a session with a courier: clears the traces of pseudonyms that have ended, and
/// delivers anonymous windows under a name made up for the visit. One thread.</summary>
/// <remarks>Whoever runs the broker sees the address that a visit comes from, and the client certificate where one is configured: what is
/// hidden is hidden from those who read the topics.</remarks>
internal sealed partial class Errands(
    IReadOnlyList<Recipient> recipients, IdentityService identity, AnonymousOutbox windows, IOutbox notices, Func<Notice, bool> maySend, ILinkFactory links, IClock clock,
    Counters counters, ILogger<Errands> log) : IDisposable
{
    /// <summary>First wait after a failed visit; each failure doubles it.</summary>
    private static readonly TimeSpan RetryMin = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan RetryMax = TimeSpan.FromMinutes(10);

    /// <summary>Windows wait up to so long, chosen at random: boards whose hours end together, and the two streams of one board, cannot be told by
    /// the moment they speak.</summary>
    private static readonly TimeSpan WindowsWaitMax = TimeSpan.FromMinutes(10);

    /// <summary>Notices of one visit.</summary>
    private const int NoticesPerVisit = 32;

    /// <summary>Windows of one visit.</summary>
    private const int WindowsPerVisit = 32;

    private readonly BriefVisit _visit = new(links, clock);
    private readonly ManualResetEventSlim _wake = new(true);
    private long _windowsAtNs = long.MinValue;

    /// <summary>Runs errands until <paramref name="stop"/> is set; blocks.</summary>
    public void Run(CancellationToken stop)
    {
        identity.Changed += _wake.Set;
        windows.Added += _wake.Set;
        try
        {
            var retry = RetryMin;
            while (!stop.IsCancellationRequested)
            {
                _wake.Reset();
                var done = SayFarewells(stop) & DeliverWindows(stop);
                retry = done ? RetryMin : TimeSpan.FromTicks(Math.Min(retry.Ticks * 2, RetryMax.Ticks));
                Wait(done ? RetryMax : retry, stop);
            }
        }
        catch (OperationCanceledException)
        {
            // The agent ends.
        }
        finally
        {
            identity.Changed -= _wake.Set;
            windows.Added -= _wake.Set;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _wake.Dispose();

    private void Wait(TimeSpan span, CancellationToken stop)
    {
        var left = _windowsAtNs == long.MinValue ? long.MaxValue : Math.Max(0, _windowsAtNs - clock.BootNs);
        _wake.Wait(span.ToNs() < left ? span : TimeSpan.FromTicks(Math.Max(1, left / 100)), stop);
    }

    private bool SayFarewells(CancellationToken stop)
    {
        var all = true;
        foreach (var farewell in identity.Store.Farewells)
        {
            all &= SayFarewell(farewell, stop);
        }

        return all;
    }

    private bool SayFarewell(Farewell farewell, CancellationToken stop)
    {
        var recipient = recipients.FirstOrDefault(r => r.Name == farewell.Recipient);
        if (recipient is null)
        {
            identity.Store.Said(farewell);
            return true;
        }

        try
        {
            return Leave(farewell, recipient, stop);
        }
        catch (StoreFault)
        {
            return false;
        }
    }

    // What still waited is said in the old name, then the state it left is cleared: in this order, so that the name ends with the visit.
    private bool Leave(Farewell farewell, Recipient recipient, CancellationToken stop)
    {
        var topics = new Topics(farewell.Name);
        var waiting = notices.Retired(recipient.Name, NoticesPerVisit);
        var isLast = waiting.Count < NoticesPerVisit;
        var going = Going(waiting);
        List<VisitMessage> messages = [.. going.Select(notice => VisitMessage.Of(topics, notice))];
        if (isLast)
        {
            messages.Add(new VisitMessage(topics.State, default, Retain: true));
        }

        var answers = 0;
        var fault = _visit.Send(
            recipient, farewell.Name, messages,
            (index, code) =>
            {
                answers++;
                if (index < going.Count && code < 0x80)
                {
                    notices.Sent(going[index].Id);
                }
                else if (index < going.Count)
                {
                    Drop(going[index]);
                }
            },
            stop);
        if (answers < messages.Count)
        {
            if (fault.Kind is not (LinkFaultKind.NotAuthorized or LinkFaultKind.Misconfigured))
            {
                return false;
            }

            // The broker does not know the old name any more: whoever runs it has taken it away.
            counters.Add("identity.farewells-refused");
            going.ForEach(Drop);
        }
        else if (!isLast)
        {
            return Leave(farewell, recipient, stop);
        }

        identity.Store.Said(farewell);
        LogFarewell(recipient.Name);
        return true;
    }

    // What may not be said in the name that ends is not said at all.
    private List<Notice> Going(IReadOnlyList<Notice> waiting)
    {
        var going = new List<Notice>();
        foreach (var notice in waiting)
        {
            if (!maySend(notice))
            {
                Drop(notice);
            }
            else if (notices.Sending(notice.Id))
            {
                going.Add(notice);
            }
        }

        return going;
    }

    private void Drop(Notice notice)
    {
        notices.Drop(notice.Id);
        counters.Add("dropped.notices");
    }

    private bool DeliverWindows(CancellationToken stop)
    {
        if (recipients.All(r => windows.Waiting(r.Name, 1).Count == 0))
        {
            _windowsAtNs = long.MinValue;
            return true;
        }

        if (_windowsAtNs == long.MinValue)
        {
            _windowsAtNs = clock.BootNs + RandomNumberGenerator.GetInt32((int)WindowsWaitMax.TotalSeconds) * ClockExtensions.NsPerSecond;
        }

        if (clock.BootNs < _windowsAtNs)
        {
            return true;
        }

        _windowsAtNs = long.MinValue;
        var all = true;
        foreach (var recipient in recipients)
        {
            while (all && windows.Waiting(recipient.Name, WindowsPerVisit) is { Count: > 0 } waiting)
            {
                all = Deliver(recipient, waiting, stop);
            }
        }

        return all;
    }

    private bool Deliver(Recipient recipient, IReadOnlyList<WaitingWindow> waiting, CancellationToken stop)
    {
        var answers = new List<(int Index, int Code)>();
        var fault = _visit.Send(
            recipient, AnonymousOutbox.RandomName(),
            [.. waiting.Select(static w => new VisitMessage(Topics.Anonymous(w.Function), w.Json, Retain: false))],
            (index, code) => answers.Add((index, code)), stop);
        try
        {
            foreach (var (index, code) in answers)
            {
                counters.Add(code < 0x80 ? "analytics.windows-delivered" : "dropped.analytics-refused");
                windows.Done(waiting[index]);
            }
        }
        catch (StoreFault)
        {
            return false;
        }

        return fault.Kind == LinkFaultKind.None;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Recipient}: an earlier pseudonym was cleared at the broker")]
    private partial void LogFarewell(string recipient);
}
