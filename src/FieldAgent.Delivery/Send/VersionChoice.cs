using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <summary>Which MQTT version the next attempt uses: 5, until the broker shows that it does not speak it. One thread.</summary>
internal sealed class VersionChoice(CourierLimits limits)
{
    private int _closes;
    private int _attemptsOn311;
    private long _on311SinceNs;

    /// <summary>The version in use now.</summary>
    public MqttVersion Current { get; private set; } = MqttVersion.V5;

    /// <summary>The version of the attempt that begins at <paramref name="nowNs"/>.</summary>
    public MqttVersion Next(long nowNs)
    {
        if (Current == MqttVersion.V311
            && (++_attemptsOn311 > limits.RetryVersion5After || nowNs - _on311SinceNs >= limits.RetryVersion5Every.ToNs()))
        {
            Switch(MqttVersion.V5, nowNs);
        }

        return Current;
    }

    /// <summary>The attempt failed.</summary>
    /// <returns>True when the next one uses the other version, and need not wait.</returns>
    public bool Failed(LinkFaultKind kind, long nowNs)
    {
        // Lost before CONNACK: some brokers hang up on a version that they do not know.
        _closes = kind == LinkFaultKind.Lost ? _closes + 1 : 0;
        if (kind != LinkFaultKind.VersionRefused && _closes < limits.ClosesBeforeFallback)
        {
            return false;
        }

        var refused = kind == LinkFaultKind.VersionRefused;
        Switch(Current == MqttVersion.V5 ? MqttVersion.V311 : MqttVersion.V5, nowNs);
        return refused && Current == MqttVersion.V311;
    }

    /// <summary>The attempt succeeded.</summary>
    public void Succeeded() => _closes = 0;

    private void Switch(MqttVersion version, long nowNs)
    {
        Current = version;
        _closes = 0;
        _attemptsOn311 = 0;
        _on311SinceNs = nowNs;
    }
}
