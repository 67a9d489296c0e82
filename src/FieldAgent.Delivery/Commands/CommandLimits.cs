namespace FieldAgent.Delivery;

/// <summary>Every limit of commands, with the reason for its default.</summary>
public sealed record CommandLimits
{
    /// <summary>Largest payload of a command whose handler names no limit of its own, bytes: a signed request of 8 KiB, every quote escaped.</summary>
    public int PayloadBytesMax { get; init; } = 16 * 1024;

    /// <summary>Largest result, bytes: stays under what common brokers take.</summary>
    public int ResultBytesMax { get; init; } = 64 * 1024;

    /// <summary>Longest id, characters; a UUID has 36.</summary>
    public int IdLengthMax { get; init; } = 64;

    /// <summary>Longest correlation data that may serve as id, bytes: it becomes twice as many characters.</summary>
    public int CorrelationBytesMax { get; init; } = 30;

    /// <summary>Longest response topic, characters; AWS IoT Core takes 256.</summary>
    public int ResponseTopicMax { get; init; } = 256;

    /// <summary>Commands a minute on average: people and fleet tools ask now and then, a runaway loop asks all the time, and each one
    /// is a write to the disk.</summary>
    public double PerMinute { get; init; } = 10;

    /// <summary>Commands at once: what gathered at the broker while the board was away.</summary>
    public int Burst { get; init; } = 20;

    /// <summary>Results that wait to be sent at most; a sender who misses one asks again with the same id.</summary>
    public int RepliesMax { get; init; } = 32;
}
