using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <summary>Numbers that stand for topics within one connection (MQTT 5, section 3.3.2.3.4). First come, first served, up to the
/// broker's maximum. No allocation but for the first message on a topic. One thread.</summary>
internal sealed class TopicAliases(int aliasMax)
{
    // By object: callers keep one for each topic that repeats.
    private readonly Dictionary<MqttTopic, ushort> _aliases = new(ReferenceEqualityComparer.Instance);

    /// <summary>The number for <paramref name="topic"/>; 0 when it has none and goes out by name alone.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="isKnown">True when the broker knows the number already: the name may be left out.</param>
    public ushort Find(MqttTopic topic, out bool isKnown)
    {
        isKnown = false;
        if (!topic.Repeats || aliasMax == 0)
        {
            return 0;
        }

        isKnown = _aliases.TryGetValue(topic, out var alias);
        return isKnown ? alias : _aliases.Count < aliasMax ? (ushort)(_aliases.Count + 1) : (ushort)0;
    }

    /// <summary>A message with the topic and <paramref name="alias"/> is on its way: from now on the broker knows the number.</summary>
    public void Sent(MqttTopic topic, ushort alias) => _aliases[topic] = alias;
}
