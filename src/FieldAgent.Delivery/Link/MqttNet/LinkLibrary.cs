using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <summary>The MQTT client that this program was built with.</summary>
public static class LinkLibrary
{
    /// <summary>A factory of its links.</summary>
    public static ILinkFactory CreateFactory() => new MqttNetLinkFactory();
}
