using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <summary>A message of a <see cref="BriefVisit"/>.</summary>
/// <param name="Topic">Its topic.</param>
/// <param name="Payload">Its payload; empty with <paramref name="Retain"/> removes what the broker retains there.</param>
/// <param name="Retain">The MQTT flag.</param>
public sealed record VisitMessage(MqttTopic Topic, ReadOnlyMemory<byte> Payload, bool Retain)
{
    /// <summary>A notice that nobody can acknowledge any more, because the pseudonym it speaks for ends with the visit.</summary>
    public static VisitMessage Of(Topics topics, Notice notice)
    {
        var buffer = new PayloadBuffer();
        NoticeEnvelope.Write(buffer, notice, acknowledge: false);
        return new VisitMessage(topics.Of(notice.Kind), buffer.Written.ToArray(), Retain: false);
    }
}

/// <summary>Messages that change nothing, to see whether a broker takes them.</summary>
public static class TrialMessages
{
    /// <summary>The state of a device whose agent does not run, not retained: what the broker keeps stays as it is, and whoever listens is told
    /// what is so.</summary>
    public static VisitMessage Stopped(Topics topics, string agentVersion, IClock clock)
    {
        var buffer = new PayloadBuffer();
        var now = clock.Now();
        new StateEncoder(agentVersion, 1).Encode(buffer, "stopped", now.Quality, now.WallUnixNs);
        return new VisitMessage(topics.State, buffer.Written.ToArray(), Retain: false);
    }
}

/// <summary>A connection for a few messages and no longer: a session that begins empty, has no will, subscribes to nothing and is forgotten by
/// the broker when it ends. For what must not share a session with the courier: goodbyes of an old pseudonym, and what is
/// anonymous. One thread; blocks.</summary>
public sealed class BriefVisit(ILinkFactory links, IClock clock)
{
    /// <summary>How long the acknowledgements of a visit may take together: as long as a connection.</summary>
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(250);

    private readonly VersionChoice _versions = new(new CourierLimits());

    /// <summary>Connects, publishes the messages one after the other, and leaves.</summary>
    /// <param name="recipient">Where to.</param>
    /// <param name="clientId">As whom; a session that the broker has under this name ends.</param>
    /// <param name="messages">What to say.</param>
    /// <param name="answered">Called with the number of each message that the broker has answered and with its reason code: below 0x80 it
    /// has it.</param>
    /// <param name="stop">Ends the visit early.</param>
    /// <returns>Kind None when all were answered.</returns>
    public LinkFault Send(
        Recipient recipient, string clientId, IReadOnlyList<VisitMessage> messages, Action<int, int> answered, CancellationToken stop)
    {
        while (true)
        {
            var version = _versions.Next(clock.BootNs);
            using var link = links.Create();
            using var wake = stop.Register(link.CancelWaits);
            var events = new Events();
            var options = recipient.Link with
            {
                ClientId = clientId, Version = version, CleanStart = true, SessionExpiry = TimeSpan.Zero, Will = null,
            };
            var fault = link.Connect(options, events, out _);
            if (fault.Kind == LinkFaultKind.None)
            {
                _versions.Succeeded();
                return Say(link, events, messages, answered, stop);
            }

            if (stop.IsCancellationRequested || !_versions.Failed(fault.Kind, clock.BootNs))
            {
                return fault;
            }
        }
    }

    private LinkFault Say(
        ILink link, Events events, IReadOnlyList<VisitMessage> messages, Action<int, int> answered,
        CancellationToken stop)
    {
        var deadline = clock.BootNs + AnswerWithin.ToNs();
        for (var i = 0; i < messages.Count; i++)
        {
            var id = link.Publish(messages[i].Topic, messages[i].Payload.Span, new PublishOptions(messages[i].Retain));
            if (id == PublishResult.TooLarge)
            {
                answered(i, 0x95);
                continue;
            }

            if (id <= 0)
            {
                return new LinkFault(LinkFaultKind.Lost, "the connection was lost while sending");
            }

            // One under way: they are few, and the broker may accept no more than one.
            int code;
            while (!events.TryTake(id, out code))
            {
                if (events.Closed is { } fault)
                {
                    return fault;
                }

                if (stop.IsCancellationRequested || clock.BootNs >= deadline)
                {
                    return new LinkFault(LinkFaultKind.Timeout, "the broker did not acknowledge in time");
                }

                link.Poll(Look);
            }

            answered(i, code);
        }

        link.Disconnect();
        return default;
    }

    private sealed class Events : ILinkEvents
    {
        private (int Id, int Code)? _answer;

        public LinkFault? Closed { get; private set; }

        public bool TryTake(int id, out int code)
        {
            code = _answer?.Code ?? 0;
            return _answer?.Id == id;
        }

        public void OnClosed(LinkFault fault) => Closed ??= fault;

        public void OnAcknowledged(int messageId, int reasonCode) => _answer = (messageId, reasonCode);

        public void OnMessage(in LinkMessage message)
        {
            // It subscribes to nothing.
        }
    }
}
