using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <summary>MQTT's reason codes in a technician's words (MQTT 5 section 2.4, MQTT 3.1.1 section 3.2.2.3).</summary>
internal static class MqttReasons
{
    private const int FirstMqtt5Failure = 0x80;

    /// <summary>The fault that a CONNACK with a code other than 0 stands for.</summary>
    public static LinkFault FromConnack(int code, string broker) => code switch
    {
        1 or 0x84 => new(LinkFaultKind.VersionRefused, $"{broker} does not speak this version of MQTT", code),
        2 => new(LinkFaultKind.NotAuthorized, $"{broker} refuses the client id", code),
        3 => new(LinkFaultKind.Refused, $"{broker} is not available for now; it is tried again", code),
        4 => new(LinkFaultKind.NotAuthorized, $"{broker} refuses user name or password; check both in the configuration", code),
        5 => new(LinkFaultKind.NotAuthorized, $"{broker} does not authorize this device; register its credentials there", code),
        _ => FromReason(code, broker, $"{broker} refuses the connection"),
    };

    /// <summary>The fault of a broker that accepts the connection, but grants QoS 0 alone.</summary>
    public static LinkFault NoQos1(string broker) =>
        new(LinkFaultKind.Refused, $"{broker} takes no QoS 1 messages, so it can acknowledge nothing", 0x9b);

    /// <summary>The fault that a DISCONNECT of the broker with a code of 0x80 or above stands for.</summary>
    public static LinkFault FromDisconnect(int code, string broker) => code switch
    {
        0x8b => new(LinkFaultKind.Lost, $"{broker} is shutting down", code),
        0x8d => new(LinkFaultKind.Lost, $"{broker} heard nothing within the keep-alive; check the network", code),
        _ => FromReason(code, broker, $"{broker} closed the connection"),
    };

    /// <summary>The fault that libmosquitto's disconnect code stands for, where it is below 0x80 and so the library's own.</summary>
    public static LinkFault FromLibrary(int code, int errno, string broker) => code switch
    {
        >= FirstMqtt5Failure => FromDisconnect(code, broker),
        LibMosquitto.Success => new(LinkFaultKind.Lost, $"{broker} ended the connection in the ordinary way"),
        LibMosquitto.OutOfMemory => new(LinkFaultKind.Lost, "out of memory in libmosquitto"),
        LibMosquitto.Protocol or LibMosquitto.MalformedPacket or LibMosquitto.MalformedUtf8 =>
            new(LinkFaultKind.Lost, $"what {broker} sends is not MQTT; check that the port is the broker's"),
        LibMosquitto.KeepAlive => new(LinkFaultKind.Lost, $"{broker} did not answer within the keep-alive; check the network"),
        LibMosquitto.ConnectionRefused => new(LinkFaultKind.Refused, $"{broker} refuses the connection"),
        LibMosquitto.Tls => new(LinkFaultKind.Tls, $"TLS with {broker} failed"),
        LibMosquitto.Errno => new(LinkFaultKind.Lost, $"the connection to {broker} broke{ErrnoText(errno)}"),
        _ => new(LinkFaultKind.Lost, $"{broker} closed the connection"),
    };

    private static LinkFault FromReason(int code, string broker, string what) => code switch
    {
        0x85 => new(LinkFaultKind.NotAuthorized, $"{broker} refuses the client id", code),
        0x86 => new(LinkFaultKind.NotAuthorized, $"{broker} refuses user name or password; check both in the configuration", code),
        0x87 => new(LinkFaultKind.NotAuthorized, $"{broker} does not authorize this device; register its credentials there", code),
        0x8a => new(LinkFaultKind.NotAuthorized, $"{broker} has banned this device; ask who runs it", code),
        0x8c => new(LinkFaultKind.NotAuthorized, $"{broker} wants another way of authentication", code),
        0x8e => new(LinkFaultKind.Refused, "another connection with the same client id took the session over; is the board's "
            + "storage a copy of another board's?", code),
        _ => new(LinkFaultKind.Refused, $"{what}: {Name(code)}", code),
    };

    private static string Name(int code) => code switch
    {
        0x81 => "malformed packet",
        0x82 => "protocol error",
        0x83 => "its own reasons",
        0x88 => "server unavailable",
        0x89 => "server busy",
        0x8b => "server shutting down",
        0x90 => "topic name not accepted",
        0x93 => "more unacknowledged messages than it takes",
        0x95 => "packet too large",
        0x96 => "message rate too high",
        0x97 => "quota exceeded",
        0x98 => "administrative action",
        0x99 => "payload format",
        0x9a => "retained messages not supported",
        0x9b => "QoS 1 not supported",
        0x9c => "use another server",
        0x9d => "server moved",
        0x9f => "too many connections in a short time",
        0xa0 => "longest connection time reached",
        _ => $"reason 0x{code:x2}",
    };

    private static string ErrnoText(int errno) => errno switch
    {
        // 71 (EPROTO) is what the library sets for any failure within TLS.
        0 or 71 => "",
        32 or 104 => " (reset by the other side)",
        101 or 113 => " (no route; is the network up?)",
        110 => " (no answer)",
        _ => $" (errno {errno})",
    };
}
