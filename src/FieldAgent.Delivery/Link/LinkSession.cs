using System.Runtime.ExceptionServices;
using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <summary>What one connection does in the way of its library. Called by the link's <see cref="LinkSession"/> on the owner's thread.</summary>
internal interface ILinkCarrier
{
    /// <summary>Opens the connection as far as TCP and TLS.</summary>
    LinkFault Open(LinkOptions options, Deadline deadline);

    /// <summary>Waits for the broker's CONNACK, and notes what it grants.</summary>
    LinkFault AwaitConnack(LinkOptions options, Deadline deadline);

    /// <summary>Takes leave of a broker that is still connected, so that it does not send the will.</summary>
    void SayGoodbye();

    /// <summary>Drops the connection; does nothing the second time.</summary>
    void Close();

    /// <summary>Gives back what a closed link still holds, such as what its waits are woken with.</summary>
    void Release();
}

/// <summary>How far a link is.</summary>
internal enum LinkState
{
    New,
    Connecting,
    Up,
    Down,
}

/// <summary>The life of a link's one connection, whichever library carries it: it connects once, keeps what the broker granted, the first fault,
/// and what events asked for or threw until its poll can act on that. The owner's thread, but for <see cref="Cancel"/>.</summary>
/// <param name="carrier">The connection itself.</param>
internal sealed class LinkSession(ILinkCarrier carrier) : IDisposable
{
    private readonly CancellationTokenSource _cancel = new();
    private ILinkEvents? _events;
    private ExceptionDispatchInfo? _thrown;
    private bool _isSessionPresent;

    /// <summary>How far it is.</summary>
    public LinkState State { get; private set; }

    /// <summary>True while messages can be sent.</summary>
    public bool IsUp => State == LinkState.Up && !HasFault;

    /// <summary>The broker as people write it.</summary>
    public string Broker { get; private set; } = "the broker";

    /// <summary>True on MQTT 5; false on 3.1.1, which has no properties.</summary>
    public bool IsV5 { get; private set; }

    /// <summary>Unacknowledged messages the broker takes.</summary>
    public int SendMaximum { get; private set; } = ushort.MaxValue;

    /// <summary>Largest packet the broker takes; <see cref="int.MaxValue"/> where it set no limit.</summary>
    public int PacketBytesMax { get; private set; } = int.MaxValue;

    /// <summary>The numbers that stand for topics.</summary>
    public TopicAliases Aliases { get; private set; } = new(0);

    /// <summary>True once the connection has a fault.</summary>
    public bool HasFault { get; private set; }

    /// <summary>The fault; kind None while there is none.</summary>
    public LinkFault Fault { get; private set; }

    /// <summary>True while an event may be running: the connection must not be polled or taken away under it.</summary>
    public bool IsInside { get; set; }

    /// <summary>True when an event asked for the end: the poll it came from disconnects.</summary>
    public bool IsClosing { get; private set; }

    /// <summary>True when the owner is done with the link.</summary>
    public bool IsDisposed { get; private set; }

    /// <summary>Ends the waits of a connect.</summary>
    public CancellationToken Cancelled => _cancel.Token;

    /// <summary>True when the waits of a connect and a subscribe are to end.</summary>
    public bool IsCancelled => _cancel.IsCancellationRequested;

    /// <summary>Who is told.</summary>
    public ILinkEvents Events => _events ?? throw new InvalidOperationException("the link has not been connected");

    /// <inheritdoc cref="ILink.Connect"/>
    public LinkFault Connect(LinkOptions options, ILinkEvents events, out LinkAccepted accepted)
    {
        accepted = default;
        ObjectDisposedException.ThrowIf(IsDisposed, carrier);
        if (State != LinkState.New)
        {
            throw new InvalidOperationException("a link connects once; make a new one");
        }

        State = LinkState.Connecting;
        Broker = Endpoint.Name(options);
        IsV5 = options.Version == MqttVersion.V5;
        _events = events;
        var deadline = Deadline.After(options.ConnectTimeout);
        var fault = carrier.Open(options, deadline);
        if (fault.Kind == LinkFaultKind.None)
        {
            fault = carrier.AwaitConnack(options, deadline);
        }

        if (fault.Kind != LinkFaultKind.None)
        {
            Close();
            return fault;
        }

        State = LinkState.Up;
        accepted = new LinkAccepted(_isSessionPresent, SendMaximum, PacketBytesMax, options.Version);
        return default;
    }

    /// <summary>Notes what a CONNACK says of the session.</summary>
    public void NoteSession(bool isPresent) => _isSessionPresent = isPresent;

    /// <summary>Notes what a CONNACK of MQTT 5 grants; 0 stands for a property that is not there.</summary>
    /// <param name="receiveMaximum">Unacknowledged messages it takes.</param>
    /// <param name="packetBytesMax">Largest packet it takes.</param>
    /// <param name="topicAliases">Aliases that both sides are willing to keep.</param>
    public void NoteGrant(int receiveMaximum, uint packetBytesMax, int topicAliases)
    {
        SendMaximum = receiveMaximum > 0 ? receiveMaximum : SendMaximum;
        PacketBytesMax = packetBytesMax > 0 ? (int)Math.Min(packetBytesMax, int.MaxValue) : PacketBytesMax;
        Aliases = new TopicAliases(topicAliases);
    }

    /// <summary>Notes what the connection ends with. The first cause is the true one: what comes after it follows from it.</summary>
    public void Fail(LinkFault fault)
    {
        if (!HasFault)
        {
            HasFault = true;
            Fault = fault;
        }
    }

    /// <summary>Keeps what an event threw until the poll that it was called from ends; the first counts.</summary>
    public void Keep(Exception thrown) => _thrown ??= ExceptionDispatchInfo.Capture(thrown);

    /// <summary>Refuses what an event must not do.</summary>
    public void ThrowIfInside()
    {
        if (IsInside)
        {
            throw new InvalidOperationException("an event must not poll or subscribe; do it when Poll has returned");
        }
    }

    /// <summary>Ends the waits that watch <see cref="Cancelled"/>. Any thread, also after the end.</summary>
    public void Cancel()
    {
        try
        {
            _cancel.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The owner is gone: nobody waits.
        }
    }

    /// <inheritdoc cref="ILink.Disconnect"/>
    public void Disconnect()
    {
        if (IsInside)
        {
            IsClosing = true;
            return;
        }

        if (IsUp)
        {
            carrier.SayGoodbye();
        }

        Close();
    }

    /// <summary>Ends the link; from within an event, once the poll it came from ends.</summary>
    public void Dispose()
    {
        if (IsDisposed)
        {
            return;
        }

        IsDisposed = true;
        if (!IsInside)
        {
            Release();
        }
    }

    /// <summary>Does what events asked for, tells the end of the connection, and throws what an event threw. The last of a poll.</summary>
    public void FinishPoll()
    {
        if (HasFault && State == LinkState.Up && !IsClosing && !IsDisposed)
        {
            Close();
            TellClosed();
        }

        if (IsDisposed)
        {
            Release();
        }
        else if (IsClosing)
        {
            Disconnect();
        }

        if (_thrown is { } thrown)
        {
            _thrown = null;
            thrown.Throw();
        }
    }

    private void TellClosed()
    {
        IsInside = true;
        try
        {
            Events.OnClosed(Fault);
        }
        catch (Exception e)
        {
            Keep(e);
        }
        finally
        {
            IsInside = false;
        }
    }

    private void Close()
    {
        State = LinkState.Down;
        carrier.Close();
    }

    private void Release()
    {
        Close();
        carrier.Release();
        _cancel.Dispose();
    }
}
