using System.Runtime.InteropServices;
using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <summary>A <c>struct mosquitto</c> for one connection, with what must live as long as it: the callbacks' way back, and the
/// CONNECT properties. Never reused: the library resends what it finds in an old one. One thread at a time.</summary>
internal sealed unsafe class MosquittoHandle : IDisposable
{
    private GCHandle<IMosquittoCallbacks> _self;

    private MosquittoHandle()
    {
    }

    /// <summary>The native handle; 0 when disposed.</summary>
    public nint Mosq { get; private set; }

    /// <summary>Properties of CONNECT; 0 on MQTT 3.1.1.</summary>
    public nint ConnectProperties { get; private set; }

    /// <summary>Makes a handle with everything set but the connection.</summary>
    /// <returns>Null when made, else what is wrong.</returns>
    public static string? Create(LinkOptions options, LinkLimits limits, IMosquittoCallbacks callbacks, out MosquittoHandle handle)
    {
        handle = new MosquittoHandle { _self = new GCHandle<IMosquittoCallbacks>(callbacks) };
        handle.Mosq = LibMosquitto.mosquitto_new(
            options.ClientId, options.CleanStart ? (byte)1 : (byte)0, GCHandle<IMosquittoCallbacks>.ToIntPtr(handle._self));
        if (handle.Mosq == 0)
        {
            handle.Dispose();
            return "client id: not accepted by libmosquitto";
        }

        var problem = handle.SetUp(options, limits);
        if (problem is not null)
        {
            handle.Dispose();
        }

        return problem;
    }

    private string? SetUp(LinkOptions options, LinkLimits limits)
    {
        var isV5 = options.Version == MqttVersion.V5;

        // The version first: will and properties are checked against it.
        var ok = LibMosquitto.mosquitto_int_option(Mosq, LibMosquitto.OptProtocolVersion, (int)options.Version) == 0
            && LibMosquitto.mosquitto_int_option(Mosq, LibMosquitto.OptReceiveMaximum, options.ReceiveMaximum) == 0
            // The library's own window is opened wide: the broker's receive maximum overwrites it anyway, and the link keeps count.
            && LibMosquitto.mosquitto_int_option(Mosq, LibMosquitto.OptSendMaximum, ushort.MaxValue) == 0
            && LibMosquitto.mosquitto_int_option(Mosq, LibMosquitto.OptTcpNoDelay, 1) == 0;
        if (!ok)
        {
            return "libmosquitto refuses the version or the receive maximum";
        }

        if (options.UserName is not null
            && LibMosquitto.mosquitto_username_pw_set(Mosq, options.UserName, options.Password) != 0)
        {
            return "user name: not accepted by libmosquitto";
        }

        if (isV5)
        {
            nint properties = 0;
            _ = LibMosquitto.mosquitto_property_add_int32(
                &properties, LibMosquitto.PropSessionExpiry, Seconds(options.SessionExpiry));
            _ = LibMosquitto.mosquitto_property_add_int32(
                &properties, LibMosquitto.PropMaximumPacketSize, (uint)limits.InboundPacketBytesMax);
            ConnectProperties = properties;
        }

        SetCallbacks();
        return SetWill(options.Will, isV5) ?? SetTls(options.Tls);
    }

    private string? SetWill(LinkWill? will, bool isV5)
    {
        if (will is null)
        {
            return null;
        }

        nint properties = 0;
        if (isV5 && will.Delay > TimeSpan.Zero)
        {
            _ = LibMosquitto.mosquitto_property_add_int32(&properties, LibMosquitto.PropWillDelay, Seconds(will.Delay));
        }

        int result;
        fixed (byte* payload = will.Payload)
        {
            result = LibMosquitto.mosquitto_will_set_v5(
                Mosq, will.Topic, will.Payload.Length, payload, 1, will.Retain ? (byte)1 : (byte)0, properties);
        }

        if (result == 0)
        {
            // The library has taken the properties over.
            return null;
        }

        LibMosquitto.mosquitto_property_free_all(&properties);
        return "will: its topic is not accepted by libmosquitto";
    }

    private string? SetTls(LinkTls? tls)
    {
        if (tls is null)
        {
            return null;
        }

        // Asked for by name although both are the library's defaults: nothing weaker may come from a default that changes.
        if (LibMosquitto.mosquitto_tls_opts_set(Mosq, LibMosquitto.VerifyPeer, "tlsv1.2", null) != 0)
        {
            return "TLS: libmosquitto does not support it";
        }

        if (tls.CaFile is null && LibMosquitto.mosquitto_int_option(Mosq, LibMosquitto.OptTlsUseOsCerts, 1) != 0)
        {
            return "TLS: libmosquitto cannot use the system's authorities; name a CA file";
        }

        if (LibMosquitto.mosquitto_tls_set(
                Mosq, tls.CaFile, tls.CaFile is null ? LinkCheck.SystemStore : null, tls.CertificateFile, tls.KeyFile,
                &NoPassPhrase) != 0)
        {
            return "TLS: the files of authorities, certificate or key cannot be opened";
        }

        return tls.Alpn is { } alpn && LibMosquitto.mosquitto_string_option(Mosq, LibMosquitto.OptTlsAlpn, alpn) != 0
            ? "TLS: ALPN is not accepted by libmosquitto"
            : null;
    }

