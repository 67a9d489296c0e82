namespace FieldAgent.Core;

/// <summary>A few small values that outlive a restart, each sealed under a key of the board. For memories of decisions, not for data on its
/// way: all are held in memory as well. Any thread.</summary>
public interface ISealedValues
{
    /// <summary>A value, or null.</summary>
    byte[]? Get(string name);

    /// <summary>Sets a value; durable when it returns.</summary>
    /// <param name="name">Its name, which is not sealed: no identifier, no place.</param>
    /// <param name="value">At most 4 KiB.</param>
    /// <exception cref="StoreFault">It could not be stored; the old one stands. Refused: there are too many values.</exception>
    void Set(string name, ReadOnlySpan<byte> value);

    /// <summary>Removes a value, so that no page of the database holds it any more once the log was emptied.</summary>
    /// <exception cref="StoreFault">It could not be removed; it stands.</exception>
    void Remove(string name);

    /// <summary>The names that begin with <paramref name="prefix"/>, in ordinal order.</summary>
    IReadOnlyList<string> Names(string prefix);
}
