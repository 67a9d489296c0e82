namespace FieldAgent.Core;

/// <summary>What each recipient was told last of the facts of a function, as a keyed digest: enough to see that something changed.
/// Any thread.</summary>
public interface IFactLedger
{
    /// <summary>The digest that was noted last; empty when nothing was.</summary>
    byte[] Told(string recipient, string function);

    /// <summary>Notes a digest in place of the last; durable when it returns.</summary>
    /// <exception cref="StoreFault">It could not be stored.</exception>
    void Note(string recipient, string function, ReadOnlySpan<byte> digest);

    /// <summary>Forgets it.</summary>
    /// <exception cref="StoreFault">It could not be stored.</exception>
    void Forget(string recipient, string function);
}
