using System.Collections.Immutable;

namespace FieldAgent.Core;

/// <summary>A named series of numbers from one sensor.</summary>
/// <param name="Name">Lower-case name, unique within its set: <c>temperature</c>.</param>
/// <param name="Unit">UCUM code: <c>Cel</c>, <c>Pa</c>, <c>1</c>.</param>
/// <param name="Scale">The step of the values (0.01, 1e-7, an ADC's step), or 0 when not known. A value that is a whole number
/// of steps is stored as that number, exactly; any other value is stored as it is, exactly.</param>
public sealed record StreamInfo(string Name, string Unit, double Scale = 0);

/// <summary>Which data goes first when the disk is full: the least important, oldest first.</summary>
public enum Importance : byte
{
    /// <summary>Nice to have.</summary>
    Low = 0,

    /// <summary>The ordinary case.</summary>
    Normal = 1,

    /// <summary>Alarms and what proves them.</summary>
    High = 2,
}

/// <summary>Streams that one sensor samples together: one field, one column of times, one row a sampling.
/// Immutable; compare by <see cref="Fingerprint"/>.</summary>
public sealed class StreamSet
{
    /// <summary>A row's presence mask is 64 bits wide, so a set has at most this many streams.</summary>
    public const int StreamsMax = 64;

    /// <summary>Declares a set.</summary>
    /// <param name="name">Unique on the board: the sensor's name, or <c>sensor.part</c>.</param>
    /// <param name="field">The vocabulary's field that every stream of the set belongs to.</param>
    /// <param name="streams">One to <see cref="StreamsMax"/> streams.</param>
    /// <param name="intervalNs">Nominal nanoseconds between rows; 0 when rows come as they come.</param>
    /// <param name="urgent">True when a row must be stored at once and not at the next flush.</param>
    /// <param name="importance">What may be given up first when the disk is full.</param>
    public StreamSet(
        string name,
        string field,
        ImmutableArray<StreamInfo> streams,
        long intervalNs = 0,
        bool urgent = false,
        Importance importance = Importance.Normal)
    {
        if (streams.IsDefaultOrEmpty || streams.Length > StreamsMax)
        {
            throw new ArgumentException($"set '{name}': 1 to {StreamsMax} streams, not {(streams.IsDefault ? 0 : streams.Length)}", nameof(streams));
        }

        Name = name;
        Field = field;
        Streams = streams;
        IntervalNs = Math.Max(0, intervalNs);
        Urgent = urgent;
        Importance = importance;
        Fingerprint = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{name}\n{field}\n{IntervalNs}\n")
            + string.Join('\n', streams.Select(static s =>
                string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{s.Name}\t{s.Unit}\t{s.Scale:R}")));
    }

    /// <summary>Unique on the board: the sensor's name, or <c>sensor.part</c>.</summary>
    public string Name { get; }

    /// <summary>The vocabulary's field: <c>instrument.measurement</c>, <c>location.position</c> …</summary>
    public string Field { get; }

    /// <summary>The streams, in column order.</summary>
    public ImmutableArray<StreamInfo> Streams { get; }

    /// <summary>Nominal nanoseconds between rows; 0 when not regular.</summary>
    public long IntervalNs { get; }

    /// <summary>Store a row at once.</summary>
    public bool Urgent { get; }

    /// <summary>What may be given up first when the disk is full.</summary>
    public Importance Importance { get; }

    /// <summary>All that a stored block needs to be read again, as one text; two sets with the same are the same.</summary>
    public string Fingerprint { get; }

    /// <summary>Mask with a bit for each stream of the set.</summary>
    public ulong AllPresent => Streams.Length == StreamsMax ? ulong.MaxValue : (1UL << Streams.Length) - 1;

    /// <inheritdoc/>
    public override string ToString() => $"{Name} ({Field}, {Streams.Length} streams)";
}
