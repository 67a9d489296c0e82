namespace FieldAgent.Core;

/// <summary>How many bytes each recipient was sent, by day; old days are forgotten. Any thread.</summary>
public interface IBudgetLedger
{
    /// <summary>Bytes sent to <paramref name="recipient"/> since <paramref name="fromDay"/> (days since 1970, UTC), that day included.</summary>
    /// <exception cref="StoreFault">It cannot be read.</exception>
    long Used(string recipient, long fromDay);

    /// <summary>Adds bytes to a day; durable when it returns.</summary>
    /// <exception cref="StoreFault">It could not be stored.</exception>
    void Add(string recipient, long day, long bytes);
}
