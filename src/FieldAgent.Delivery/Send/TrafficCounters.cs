namespace FieldAgent.Delivery;

/// <summary>Counts of what was handed to the brokers since the start, as payload: what a reading and a picture cost on the way.</summary>
public static class TrafficCounters
{
    /// <summary>Readings in batches.</summary>
    public const string Readings = "traffic.readings";

    /// <summary>Bytes of those batches.</summary>
    public const string ReadingBytes = "traffic.reading-bytes";

    /// <summary>Pictures begun.</summary>
    public const string Pictures = "traffic.pictures";

    /// <summary>Bytes of those pictures.</summary>
    public const string PictureBytes = "traffic.picture-bytes";

    /// <summary>Beginning of the names that count the bytes of one function, readings and pictures (R50).</summary>
    public const string BytesOfFunction = "traffic.bytes-of.";

    /// <summary>Beginning of the names that count the messages of one function.</summary>
    public const string MessagesOfFunction = "traffic.messages-of.";

    // One pair a function of the policy; names of functions come from there, not from input.
    private static readonly System.Collections.Concurrent.ConcurrentDictionary<string, (string Bytes, string Messages)> s_names = new(StringComparer.Ordinal);

    /// <summary>Counts a message of <paramref name="function"/>. No allocation after its first one.</summary>
    internal static void CountFunction(Core.Counters counters, string function, long bytes)
    {
        var names = s_names.GetOrAdd(function, static name => (BytesOfFunction + name, MessagesOfFunction + name));
        counters.Add(names.Bytes, bytes);
        counters.Add(names.Messages);
    }
}
