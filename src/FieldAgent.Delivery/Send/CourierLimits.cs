namespace FieldAgent.Delivery;

/// <summary>Every limit of a courier, with the reason for its default.</summary>
public sealed record CourierLimits
{
    /// <summary>Largest payload, bytes. 128 KiB is the least that common cloud brokers take, topic and properties included;
    /// 2 KiB are left for those.</summary>
    public int MessageBytesMax { get; init; } = 126 * 1024;

    /// <summary>Bytes of a picture in one chunk. Well under <see cref="MessageBytesMax"/>; a lost link costs at most a few of them.</summary>
    public int ChunkBytes { get; init; } = 96 * 1024;

    /// <summary>Chunks under way at once. Two keep a slow line busy and leave the rest of the window to readings.</summary>
    public int ChunksInFlightMax { get; init; } = 2;

    /// <summary>Pictures under way at once: they are remembered while readings overtake them. One is a few hundred bytes.</summary>
    public int ImagesMax { get; init; } = 64;

    /// <summary>Places in the window kept free for results and state, so that a backlog never delays an answer.</summary>
    public int WindowReserve { get; init; } = 2;

    /// <summary>Items read from the spool between two looks at the link: bounds how long a run of items that may not be sent can
    /// keep the link waiting.</summary>
    public int ReadsPerPoll { get; init; } = 256;

    /// <summary>Brotli quality of live batches. Measured over 60 batches of eight noisy series and ten rows: 9 makes
    /// 337 bytes of them in 1.4 times the time of 5, and one batch in ten seconds has the time. 11 would save 7 % more for twenty
    /// times the time of 9.</summary>
    public int BrotliQualityLive { get; init; } = 9;

    /// <summary>Brotli quality of backlog, where the speed of draining counts: 5 is the least that models context, and makes 339 bytes
    /// of the same batches.</summary>
    public int BrotliQualityBacklog { get; init; } = 5;

    /// <summary>Longest wait in one look at the link. The client library wants to run its housekeeping once a second.</summary>
    public TimeSpan PollMax { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long SUBACK may take.</summary>
    public TimeSpan SubscribeTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a stop may wait for acknowledgements. With <see cref="LinkLimits.GoodbyeTimeout"/> it stays under 2 s; the
    /// agent promises 5 s for everything.</summary>
    public TimeSpan StopTimeout { get; init; } = TimeSpan.FromMilliseconds(1250);

    /// <summary>How long the broker waits before it publishes the will: shorter breaks are no news.</summary>
    public TimeSpan WillDelay { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>First ceiling of the wait between two attempts; each failure doubles it.</summary>
    public TimeSpan BackoffMin { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Last ceiling of that wait.</summary>
    public TimeSpan BackoffMax { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Shortest wait after a refusal that only a person can lift: credentials, certificates, configuration.</summary>
    public TimeSpan BackoffRefused { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Refused credentials after which that is an incident: one may be a broker that starts, three are minutes apart.</summary>
    public int RefusalsForIncident { get; init; } = 3;

    /// <summary>How long a connection must have lasted for the wait to begin small again.</summary>
    public TimeSpan StableAfter { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Closes before CONNACK after which MQTT 3.1.1 is tried: some brokers answer version 5 by hanging up.</summary>
    public int ClosesBeforeFallback { get; init; } = 3;

    /// <summary>On 3.1.1, every so many connections version 5 is tried again: brokers get upgraded.</summary>
    public int RetryVersion5After { get; init; } = 10;

    /// <summary>On 3.1.1, version 5 is tried again at a reconnection after this long.</summary>
    public TimeSpan RetryVersion5Every { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How often one item may be refused for an unnamed reason (0x80, 0x83) before it is given up as poison. With the
    /// waits between them that is more than half an hour.</summary>
    public int UnnamedRefusalsMax { get; init; } = 12;

    /// <summary>Notices under way at once: they use the places that <see cref="WindowReserve"/> keeps free, and readings go on.</summary>
    public int NoticesInFlightMax { get; init; } = 2;

    /// <summary>How often a notice that wants an acknowledgement is repeated while the connection lasts: it is meant for people, who look
    /// once a day.</summary>
    public TimeSpan RepeatNotices { get; init; } = TimeSpan.FromDays(1);

    /// <summary>Wait before a notice that the broker refused is tried again: somebody has to change the broker's access rules.</summary>
    public TimeSpan NoticeRefused { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Stream sets that the state message describes at most; keeps it under <see cref="MessageBytesMax"/>.</summary>
    public int SetsMax { get; init; } = 256;

    /// <summary>Shortest time between two state messages that only tell of a new clock quality.</summary>
    public TimeSpan StateEvery { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Wait after the store failed in a way that may pass.</summary>
    public TimeSpan StoreRetry { get; init; } = TimeSpan.FromSeconds(2);
}
