using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <summary>The MQTT 5 properties of a publish, as the library's list. The list of the last content encoding and topic alias is
/// kept, so a run of messages with the same ones makes none; correlation data makes a new list each time. For one thread.</summary>
internal sealed unsafe class PublishProperties : IDisposable
{
    private const string EncodingName = "content-encoding";

    private string? _encoding;
    private bool _hasCorrelation;
    private ushort _topicAlias;
    private nint _list;

    /// <summary>Bytes of the list in a packet, without the length in front of it.</summary>
    public int Bytes { get; private set; }

    /// <summary>A list that the library copies; 0 when there is nothing to say. Valid until the next call.
    /// <paramref name="topicAlias"/> is 0 for none.</summary>
    public nint Get(in PublishOptions options, ushort topicAlias)
    {
        if (options.CorrelationData is null && !_hasCorrelation && topicAlias == _topicAlias
            && string.Equals(options.ContentEncoding, _encoding, StringComparison.Ordinal))
        {
            return _list;
        }

        Dispose();
        Bytes = PublishSize.OfProperties(topicAlias, options.ContentEncoding, options.CorrelationData);
        nint list = 0;
        if (topicAlias != 0)
        {
            _ = LibMosquitto.mosquitto_property_add_int16(&list, LibMosquitto.PropTopicAlias, topicAlias);
        }

        if (options.ContentEncoding is { } encoding)
        {
            _ = LibMosquitto.mosquitto_property_add_string_pair(&list, LibMosquitto.PropUserProperty, EncodingName, encoding);
        }

        if (options.CorrelationData is { } correlation)
        {
            fixed (byte* bytes = correlation)
            {
                _ = LibMosquitto.mosquitto_property_add_binary(
                    &list, LibMosquitto.PropCorrelationData, bytes, checked((ushort)correlation.Length));
            }
        }

        _topicAlias = topicAlias;
        _encoding = options.ContentEncoding;
        _hasCorrelation = options.CorrelationData is not null;
        _list = list;
        return list;
    }

    public void Dispose()
    {
        var list = _list;
        LibMosquitto.mosquitto_property_free_all(&list);
        _list = 0;
        Bytes = 0;
        _topicAlias = 0;
        _encoding = null;
        _hasCorrelation = false;
    }
}
