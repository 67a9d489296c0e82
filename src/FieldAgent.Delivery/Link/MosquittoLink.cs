using System.Runtime.InteropServices;
using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <summary>One MQTT connection over libmosquitto, driven by its owner's thread alone: the library starts no thread, and this waits
/// with <c>poll(2)</c> itself. The library's own reconnecting is never used: an old handle resends what it still holds, so each
/// connection has a handle of its own.</summary>
/// <remarks>Made by <see cref="MosquittoLinkFactory"/>. Events come from within <see cref="Poll"/>; they may publish, disconnect and
/// dispose, but not poll or subscribe. What an event throws comes out of <see cref="Poll"/>.
/// A limit of libmosquitto 2.0.11 as Debian builds it, with assertions: a broker that sends an MQTT 5 property the standard does not
/// know ends the process. TLS lets only the configured broker get that far; MQTT 3.1.1 has no properties.</remarks>
internal sealed partial class MosquittoLink : ILink, ILinkCarrier
{
    // An empty topic with a closing zero: the library lets it pass where an alias stands for the name.
    private static ReadOnlySpan<byte> NoName => "\0"u8;

    private readonly LinkLimits _limits;
    private readonly LinkSession _session;
    private readonly WakeEvent _wake = new();
    private readonly WakeEvent _cancelWake = new();
    private readonly DeferredEvents _deferred = new();

    private MosquittoHandle? _handle;
    private bool _isTls;
    private int _sliceMs;
    private int _inFlight;
    private int _errno;
    private bool _isDeferring;
    private int _corkedMessages;

    internal MosquittoLink(LinkLimits limits)
    {
        _limits = limits;
        _session = new LinkSession(this);
    }

    /// <inheritdoc/>
    /// <remarks>The order: options and files, library, name, TCP port, TLS, CONNACK; each has its own fault.</remarks>
    public LinkFault Connect(LinkOptions options, ILinkEvents events, out LinkAccepted accepted) =>
        _session.Connect(options, events, out accepted);

    /// <inheritdoc/>
    public unsafe int Publish(MqttTopic topic, ReadOnlySpan<byte> payload, in PublishOptions options)
    {
        if (!_session.IsUp)
        {
            return PublishResult.Down;
        }

        if (_inFlight >= _session.SendMaximum)
        {
            Uncork();
            return PublishResult.WindowFull;
        }

        var alias = _session.Aliases.Find(topic, out var isKnown);
        var properties = _session.IsV5 ? _publishProperties.Get(options, alias) : 0;
        var name = isKnown ? NoName : topic.Utf8Z.AsSpan();
        if (IsTooLarge(name.Length - 1, payload.Length))
        {
            return PublishResult.TooLarge;
        }

        Cork();

        int messageId;
        int result;
        fixed (byte* nameZ = name)
        fixed (byte* bytes = payload)
        {
            result = LibMosquitto.mosquitto_publish_v5(
                _handle!.Mosq, &messageId, nameZ, payload.Length, bytes, 1, options.Retain ? (byte)1 : (byte)0, properties);
        }

        switch (result)
        {
            case LibMosquitto.Success:
                _inFlight++;
                if (alias != 0 && !isKnown)
                {
                    // In order, so whatever the broker thinks of the message, it has read the number before the next one.
                    _session.Aliases.Sent(topic, alias);
                }

                return messageId;
            case LibMosquitto.PayloadSize or LibMosquitto.OversizePacket:
                return PublishResult.TooLarge;
            case LibMosquitto.Invalid or LibMosquitto.MalformedUtf8:
                throw new ArgumentException($"topic '{topic.Name}' is empty, too long or holds a wildcard", nameof(topic));
            default:
                // The library closes nothing and calls nobody when a write within publish fails.
                _session.Fail(MqttReasons.FromLibrary(result, Marshal.GetLastPInvokeError(), _session.Broker));
                return PublishResult.Down;
        }
    }

