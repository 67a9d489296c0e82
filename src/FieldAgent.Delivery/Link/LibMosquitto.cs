using System.Runtime.InteropServices;

namespace FieldAgent.Delivery;

/// <summary>The part of libmosquitto's C interface (<c>mosquitto.h</c> 2.0) that the link uses. C's <c>bool</c> is one byte.
/// A handle belongs to one thread at a time; none of these calls locks for us.</summary>
internal static unsafe partial class LibMosquitto
{
    private const string File = "libmosquitto.so.1";

    private static readonly Lazy<LoadedLibrary> _loaded = new(Load);

    /// <summary>Whether the library is there, and which version.</summary>
    public static LoadedLibrary Loaded => _loaded.Value;

    private static LoadedLibrary Load()
    {
        try
        {
            if (mosquitto_lib_init() != Success)
            {
                return new LoadedLibrary(null, $"{File} does not initialise", 0);
            }

            int major, minor, revision;
            _ = mosquitto_lib_version(&major, &minor, &revision);

            // Asked through libmosquitto's own handle, so that it is the OpenSSL that libmosquitto is linked to.
            nint verifyResult = 0;
            if (NativeLibrary.TryLoad(File, typeof(LibMosquitto).Assembly, null, out var library)
                && NativeLibrary.TryGetExport(library, "SSL_get_verify_result", out var function))
            {
                verifyResult = function;
            }

            return new LoadedLibrary($"{major}.{minor}.{revision}", "", verifyResult);
        }
        catch (DllNotFoundException)
        {
            return new LoadedLibrary(null, $"{File} not found; install libmosquitto1", 0);
        }
        catch (EntryPointNotFoundException)
        {
            return new LoadedLibrary(null, $"{File} is older than 1.6, which has no MQTT 5; install libmosquitto1 2.0 or newer", 0);
        }
        catch (BadImageFormatException)
        {
            return new LoadedLibrary(null, $"{File} is for another processor; install libmosquitto1 of this system's architecture", 0);
        }
    }

    /// <summary>What came of loading the library.</summary>
    /// <param name="Version">Version such as <c>2.0.11</c>; null when it could not be loaded.</param>
    /// <param name="Problem">Why not, and the remedy; empty when loaded.</param>
    /// <param name="SslGetVerifyResult">Address of OpenSSL's function of that name, or 0.</param>
    public sealed record LoadedLibrary(string? Version, string Problem, nint SslGetVerifyResult)
    {
        /// <summary>OpenSSL's <c>X509_V_ERR_*</c> of the connection's certificate check; 0 when it passed or is not known.</summary>
        public int VerifyResult(nint mosq)
        {
            var ssl = SslGetVerifyResult == 0 ? 0 : mosquitto_ssl_get(mosq);
            return ssl == 0 ? 0 : (int)((delegate* unmanaged<nint, nint>)SslGetVerifyResult)(ssl);
        }
    }

    // Return codes (enum mosq_err_t).
    public const int Success = 0;
    public const int OutOfMemory = 1;
    public const int Protocol = 2;
    public const int Invalid = 3;
    public const int NoConnection = 4;
    public const int ConnectionRefused = 5;
    public const int Tls = 8;
    public const int PayloadSize = 9;
    public const int Errno = 14;
    public const int NameLookup = 15;
    public const int MalformedUtf8 = 18;
    public const int KeepAlive = 19;
    public const int MalformedPacket = 21;
    public const int OversizePacket = 25;

    // Options (enum mosq_opt_t) and values.
    public const int OptProtocolVersion = 1;
    public const int OptReceiveMaximum = 4;
    public const int OptSendMaximum = 5;
    public const int OptTlsAlpn = 10;
    public const int OptTcpNoDelay = 11;
    public const int OptTlsUseOsCerts = 13;
    public const int VerifyPeer = 1;
    public const int LogError = 8;

    // MQTT 5 properties (section 2.2.2.2 of the standard).
    public const int PropMessageExpiry = 2;
    public const int PropResponseTopic = 8;
    public const int PropCorrelationData = 9;
    public const int PropSessionExpiry = 17;
    public const int PropServerKeepAlive = 19;
    public const int PropWillDelay = 24;
    public const int PropReceiveMaximum = 33;
    public const int PropTopicAliasMaximum = 34;
    public const int PropTopicAlias = 35;
    public const int PropMaximumQos = 36;
    public const int PropUserProperty = 38;
    public const int PropMaximumPacketSize = 39;

    /// <summary><c>struct mosquitto_message</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Message
    {
        public int MessageId;
        public byte* Topic;
        public byte* Payload;
        public int PayloadLength;
        public int Qos;
        public byte Retain;
    }

    [LibraryImport(File)]
    private static partial int mosquitto_lib_init();

    [LibraryImport(File)]
    private static partial int mosquitto_lib_version(int* major, int* minor, int* revision);

