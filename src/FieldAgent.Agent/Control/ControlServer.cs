using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using FieldAgent.Agent.Status;
using FieldAgent.Core;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FieldAgent.Agent.Control;

/// <summary>The control socket: a Unix socket in the runtime folder. The kernel's SO_PEERCRED and SO_PEERGROUPS say who calls (R56), and
/// <paramref name="access"/> what that caller may do (R109).</summary>
internal sealed partial class ControlServer(
    string path, Func<ControlRequest, ControlRole?, ControlReply> handle, ControlAccess access, Counters counters, ILogger<ControlServer> log)
    : BackgroundService
{
    /// <summary>A request is one line, the longest has a policy in it; more is an error or an attack.</summary>
    public const int RequestBytesMax = 128 * 1024;

    // An ordinary request.
    private const int RequestBytes = 4096;

    private const int CallersMax = 8;
    private static readonly TimeSpan CallerTime = TimeSpan.FromSeconds(10);

    /// <summary>A board that is short of descriptors or memory may have some again by then.</summary>
    private static readonly TimeSpan AcceptAgain = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _callers = new(CallersMax);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var listener = Listen();
        if (listener is null)
        {
            return;
        }

        try
        {
            while (!stoppingToken.IsCancellationRequested)
            {
                await _callers.WaitAsync(stoppingToken);
                if (await AcceptAsync(listener, stoppingToken) is { } caller)
                {
                    _ = ServeAsync(caller, stoppingToken);
                }
                else
                {
                    _callers.Release();
                    await Task.Delay(AcceptAgain, stoppingToken);
                }
            }
        }
        catch (OperationCanceledException)
        {
        }
        finally
        {
            File.Delete(path);
        }
    }

    private Socket? Listen()
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            // Under its name only when it listens: who finds it there is never told that nobody runs.
            var unfinished = Path.ChangeExtension(path, ".new");
            File.Delete(unfinished);
            var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            listener.Bind(new UnixDomainSocketEndPoint(unfinished));
            access.Protect(unfinished);
            listener.Listen(CallersMax);
            File.Move(unfinished, path, overwrite: true);
            return listener;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or SocketException or ArgumentException)
        {
            // The agent's work does not depend on it.
            LogNoSocket(path, e.Message);
            return null;
        }
    }

    // The agent's work does not depend on it: who cannot be let in now is let in later.
    private async Task<Socket?> AcceptAsync(Socket listener, CancellationToken stop)
    {
        try
        {
            return await listener.AcceptAsync(stop);
        }
        catch (SocketException)
        {
            counters.Add("control.failed-accepts");
            return null;
        }
    }

    private async Task ServeAsync(Socket caller, CancellationToken stop)
    {
        try
        {
            using (caller)
            {
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
                limit.CancelAfter(CallerTime);
                // Read in any case: a socket closed with something unread is reset, and the caller would not see why.
                var line = await ReadLineAsync(caller, limit.Token);
                var role = access.RoleOf(access.PeerOf(caller));
                // On a thread of its own: an erasure takes minutes, and others may call meanwhile.
                var reply = await Task.Factory.StartNew(
                    () => role is { } has ? Handle(line, has) : handle(new ControlRequest(""), null),
                    CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
                await ReplyAsync(caller, reply, stop);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or IOException or ObjectDisposedException)
        {
            counters.Add("control.broken-calls");
        }
        finally
        {
            _callers.Release();
        }
    }

    private ControlReply Handle(string line, ControlRole role)
    {
        try
        {
            var request = JsonSerializer.Deserialize(line, AgentJson.Default.ControlRequest);
            return request is null ? ControlReply.No("empty request") : handle(request, role);
        }
        catch (JsonException)
        {
            return ControlReply.No("the request is not valid JSON");
        }
        catch (StoreFault fault)
        {
            return ControlReply.No(fault.Message);
        }
    }

    private static async Task<string> ReadLineAsync(Socket caller, CancellationToken stop)
    {
        var buffer = new byte[RequestBytes];
        var length = 0;
        while (length < RequestBytesMax)
        {
            if (length == buffer.Length)
            {
                Array.Resize(ref buffer, Math.Min(RequestBytesMax, buffer.Length * 4));
            }

            var n = await caller.ReceiveAsync(buffer.AsMemory(length), stop);
            if (n == 0)
            {
                break;
            }

            length += n;
            if (buffer.AsSpan(0, length).Contains((byte)'\n'))
            {
                break;
            }
        }

        return Encoding.UTF8.GetString(buffer, 0, length);
    }

    private static async Task ReplyAsync(Socket caller, ControlReply reply, CancellationToken stop)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(reply, AgentJson.Default.ControlReply);
        await caller.SendAsync(bytes, stop);
        await caller.SendAsync("\n"u8.ToArray(), stop);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "No control socket at {Path}: {Why}. 'fieldagent status' will not work; set runtimeDirectory to a folder the agent may write.")]
    private partial void LogNoSocket(string path, string why);
}