    /// <inheritdoc/>
    public unsafe bool Subscribe(string filter, TimeSpan timeout)
    {
        _session.ThrowIfInside();
        if (!_session.IsUp)
        {
            return false;
        }

        int messageId;
        var result = LibMosquitto.mosquitto_subscribe_v5(_handle!.Mosq, &messageId, filter, 1, 0, 0);
        if (result != LibMosquitto.Success)
        {
            if (result is LibMosquitto.Invalid or LibMosquitto.MalformedUtf8)
            {
                throw new ArgumentException($"'{filter}' is not a topic filter", nameof(filter));
            }

            if (result != LibMosquitto.OversizePacket)
            {
                _session.Fail(MqttReasons.FromLibrary(result, Marshal.GetLastPInvokeError(), _session.Broker));
            }

            return false;
        }

        _subscribeId = messageId;
        _subscribeReason = null;
        var deadline = Deadline.After(timeout);
        _isDeferring = true;
        try
        {
            while (_subscribeReason is null && !_session.HasFault && !_session.IsCancelled && _deferred.Bytes <= _limits.DeferredBytesMax && deadline.LeftMs is var left and > 0)
            {
                Pump(Math.Min(left, _sliceMs), canWake: false);
            }
        }
        finally
        {
            _isDeferring = false;
        }

        return _subscribeReason < 0x80;
    }

    /// <inheritdoc/>
    public unsafe bool Unsubscribe(string filter)
    {
        _session.ThrowIfInside();
        return _session.IsUp
            && LibMosquitto.mosquitto_unsubscribe_v5(_handle!.Mosq, null, filter, 0) == LibMosquitto.Success;
    }

    /// <inheritdoc/>
    /// <remarks>After the connection has closed it waits for <see cref="Wake"/> alone.</remarks>
    public void Poll(TimeSpan wait)
    {
        _session.ThrowIfInside();
        var deadline = Deadline.After(wait);
        var hadDeferred = TellDeferred();
        if (_session.State != LinkState.Up)
        {
            if (!hadDeferred && !_session.IsDisposed)
            {
                WaitForWake(deadline);
            }

            return;
        }

        int left;
        do
        {
            left = hadDeferred || _readAgain ? 0 : deadline.LeftMs;
        }
        while (!_session.HasFault && !Pump(Math.Min(left, _sliceMs), canWake: true) && left > 0);

        _session.FinishPoll();
    }

    /// <inheritdoc/>
    /// <remarks>Also after <see cref="Dispose"/>, where it does nothing.</remarks>
    public void Wake() => _wake.Set();

    /// <inheritdoc/>
    /// <remarks>Also after <see cref="Dispose"/>, where it does nothing. A connect that the kernel or a name server holds is left to
    /// its own thread.</remarks>
    public void CancelWaits()
    {
        _session.Cancel();
        _cancelWake.Set();
        _wake.Set();
    }

    /// <inheritdoc/>
    /// <remarks>Answers that have not been polled are lost; poll until nothing is in flight to have them.</remarks>
    public void Disconnect() => _session.Disconnect();

    /// <inheritdoc/>
    public void Dispose() => _session.Dispose();

    void ILinkCarrier.Close()
    {
        _handle?.Dispose();
        _handle = null;
        _publishProperties.Dispose();
    }

    void ILinkCarrier.Release()
    {
        _wake.Dispose();
        _cancelWake.Dispose();
    }

    // The library writes each message by itself. A run of them shares its segments, until the next poll, and not for longer than it
    // takes to learn from a write that the connection is broken.
    private void Cork()
    {
        if (_corkedMessages >= _limits.CorkedMessagesMax)
        {
            Uncork();
        }

        if (!_session.IsInside && _corkedMessages++ == 0)
        {
            LinuxWait.Cork(LibMosquitto.mosquitto_socket(_handle!.Mosq), isOn: true);
        }
    }

    private void Uncork()
    {
        if (_corkedMessages > 0)
        {
            LinuxWait.Cork(LibMosquitto.mosquitto_socket(_handle!.Mosq), isOn: false);
            _corkedMessages = 0;
        }
    }

    /// <summary>The library's own count is one byte short, and where it notices late it ends the process: a log call without a handle fails
    /// an assertion.</summary>
    private bool IsTooLarge(int nameBytes, int payloadBytes) =>
        _session.PacketBytesMax != int.MaxValue
        && PublishSize.Of(nameBytes, _session.IsV5 ? _publishProperties.Bytes : -1, payloadBytes) > _session.PacketBytesMax;

    /// <summary>The library's duties must not wait longer than a quarter of the keep-alive: the broker allows half of one in excess.</summary>
    private void SetKeepAlive(TimeSpan keepAlive) => _sliceMs = (int)Math.Clamp(keepAlive.TotalMilliseconds / 4, 250, 60_000);
}
