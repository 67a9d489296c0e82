using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <summary>What the reference consumer listens to.</summary>
public sealed record ConsumerOptions
{
    /// <summary>How to reach the broker. The client id names the consumer's session: with the same one it continues where it was.</summary>
    public required LinkOptions Link { get; init; }

    /// <summary>Topics; by default those of every device.</summary>
    public string Filter { get; init; } = Topics.Root + "+/#";

    /// <summary>How long to listen; null: until stopped.</summary>
    public TimeSpan? Duration { get; init; }

    /// <summary>True: a member that the contract does not know is an error. False: it is ignored.</summary>
    public bool Validate { get; init; } = true;

    /// <summary>Number with which each function's count begins, when that is known: a loss before the first message is then seen.
    /// Null: it begins with the smallest number that arrives.</summary>
    public long? FirstSequence { get; init; }

    /// <summary>Seed of the waits between connection attempts; null: random.</summary>
    public int? Seed { get; init; }

    /// <summary>Limits.</summary>
    public ConsumerLimits Limits { get; init; } = new();
}

/// <summary>Every limit of the consumer, with the reason for its default. Together they bound its memory whatever arrives.</summary>
public sealed record ConsumerLimits
{
    /// <summary>Largest decompressed payload: a few kilobytes of brotli can stand for gigabytes.</summary>
    public int PlainBytesMax { get; init; } = 16 * 1024 * 1024;

    /// <summary>Devices that are told apart; further ones are counted as invalid.</summary>
    public int DevicesMax { get; init; } = 10_000;

    /// <summary>Generations of one device's store: one more with every reset.</summary>
    public int GenerationsMax { get; init; } = 64;

    /// <summary>Functions of one device; a policy has a few dozen.</summary>
    public int FunctionsMax { get; init; } = 256;

    /// <summary>Ranges of numbers kept for one count. Without losses there is one; beyond this the oldest holes are closed.</summary>
    public int RangesMax { get; init; } = 4096;

    /// <summary>Blocks of which only some parts have arrived, per device.</summary>
    public int PartialBlocksMax { get; init; } = 256;

    /// <summary>Largest picture.</summary>
    public long PhotoBytesMax { get; init; } = 64L * 1024 * 1024;

    /// <summary>Chunks of unfinished pictures in memory, over all devices; the oldest picture gives way.</summary>
    public long ChunkBytesMax { get; init; } = 128L * 1024 * 1024;

    /// <summary>Finished pictures that are remembered, so that a late duplicate does not begin them anew.</summary>
    public int FinishedPhotosMax { get; init; } = 10_000;

    /// <summary>References of notices remembered for each device: a repetition is told apart.</summary>
    public int NoticesMax { get; init; } = 10_000;

    /// <summary>Descriptions of invalid messages, and of missing ranges a function, in the report.</summary>
    public int ExamplesMax { get; init; } = 10;
}

/// <summary>Something that arrived. Given on the consumer's thread.</summary>
/// <param name="Device">The device's pseudonym; empty for the consumer's own connection.</param>
public abstract record ConsumerEvent(string Device);

/// <summary>A batch of readings.</summary>
/// <param name="Device">The device's pseudonym.</param>
/// <param name="Function">The function.</param>
/// <param name="Sequence">Its number.</param>
/// <param name="Readings">Values in it.</param>
/// <param name="Bytes">Size of the payload on the wire.</param>
/// <param name="Backlog">It is older than the device's connection.</param>
/// <param name="Duplicate">It had arrived before, and does not count.</param>
/// <param name="NewestUnixUs">Time of the newest row, µs since 1970.</param>
public sealed record BatchArrived(
    string Device, string Function, long Sequence, long Readings, int Bytes, bool Backlog, bool Duplicate, long NewestUnixUs)
    : ConsumerEvent(Device);

/// <summary>A picture of which every chunk has arrived.</summary>
/// <param name="Device">The device's pseudonym.</param>
/// <param name="Function">The function.</param>
/// <param name="ImageId">Its id.</param>
/// <param name="Sensor">The camera.</param>
/// <param name="Request">The command that asked for it, or null.</param>
/// <param name="Sound">Size and SHA-256 are as the manifest says.</param>
/// <param name="Jpeg">The file.</param>
public sealed record PhotoArrived(
    string Device, string Function, string ImageId, string Sensor, string? Request, bool Sound, ReadOnlyMemory<byte> Jpeg)
    : ConsumerEvent(Device);

/// <summary>A device announced that something will never arrive.</summary>
/// <param name="Device">The device's pseudonym.</param>
/// <param name="Function">The function.</param>
/// <param name="Reason">Why, in the contract's word.</param>
/// <param name="From">First number.</param>
/// <param name="To">Last number.</param>
/// <param name="Readings">Readings lost.</param>
public sealed record GapArrived(string Device, string Function, string Reason, long From, long To, long Readings) : ConsumerEvent(Device);

/// <summary>A device sent a notice: a receipt, a request to erase, a checkpoint, an incident.</summary>
/// <param name="Device">The device's pseudonym.</param>
/// <param name="Kind"><c>consent</c>, <c>erasure</c>, <c>audit</c> or <c>incident</c>.</param>
/// <param name="Type">Type of the signed document. The signature was not checked.</param>
/// <param name="Reference">Its name in an acknowledgement.</param>
/// <param name="Acknowledge">It is repeated until it is acknowledged.</param>
/// <param name="Duplicate">It had arrived before, and does not count.</param>
public sealed record NoticeArrived(
    string Device, string Kind, string Type, string Reference, bool Acknowledge, bool Duplicate) : ConsumerEvent(Device);

/// <summary>A device's state.</summary>
/// <param name="Device">The device's pseudonym.</param>
/// <param name="Online">True when it is connected.</param>
public sealed record StateArrived(string Device, bool Online) : ConsumerEvent(Device);

/// <summary>A message that does not follow the contract.</summary>
/// <param name="Device">The device's pseudonym; empty when the topic names none.</param>
/// <param name="Topic">Its topic.</param>
/// <param name="Place">The place in the payload, as a JSON path.</param>
/// <param name="Problem">What is wrong there.</param>
public sealed record InvalidArrived(string Device, string Topic, string Place, string Problem) : ConsumerEvent(Device);

/// <summary>The consumer's own connection came or went.</summary>
/// <param name="Connected">True when it is up.</param>
/// <param name="Detail">Why not, or how.</param>
public sealed record ConnectionChanged(bool Connected, string Detail) : ConsumerEvent("");
