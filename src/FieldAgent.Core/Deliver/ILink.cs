namespace FieldAgent.Core;

/// <summary>MQTT protocol versions.</summary>
public enum MqttVersion : byte
{
    /// <summary>MQTT 3.1.1.</summary>
    V311 = 4,

    /// <summary>MQTT 5.</summary>
    V5 = 5,
}

/// <summary>TLS of a link.</summary>
/// <param name="CaFile">PEM file of the authorities to trust; null: the system's.</param>
/// <param name="CertificateFile">PEM file of the client certificate, or null.</param>
/// <param name="KeyFile">PEM file of its key, or null.</param>
/// <param name="Alpn">Application protocol to ask for, or null.</param>
public sealed record LinkTls(string? CaFile, string? CertificateFile, string? KeyFile, string? Alpn);

/// <summary>The message the broker publishes when the board falls silent.</summary>
/// <param name="Topic">Its topic.</param>
/// <param name="Payload">Its payload.</param>
/// <param name="Retain">The MQTT flag.</param>
/// <param name="Delay">How long the broker waits first (MQTT 5 only).</param>
public sealed record LinkWill(string Topic, byte[] Payload, bool Retain, TimeSpan Delay);

/// <summary>How to reach a broker.</summary>
public sealed record LinkOptions
{
    /// <summary>Host name or address; also the name in the broker's certificate.</summary>
    public required string Host { get; init; }

    /// <summary>TCP port.</summary>
    public required int Port { get; init; }

    /// <summary>MQTT client id: the recipient's pseudonym and nothing else.</summary>
    public required string ClientId { get; init; }

    /// <summary>TLS; null means plaintext, which only a loopback host may have.</summary>
    public LinkTls? Tls { get; init; }

    /// <summary>User name, or null.</summary>
    public string? UserName { get; init; }

    /// <summary>Password, or null. Never logged.</summary>
    public string? Password { get; init; }

    /// <summary>Keep-alive; at least 5 s.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long the broker keeps the session while the board is away (R51).</summary>
    public TimeSpan SessionExpiry { get; init; } = TimeSpan.FromDays(7);

    /// <summary>True to begin with a session that knows nothing.</summary>
    public bool CleanStart { get; init; }

    /// <summary>Unacknowledged messages that this side accepts from the broker.</summary>
    public int ReceiveMaximum { get; init; } = 100;

    /// <summary>The version to try.</summary>
    public MqttVersion Version { get; init; } = MqttVersion.V5;

    /// <summary>How long name resolution, TCP, TLS and CONNACK may take together.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Will message, or null.</summary>
    public LinkWill? Will { get; init; }
}

/// <summary>How a connection attempt or a connection ended.</summary>
public enum LinkFaultKind
{
    /// <summary>No fault: closed by us.</summary>
    None,

    /// <summary>The name does not resolve.</summary>
    NameUnknown,

    /// <summary>Nobody listens, or the network is down.</summary>
    Unreachable,

    /// <summary>No answer in time.</summary>
    Timeout,

    /// <summary>TLS failed: wrong authority, wrong name, expired, no client certificate.</summary>
    Tls,

    /// <summary>The broker does not speak this version; try 3.1.1.</summary>
    VersionRefused,

    /// <summary>The broker refuses the credentials or the client id, or has banned it. Retry slowly.</summary>
    NotAuthorized,

    /// <summary>The broker refuses for another reason (busy, quota, another session with the same client id).</summary>
    Refused,

    /// <summary>The connection was lost.</summary>
    Lost,

    /// <summary>The configuration is wrong: a file is missing or unreadable.</summary>
    Misconfigured,
}

/// <summary>Why a link is not up.</summary>
/// <param name="Kind">What is wrong.</param>
/// <param name="Detail">One sentence for a technician: the place and the remedy. Holds no secret.</param>
/// <param name="ReasonCode">MQTT reason code, or 0.</param>
public readonly record struct LinkFault(LinkFaultKind Kind, string Detail, int ReasonCode = 0);

/// <summary>What the broker said in CONNACK.</summary>
/// <param name="SessionPresent">It remembered the session.</param>
/// <param name="SendMaximum">Unacknowledged QoS 1 messages it accepts; 65,535 when it did not say.</param>
/// <param name="PacketBytesMax">Largest packet it accepts; <see cref="int.MaxValue"/> when it did not say.</param>
/// <param name="Version">The version in use.</param>
public readonly record struct LinkAccepted(bool SessionPresent, int SendMaximum, int PacketBytesMax, MqttVersion Version);

/// <summary>A message that arrived. The spans are valid only during the call.</summary>
public readonly ref struct LinkMessage
{
    /// <summary>Topic.</summary>
    public required string Topic { get; init; }

    /// <summary>Payload.</summary>
    public required ReadOnlySpan<byte> Payload { get; init; }

    /// <summary>MQTT 5 response topic, or null.</summary>
    public string? ResponseTopic { get; init; }

    /// <summary>MQTT 5 correlation data; empty when there is none.</summary>
    public ReadOnlySpan<byte> CorrelationData { get; init; }

    /// <summary>The user property <c>content-encoding</c>, or null.</summary>
    public string? ContentEncoding { get; init; }

    /// <summary>Seconds left of the message's expiry; null when it has none.</summary>
    public uint? ExpirySeconds { get; init; }

    /// <summary>The retained flag.</summary>
    public bool Retained { get; init; }
}