    [LibraryImport(File, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint mosquitto_new(string id, byte cleanStart, nint userData);

    [LibraryImport(File)]
    public static partial void mosquitto_destroy(nint mosq);

    [LibraryImport(File, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int mosquitto_username_pw_set(nint mosq, string? userName, string? password);

    [LibraryImport(File, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int mosquitto_will_set_v5(
        nint mosq, string topic, int payloadLength, byte* payload, int qos, byte retain, nint properties);

    [LibraryImport(File)]
    public static partial int mosquitto_int_option(nint mosq, int option, int value);

    [LibraryImport(File, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int mosquitto_string_option(nint mosq, int option, string value);

    [LibraryImport(File, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int mosquitto_tls_set(
        nint mosq, string? caFile, string? caPath, string? certFile, string? keyFile,
        delegate* unmanaged<byte*, int, int, nint, int> password);

    [LibraryImport(File, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int mosquitto_tls_opts_set(nint mosq, int verify, string tlsVersion, string? ciphers);

    [LibraryImport(File)]
    private static partial nint mosquitto_ssl_get(nint mosq);

    [LibraryImport(File, StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    public static partial int mosquitto_connect_bind_v5(
        nint mosq, string host, int port, int keepAliveSeconds, string? bindAddress, nint properties);

    [LibraryImport(File)]
    public static partial int mosquitto_disconnect_v5(nint mosq, int reason, nint properties);

    [LibraryImport(File, SetLastError = true)]
    public static partial int mosquitto_publish_v5(
        nint mosq, int* messageId, byte* topic, int payloadLength, byte* payload, int qos, byte retain, nint properties);

    [LibraryImport(File, StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    public static partial int mosquitto_subscribe_v5(
        nint mosq, int* messageId, string filter, int qos, int options, nint properties);

    [LibraryImport(File, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int mosquitto_unsubscribe_v5(nint mosq, int* messageId, string filter, nint properties);

    [SuppressGCTransition]
    [LibraryImport(File)]
    public static partial int mosquitto_socket(nint mosq);

    [SuppressGCTransition]
    [LibraryImport(File)]
    public static partial byte mosquitto_want_write(nint mosq);

    [LibraryImport(File, SetLastError = true)]
    public static partial int mosquitto_loop_read(nint mosq, int packetsMax);

    [LibraryImport(File, SetLastError = true)]
    public static partial int mosquitto_loop_write(nint mosq, int packetsMax);

    [LibraryImport(File, SetLastError = true)]
    public static partial int mosquitto_loop_misc(nint mosq);

    [LibraryImport(File)]
    public static partial void mosquitto_connect_v5_callback_set(
        nint mosq, delegate* unmanaged<nint, nint, int, int, nint, void> callback);

    [LibraryImport(File)]
    public static partial void mosquitto_disconnect_v5_callback_set(
        nint mosq, delegate* unmanaged<nint, nint, int, nint, void> callback);

    [LibraryImport(File)]
    public static partial void mosquitto_publish_v5_callback_set(
        nint mosq, delegate* unmanaged<nint, nint, int, int, nint, void> callback);

    [LibraryImport(File)]
    public static partial void mosquitto_message_v5_callback_set(
        nint mosq, delegate* unmanaged<nint, nint, Message*, nint, void> callback);

    [LibraryImport(File)]
    public static partial void mosquitto_subscribe_v5_callback_set(
        nint mosq, delegate* unmanaged<nint, nint, int, int, int*, nint, void> callback);

    [LibraryImport(File)]
    public static partial void mosquitto_log_callback_set(
        nint mosq, delegate* unmanaged<nint, nint, int, byte*, void> callback);

    [LibraryImport(File)]
    public static partial int mosquitto_property_add_int16(nint* list, int identifier, ushort value);

    [LibraryImport(File)]
    public static partial int mosquitto_property_add_int32(nint* list, int identifier, uint value);

    [LibraryImport(File)]
    public static partial int mosquitto_property_add_binary(nint* list, int identifier, byte* value, ushort length);

    [LibraryImport(File, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int mosquitto_property_add_string_pair(nint* list, int identifier, string name, string value);

    [LibraryImport(File)]
    public static partial void mosquitto_property_free_all(nint* list);

    [LibraryImport(File)]
    public static partial nint mosquitto_property_read_byte(nint list, int identifier, byte* value, byte skipFirst);

    [LibraryImport(File)]
    public static partial nint mosquitto_property_read_int16(nint list, int identifier, ushort* value, byte skipFirst);

    [LibraryImport(File)]
    public static partial nint mosquitto_property_read_int32(nint list, int identifier, uint* value, byte skipFirst);

    [LibraryImport(File)]
    public static partial nint mosquitto_property_read_string(nint list, int identifier, byte** value, byte skipFirst);

    [LibraryImport(File)]
    public static partial nint mosquitto_property_read_binary(
        nint list, int identifier, byte** value, ushort* length, byte skipFirst);

    [LibraryImport(File)]
    public static partial nint mosquitto_property_read_string_pair(
        nint list, int identifier, byte** name, byte** value, byte skipFirst);
}