    private void SetCallbacks()
    {
        LibMosquitto.mosquitto_connect_v5_callback_set(Mosq, &OnConnect);
        LibMosquitto.mosquitto_disconnect_v5_callback_set(Mosq, &OnDisconnect);
        LibMosquitto.mosquitto_publish_v5_callback_set(Mosq, &OnPublish);
        LibMosquitto.mosquitto_message_v5_callback_set(Mosq, &OnMessage);
        LibMosquitto.mosquitto_subscribe_v5_callback_set(Mosq, &OnSubscribe);
        LibMosquitto.mosquitto_log_callback_set(Mosq, &OnLog);
    }

    /// <summary>Ends logging: with a log callback the library formats a line for every packet.</summary>
    public void StopLog() => LibMosquitto.mosquitto_log_callback_set(Mosq, null);

    /// <summary>Closes the socket (without saying goodbye) and frees everything. Not from a callback.</summary>
    public void Dispose()
    {
        if (Mosq != 0)
        {
            LibMosquitto.mosquitto_destroy(Mosq);
            Mosq = 0;
        }

        var properties = ConnectProperties;
        LibMosquitto.mosquitto_property_free_all(&properties);
        ConnectProperties = properties;
        if (_self.IsAllocated)
        {
            _self.Dispose();
        }
    }

    /// <summary>Whole seconds as MQTT counts them: 4 294 967 295 is "for ever".</summary>
    private static uint Seconds(TimeSpan span) =>
        span.TotalSeconds >= uint.MaxValue ? uint.MaxValue : (uint)Math.Max(0, Math.Ceiling(span.TotalSeconds));

    private static IMosquittoCallbacks Target(nint self) => GCHandle<IMosquittoCallbacks>.FromIntPtr(self).Target;

    // An encrypted key would otherwise make OpenSSL ask on the terminal, and wait.
    [UnmanagedCallersOnly]
    private static int NoPassPhrase(byte* buffer, int size, int isWrite, nint mosq) => 0;

    [UnmanagedCallersOnly]
    private static void OnConnect(nint mosq, nint self, int reason, int flags, nint properties) =>
        Target(self).OnConnect(reason, flags, properties);

    [UnmanagedCallersOnly]
    private static void OnDisconnect(nint mosq, nint self, int reason, nint properties) =>
        Target(self).OnDisconnect(reason, Marshal.GetLastSystemError());

    [UnmanagedCallersOnly]
    private static void OnPublish(nint mosq, nint self, int messageId, int reason, nint properties) =>
        Target(self).OnPublish(messageId, reason);

    [UnmanagedCallersOnly]
    private static void OnMessage(nint mosq, nint self, LibMosquitto.Message* message, nint properties) =>
        Target(self).OnMessage(message, properties);

    [UnmanagedCallersOnly]
    private static void OnSubscribe(nint mosq, nint self, int messageId, int count, int* granted, nint properties) =>
        Target(self).OnSubscribe(messageId, count > 0 ? *granted : 0x80);

    [UnmanagedCallersOnly]
    private static void OnLog(nint mosq, nint self, int level, byte* text)
    {
        if (level == LibMosquitto.LogError)
        {
            // Now, while the TLS connection still exists: after a failure the library frees it at once.
            Target(self).OnLogError(text, LibMosquitto.Loaded.VerifyResult(mosq));
        }
    }
}

/// <summary>Where the library's callbacks go. They come within a call to the library, on the thread that makes it, and must not
/// throw.</summary>
internal unsafe interface IMosquittoCallbacks
{
    /// <summary>CONNACK. Properties die on return.</summary>
    void OnConnect(int reason, int flags, nint properties);

    /// <summary>The connection is closed.</summary>
    void OnDisconnect(int reason, int errno);

    /// <summary>PUBACK.</summary>
    void OnPublish(int messageId, int reason);

    /// <summary>PUBLISH from the broker. Message and properties die on return.</summary>
    void OnMessage(LibMosquitto.Message* message, nint properties);

    /// <summary>SUBACK with its first code.</summary>
    void OnSubscribe(int messageId, int reason);

    /// <summary>An error line, and OpenSSL's verification result with it. During the connect only; may come on its thread.</summary>
    void OnLogError(byte* text, int verifyResult);
}
