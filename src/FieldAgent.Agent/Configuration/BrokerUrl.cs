using System.Net;

namespace FieldAgent.Agent.Configuration;

/// <summary>Address of a broker.</summary>
/// <param name="Host">Host name or address.</param>
/// <param name="Port">TCP port.</param>
/// <param name="IsTls">True for mqtts.</param>
internal sealed record BrokerUrl(string Host, int Port, bool IsTls)
{
    /// <summary>Reads <c>mqtts://host[:port]</c>, or <c>mqtt://host[:port]</c> for a broker on this board.</summary>
    public static bool TryParse(string text, out BrokerUrl broker, out string why)
    {
        broker = null!;
        why = "";
        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Scheme is not ("mqtt" or "mqtts") || uri.Host.Length == 0)
        {
            why = "must be mqtts://host[:port], or mqtt://localhost[:port] for a broker on this board";
            return false;
        }

        if (uri.UserInfo.Length > 0)
        {
            why = "must not hold a user name or password: use 'userName' and 'passwordFile'";
            return false;
        }

        if (uri.PathAndQuery is not ("/" or ""))
        {
            why = "must end after the port";
            return false;
        }

        var tls = uri.Scheme == "mqtts";
        var host = uri.DnsSafeHost;
        if (!tls && host != "localhost" && !(IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address)))
        {
            why = $"plaintext mqtt:// is only allowed to a broker on this board (localhost); write mqtts://{host}";
            return false;
        }

        broker = new BrokerUrl(host, uri.IsDefaultPort || uri.Port < 0 ? (tls ? 8883 : 1883) : uri.Port, tls);
        return true;
    }
}
