using System.Net;
using System.Text;
using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <summary>What can be told about a link's options before anything goes over the network.</summary>
internal static class LinkCheck
{
    /// <summary>Kind None when the options can be tried, else Misconfigured with the place and the remedy.</summary>
    public static LinkFault Check(LinkOptions options, LinkLimits limits) =>
        CheckValues(options, limits) is { } fault ? new LinkFault(LinkFaultKind.Misconfigured, fault)
        : options.Tls is { } tls && CheckTls(tls, limits) is { } fileFault ? new LinkFault(LinkFaultKind.Misconfigured, fileFault)
        : default;

    /// <summary>True for 127.0.0.0/8, ::1 and localhost: the only hosts that plaintext may go to.</summary>
    public static bool IsLoopback(string host) =>
        string.Equals(host, "localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));

    private static string? CheckValues(LinkOptions options, LinkLimits limits)
    {
        if (BadText(options.Host, limits) || options.Host.Length == 0)
        {
            return "host: name the broker's host";
        }

        if (options.Port is < 1 or > ushort.MaxValue)
        {
            return $"port: 1 to 65535, not {options.Port}";
        }

        if (options.Tls is null && !IsLoopback(options.Host))
        {
            return $"{Endpoint.Name(options)}: plaintext is refused to any host but this one; configure TLS";
        }

        if (options.ClientId.Length == 0 || BadText(options.ClientId, limits))
        {
            return "client id: it must not be empty or hold a zero character";
        }

        if ((options.UserName is { } user && BadText(user, limits)) || (options.Password is { } word && BadText(word, limits)))
        {
            return "user name, password: at most 65535 bytes, without a zero character";
        }

        if (options.Password is not null && options.UserName is null)
        {
            return "password: needs a user name beside it";
        }

        if (options.KeepAlive < limits.KeepAliveMin || options.KeepAlive.TotalSeconds > ushort.MaxValue)
        {
            return $"keep-alive: {limits.KeepAliveMin.TotalSeconds:0} to 65535 s, not {options.KeepAlive.TotalSeconds:0.#} s";
        }

        if (options.ReceiveMaximum is < 1 or > ushort.MaxValue)
        {
            return $"receive maximum: 1 to 65535, not {options.ReceiveMaximum}";
        }

        if (options.ConnectTimeout <= TimeSpan.Zero)
        {
            return "connect time-out: must be above 0";
        }

        return options.Will is { } will && (will.Topic.Length == 0 || BadText(will.Topic, limits) || will.Payload.Length > limits.TextBytesMax)
            ? "will: needs a topic and at most 65535 bytes of payload"
            : null;
    }

    private static bool BadText(string text, LinkLimits limits) =>
        text.Contains('\0', StringComparison.Ordinal) || Encoding.UTF8.GetByteCount(text) > limits.TextBytesMax;

    private static string? CheckTls(LinkTls tls, LinkLimits limits)
    {
        if (tls.CertificateFile is null != tls.KeyFile is null)
        {
            return "TLS: a client certificate and its key go together; name both or neither";
        }

        // One protocol, at most 254 bytes: what libmosquitto takes.
        if (tls.Alpn is { } alpn && (alpn.Length is 0 or > 254 || alpn.Contains('\0', StringComparison.Ordinal)))
        {
            return "TLS: ALPN must be 1 to 254 characters";
        }

        return (tls.CaFile is { } authorities ? CheckPem(authorities, "CERTIFICATE", "authorities (CA)", limits) : CheckSystemStore())
            ?? (tls.CertificateFile is { } certificate ? CheckPem(certificate, "CERTIFICATE", "client certificate", limits) : null)
            ?? (tls.KeyFile is { } key ? CheckPem(key, "PRIVATE KEY", "client key", limits) : null);
    }

    /// <summary>OpenSSL's folder of trusted authorities on Debian and its relatives.</summary>
    public const string SystemStore = "/etc/ssl/certs";

    private static string? CheckSystemStore() =>
        Directory.Exists(SystemStore) ? null : $"{SystemStore}: missing; install ca-certificates, or name a CA file";

    private static string? CheckPem(string path, string label, string what, LinkLimits limits)
    {
        if (path.Length == 0 || path.Contains('\0', StringComparison.Ordinal))
        {
            return $"{what}: name a file";
        }

        try
        {
            using var file = File.OpenRead(path);
            if (file.Length > limits.PemFileBytesMax)
            {
                return $"{path}: {file.Length} bytes, too large for the {what} ({limits.PemFileBytesMax} at most)";
            }

            var bytes = new byte[file.Length];
            try
            {
                file.ReadExactly(bytes);
                return bytes.AsSpan().IndexOf(Encoding.ASCII.GetBytes($"{label}-----")) >= 0
                    ? null
                    : $"{path}: holds no PEM '{label}'; it must be the {what} in PEM form";
            }
            finally
            {
                // It may have been a key.
                Array.Clear(bytes);
            }
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return $"{path}: the file of the {what} is missing; put it there or correct the path";
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException or NotSupportedException)
        {
            return $"{path}: the file of the {what} cannot be read; check its owner and mode";
        }
    }
}
