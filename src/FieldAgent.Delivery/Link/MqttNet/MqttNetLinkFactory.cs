using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <summary>Links over MQTTnet, which needs no native library. Compiled in with <c>-p:MqttClient=MQTTnet</c>. Thread-safe.</summary>
public sealed class MqttNetLinkFactory : ILinkFactory
{
    private readonly LinkLimits _limits;

    /// <summary>A factory with the usual limits.</summary>
    public MqttNetLinkFactory()
        : this(LinkLimits.Default)
    {
    }

    /// <summary>A factory with limits of its own.</summary>
    /// <param name="limits">Limits of every link it makes.</param>
    public MqttNetLinkFactory(LinkLimits limits) => _limits = limits;

    /// <inheritdoc/>
    public string Library => $"MQTTnet {typeof(MQTTnet.MqttClientOptions).Assembly.GetName().Version}";

    /// <inheritdoc/>
    public ILink Create() => new MqttNetLink(_limits);
}