/// <summary>What a link tells its owner; all calls come on the owner's thread, from within <see cref="ILink.Poll"/>.</summary>
public interface ILinkEvents
{
    /// <summary>The connection is gone. The link must be disposed and a new one made.</summary>
    void OnClosed(LinkFault fault);

    /// <summary>The broker answered message <paramref name="messageId"/>: below 0x80 it has it, else it refused.</summary>
    void OnAcknowledged(int messageId, int reasonCode);

    /// <summary>A message arrived.</summary>
    void OnMessage(in LinkMessage message);
}

/// <summary>Options of one publish.</summary>
/// <param name="Retain">The MQTT flag; never for data.</param>
/// <param name="ContentEncoding">User property <c>content-encoding</c> (MQTT 5), or null.</param>
/// <param name="CorrelationData">Correlation data (MQTT 5), or null.</param>
public readonly record struct PublishOptions(bool Retain = false, string? ContentEncoding = null, byte[]? CorrelationData = null);

/// <summary>A topic with its encoded form, made once.</summary>
public sealed class MqttTopic
{
    /// <summary>Encodes <paramref name="name"/>; <paramref name="repeats"/>: see <see cref="Repeats"/>.</summary>
    public MqttTopic(string name, bool repeats = false)
    {
        Name = name;
        Repeats = repeats;
        Utf8Z = new byte[System.Text.Encoding.UTF8.GetByteCount(name) + 1];
        System.Text.Encoding.UTF8.GetBytes(name, Utf8Z);
    }

    /// <summary>The topic.</summary>
    public string Name { get; }

    /// <summary>UTF-8 with a closing zero.</summary>
    public byte[] Utf8Z { get; }

    /// <summary>True when this very object is published to again and again: a link may then replace the name by a number
    /// (MQTT 5 topic alias). False for topics that are used once.</summary>
    public bool Repeats { get; }

    /// <inheritdoc/>
    public override string ToString() => Name;
}

/// <summary>What <see cref="ILink.Publish"/> returns instead of a message id. Nothing was sent, and the link keeps nothing.</summary>
public static class PublishResult
{
    /// <summary>The link is down; <see cref="ILinkEvents.OnClosed"/> follows with the next poll, or has been called.</summary>
    public const int Down = 0;

    /// <summary>The message is larger than <see cref="LinkAccepted.PacketBytesMax"/> allows; sending it again cannot help.</summary>
    public const int TooLarge = -1;

    /// <summary><see cref="LinkAccepted.SendMaximum"/> messages are unacknowledged already; wait for an acknowledgement.</summary>
    public const int WindowFull = -2;
}

/// <summary>One MQTT connection, from connect to close; never reused. Everything but <see cref="Wake"/> belongs to one owner thread.
/// The link queues nothing for later: the spool is the only queue.</summary>
public interface ILink : IDisposable
{
    /// <summary>Resolves, connects, and waits for CONNACK. Blocks at most <see cref="LinkOptions.ConnectTimeout"/>.
    /// Calls no event: what arrives meanwhile comes with the first <see cref="Poll"/>.</summary>
    /// <returns>Kind <see cref="LinkFaultKind.None"/> when connected; else the fault, and no
    /// <see cref="ILinkEvents.OnClosed"/> follows.</returns>
    LinkFault Connect(LinkOptions options, ILinkEvents events, out LinkAccepted accepted);

    /// <summary>Sends a QoS 1 message. Copies the payload; does not block.</summary>
    /// <returns>The message id (above 0), or one of <see cref="PublishResult"/> (0 and below).</returns>
    int Publish(MqttTopic topic, ReadOnlySpan<byte> payload, in PublishOptions options);

    /// <summary>Subscribes with QoS 1; waits for SUBACK within <paramref name="timeout"/>. Not to be called from an event.
    /// What arrives meanwhile comes with the next <see cref="Poll"/>.</summary>
    /// <returns>False when refused or timed out.</returns>
    bool Subscribe(string filter, TimeSpan timeout);

    /// <summary>Ends a subscription, also one that an earlier connection of the session made; does not wait for the broker's answer.</summary>
    /// <returns>False when the link is down.</returns>
    bool Unsubscribe(string filter);

    /// <summary>Reads and writes the socket, keeps alive, calls the events; waits at most <paramref name="wait"/> for something to do,
    /// or until <see cref="Wake"/>.</summary>
    void Poll(TimeSpan wait);

    /// <summary>Ends a waiting <see cref="Poll"/> early. Any thread.</summary>
    void Wake();

    /// <summary>The owner is stopping: ends a <see cref="Connect"/> (with <see cref="LinkFaultKind.Timeout"/>), a
    /// <see cref="Subscribe"/> (false) or a waiting <see cref="Poll"/> early, and lets none of the first two wait from now on. All else
    /// goes on working, so that goodbye can be said. Any thread; for links whose connect does not block it is a
    /// <see cref="Wake"/>.</summary>
    void CancelWaits() => Wake();

    /// <summary>Says goodbye (no will is sent) and closes. No <see cref="ILinkEvents.OnClosed"/> follows. Disposing without it
    /// is an abrupt close: the broker sends the will.</summary>
    void Disconnect();
}

/// <summary>Makes links; one is made for every connection.</summary>
public interface ILinkFactory
{
    /// <summary>Name of the client library and its version, for <c>status</c> and <c>version</c>.</summary>
    string Library { get; }

    /// <summary>A link that has not connected yet.</summary>
    ILink Create();
}
