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
}
