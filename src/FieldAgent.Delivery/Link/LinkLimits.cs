namespace FieldAgent.Delivery;

/// <summary>The limits of one link, each with the reason for its value.</summary>
public sealed record LinkLimits
{
    /// <summary>The one set in use.</summary>
    public static LinkLimits Default { get; } = new();

    /// <summary>Largest packet the broker may send, told to it in CONNECT (MQTT 5). Twice the 128 KiB that the project's own
    /// messages keep to.</summary>
    public int InboundPacketBytesMax { get; init; } = 256 * 1024;

    /// <summary>Bytes that may arrive while a SUBACK is awaited; more, and the subscription counts as failed. Room for several of
    /// the largest packets, and nothing against a board's memory.</summary>
    public int DeferredBytesMax { get; init; } = 2 * 1024 * 1024;

    /// <summary>Topics of one connection that a number stands for, also where the broker would take more: a board has a few dozen
    /// functions at most.</summary>
    public int TopicAliasesMax { get; init; } = 64;

    /// <summary>How long saying goodbye may take: DISCONNECT is two bytes, and shutdown has 5 s for everything.</summary>
    public TimeSpan GoodbyeTimeout { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Shortest keep-alive libmosquitto accepts.</summary>
    public TimeSpan KeepAliveMin { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Largest PEM file that is read: a system's whole bundle of authorities is about 220 KB.</summary>
    public int PemFileBytesMax { get; init; } = 4 * 1024 * 1024;

    /// <summary>Addresses of one name that are tried; a name with more is a mistake or an attack.</summary>
    public int AddressesMax { get; init; } = 8;

    /// <summary>Longest text of any CONNECT field: MQTT counts it in 16 bits.</summary>
    public int TextBytesMax { get; init; } = ushort.MaxValue;

    /// <summary>Messages written without a poll that may share TCP segments: most of what sharing saves, and a broken connection is still
    /// found by who only publishes, also within a broker's ordinary window of 20.</summary>
    public int CorkedMessagesMax { get; init; } = 8;

    /// <summary>Times a TLS connection is read on without asking the kernel again, so that one flood cannot hold the owner.</summary>
    public int ReadRoundsMax { get; init; } = 64;

    /// <summary>User properties of one message that are looked at for <c>content-encoding</c>.</summary>
    public int UserPropertiesMax { get; init; } = 16;
}
