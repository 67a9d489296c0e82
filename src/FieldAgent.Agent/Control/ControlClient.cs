using System.Net.Sockets;
using System.Text.Json;
using FieldAgent.Agent.Status;

namespace FieldAgent.Agent.Control;

/// <summary>Calls a running agent through its control socket.</summary>
internal static class ControlClient
{
    private const int ReplyBytesMax = 4 << 20;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    // Erasing ends with a scan of the whole state folder.
    private static readonly TimeSpan ErasingLimit = TimeSpan.FromMinutes(10);

    /// <summary>Sends one request and waits for the answer: 10 s at most, or 10 min where something may have to be erased.</summary>
    public static ControlReply Call(string socketPath, ControlRequest request)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.SendTimeout = (int)Limit.TotalMilliseconds;
        socket.ReceiveTimeout = (int)(MayErase(request.Op) ? ErasingLimit : Limit).TotalMilliseconds;
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(socketPath));
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            return ControlReply.No(e is SocketException { SocketErrorCode: SocketError.AccessDenied }
                ? $"{socketPath}: access denied; run the command as root or as the agent's user"
                : $"{socketPath}: no agent answers there; is it running ('fieldagent run')?") with { NobodyThere = true, IsRefused = e is SocketException { SocketErrorCode: SocketError.AccessDenied } };
        }

        try
        {
            socket.Send(JsonSerializer.SerializeToUtf8Bytes(request, AgentJson.Default.ControlRequest));
            socket.Send("\n"u8);
            using var reply = new MemoryStream();
            var buffer = new byte[16384];
            int n;
            while ((n = socket.Receive(buffer)) > 0 && reply.Length < ReplyBytesMax)
            {
                reply.Write(buffer, 0, n);
            }

            return JsonSerializer.Deserialize(reply.ToArray(), AgentJson.Default.ControlReply) ?? ControlReply.No("the agent gave no answer");
        }
        catch (Exception e) when (e is SocketException or JsonException)
        {
            return ControlReply.No($"the agent gave no answer: {e.Message}");
        }
    }

    private static bool MayErase(string op) => op is "privacy-delete" or "privacy-close" or "identity-rotate" || op.StartsWith("consent-", StringComparison.Ordinal);
}
