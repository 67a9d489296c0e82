using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <summary>Keeps the retained state message true. One thread.</summary>
internal sealed class StatePublisher(CourierSettings settings, Topics topics, IClock clock)
{
    private readonly StateEncoder _encoder = new(settings.AgentVersion, settings.Limits.SetsMax);
    private readonly PayloadBuffer _buffer = new();
    private ClockQuality _told;
    private long _toldAtNs;

    /// <summary>The message that the broker publishes when the board falls silent.</summary>
    public LinkWill Will()
    {
        Encode("lost");
        return new LinkWill(topics.State.Name, _buffer.Written.ToArray(), Retain: true, settings.Limits.WillDelay);
    }

    /// <summary>Notes a set; see <see cref="StateEncoder.Learn"/>.</summary>
    public bool Learn(string function, StreamSet set) => _encoder.Learn(function, set);

    /// <summary>True when the clock's quality has changed since it was told.</summary>
    public bool IsStale => clock.Quality != _told && clock.BootNs - _toldAtNs >= settings.Limits.StateEvery.ToNs();

    /// <summary>Sends the state; <paramref name="reason"/> is null while online.</summary>
    /// <returns>False when the link is down.</returns>
    public bool Publish(ILink link, InFlightTable table, string? reason = null)
    {
        Encode(reason);
        var messageId = link.Publish(topics.State, _buffer.Written, new PublishOptions(Retain: true));
        if (messageId <= 0)
        {
            return false;
        }

        table.Add(messageId, new Sent(SentKind.State));
        return true;
    }

    private void Encode(string? reason)
    {
        var now = clock.Now();
        _told = now.Quality;
        _toldAtNs = now.BootNs;
        _encoder.Encode(_buffer, reason, now.Quality, now.WallUnixNs);
    }
}
