namespace FieldAgent.Core;

/// <summary>A broker endpoint that may receive data.</summary>
/// <param name="Name">Its name in policy and configuration.</param>
/// <param name="Link">How to reach it, without client id and will.</param>
/// <param name="Region">ISO 3166 code of where the data goes.</param>
/// <param name="CompressAboveBytes">Payloads larger than this go out brotli-compressed; <see cref="int.MaxValue"/>: none.</param>
/// <param name="WindowMax">Unacknowledged messages at most; the broker's receive maximum may lower it.</param>
public sealed record Recipient(string Name, LinkOptions Link, string Region, int CompressAboveBytes, int WindowMax)
{
    /// <summary>Bytes of readings and pictures that may be sent in a period; null: the network is not metered.</summary>
    public long? BudgetBytes { get; init; }

    /// <summary>The period is a calendar month; else a day.</summary>
    public bool BudgetPerMonth { get; init; }
}

/// <summary>What the courier of one recipient is doing, for <c>status</c>.</summary>
/// <param name="Recipient">Name.</param>
/// <param name="Phase"><c>connected</c>, <c>connecting</c>, <c>waiting</c>, <c>refused</c>, <c>stopped</c>.</param>
/// <param name="Detail">Last fault in a technician's words, or empty.</param>
/// <param name="RetryInSeconds">Seconds until the next attempt; 0 when connected.</param>
/// <param name="Acknowledged">Items acknowledged since the start.</param>
/// <param name="InFlight">Messages under way.</param>
/// <param name="Connects">Connections since the start.</param>
/// <param name="Version">MQTT version in use, or empty.</param>
public sealed record CourierState(
    string Recipient, string Phase, string Detail, double RetryInSeconds, long Acknowledged, int InFlight, int Connects, string Version);
