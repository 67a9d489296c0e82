using System.Runtime.InteropServices;
using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <content>What the library calls. All of it on the owner's thread, but for the error lines of the connect.</content>
internal sealed unsafe partial class MosquittoLink : IMosquittoCallbacks
{
    private const int ErrorLinesMax = 16;

    private readonly List<string> _errorLines = [];
    private readonly TextCache _texts = new();
    private readonly PublishProperties _publishProperties = new();

    private int _verifyResult;
    private int? _connackReason;
    private byte _maximumQos = 2;
    private int _subscribeId;
    private int? _subscribeReason;

    void IMosquittoCallbacks.OnConnect(int reason, int flags, nint properties)
    {
        _eventCount++;
        _connackReason = reason;
        if (reason != 0)
        {
            _session.Fail(MqttReasons.FromConnack(reason, _session.Broker));
            return;
        }

        _session.NoteSession((flags & 1) != 0);
        if (properties == 0)
        {
            return;
        }

        ushort receiveMaximum = 0;
        uint packetBytesMax = 0;
        ushort topicAliases = 0;
        _ = LibMosquitto.mosquitto_property_read_int16(properties, LibMosquitto.PropReceiveMaximum, &receiveMaximum, 0);
        _ = LibMosquitto.mosquitto_property_read_int32(properties, LibMosquitto.PropMaximumPacketSize, &packetBytesMax, 0);
        _ = LibMosquitto.mosquitto_property_read_int16(properties, LibMosquitto.PropTopicAliasMaximum, &topicAliases, 0);
        _session.NoteGrant(receiveMaximum, packetBytesMax, Math.Min(topicAliases, _limits.TopicAliasesMax));

        ushort keepAlive;
        if (LibMosquitto.mosquitto_property_read_int16(properties, LibMosquitto.PropServerKeepAlive, &keepAlive, 0) != 0
            && keepAlive > 0)
        {
            SetKeepAlive(TimeSpan.FromSeconds(keepAlive));
        }

        byte maximumQos;
        if (LibMosquitto.mosquitto_property_read_byte(properties, LibMosquitto.PropMaximumQos, &maximumQos, 0) != 0)
        {
            _maximumQos = maximumQos;
        }
    }

    void IMosquittoCallbacks.OnDisconnect(int reason, int errno)
    {
        _eventCount++;
        _errno = errno;
        _session.Fail(MqttReasons.FromLibrary(reason, errno, _session.Broker));
    }

    void IMosquittoCallbacks.OnPublish(int messageId, int reason)
    {
        _eventCount++;
        _inFlight--;
        if (_isDeferring)
        {
            _deferred.AddAcknowledged(messageId, reason);
            return;
        }

        if (_session.IsDisposed)
        {
            return;
        }

        try
        {
            _session.Events.OnAcknowledged(messageId, reason);
        }
        catch (Exception e)
        {
            _session.Keep(e);
        }
    }

    void IMosquittoCallbacks.OnMessage(LibMosquitto.Message* message, nint properties)
    {
        _eventCount++;
        if (_session.IsDisposed)
        {
            return;
        }

        byte* correlation = null;
        try
        {
            ushort correlationLength = 0;
            string? responseTopic = null;
            string? encoding = null;
            uint? expirySeconds = null;
            if (properties != 0)
            {
                responseTopic = ReadText(properties, LibMosquitto.PropResponseTopic);
                encoding = ReadContentEncoding(properties);
                uint seconds;
                if (LibMosquitto.mosquitto_property_read_int32(properties, LibMosquitto.PropMessageExpiry, &seconds, 0) != 0)
                {
                    expirySeconds = seconds;
                }

                _ = LibMosquitto.mosquitto_property_read_binary(
                    properties, LibMosquitto.PropCorrelationData, &correlation, &correlationLength, 0);
            }

            var told = new LinkMessage
            {
                Topic = _texts.Get(message->Topic),
                Payload = new ReadOnlySpan<byte>(message->Payload, message->PayloadLength),
                ResponseTopic = responseTopic,
                CorrelationData = new ReadOnlySpan<byte>(correlation, correlation is null ? 0 : correlationLength),
                ContentEncoding = encoding,
                ExpirySeconds = expirySeconds,
                Retained = message->Retain != 0,
            };
            if (_isDeferring)
            {
                _deferred.AddMessage(told);
            }
            else
            {
                _session.Events.OnMessage(told);
            }
        }
        catch (Exception e)
        {
            _session.Keep(e);
        }
        finally
        {
            NativeMemory.Free(correlation);
        }
    }

    void IMosquittoCallbacks.OnSubscribe(int messageId, int reason)
    {
        _eventCount++;
        if (messageId == _subscribeId)
        {
            _subscribeReason = reason;
        }
    }

    void IMosquittoCallbacks.OnLogError(byte* text, int verifyResult)
    {
        _verifyResult = verifyResult != 0 ? verifyResult : _verifyResult;
        if (_errorLines.Count < ErrorLinesMax && Marshal.PtrToStringUTF8((nint)text) is { } line)
        {
            _errorLines.Add(line.TrimEnd());
        }
    }

    private string? ReadText(nint properties, int identifier)
    {
        byte* copy = null;
        if (LibMosquitto.mosquitto_property_read_string(properties, identifier, &copy, 0) == 0 || copy is null)
        {
            return null;
        }

        var text = _texts.Get(copy);
        NativeMemory.Free(copy);
        return text;
    }

    private string? ReadContentEncoding(nint properties)
    {
        string? found = null;
        var at = properties;
        for (var i = 0; i < _limits.UserPropertiesMax && found is null; i++)
        {
            byte* name = null;
            byte* value = null;
            at = LibMosquitto.mosquitto_property_read_string_pair(
                at, LibMosquitto.PropUserProperty, &name, &value, i == 0 ? (byte)0 : (byte)1);
            if (at == 0)
            {
                break;
            }

            if (MemoryMarshal.CreateReadOnlySpanFromNullTerminated(name).SequenceEqual("content-encoding"u8))
            {
                found = _texts.Get(value);
            }

            NativeMemory.Free(name);
            NativeMemory.Free(value);
        }

        return found;
    }
}
