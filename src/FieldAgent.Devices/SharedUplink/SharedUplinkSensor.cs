using System.Net.Sockets;
using FieldAgent.Core;

namespace FieldAgent.Devices;

/// <summary>Listens, reads a few lines of each caller in turn, and leaves the rest where it is: a caller that is faster than the store waits
/// in its own write. One thread.</summary>
/// <param name="setup">Name and root.</param>
/// <param name="sources">Who may call.</param>
/// <param name="path">The socket.</param>
/// <param name="accept">Takes a caller; null: the kernel's.</param>
internal sealed class SharedUplinkSensor(
    SensorSetup setup, IReadOnlyList<UplinkSource> sources, string path, Func<Socket, Socket>? accept = null) : ISensor
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(500);

    /// <summary>How long nobody is let in after the process had no descriptor left for a caller, who waits at the socket meanwhile.</summary>
    private static readonly TimeSpan AcceptAgain = TimeSpan.FromSeconds(1);

    private readonly Func<Socket, Socket> _accept = accept ?? (static listener => listener.Accept());
    private long _acceptAtNs;
    private bool _isShut;

    private const UnixFileMode Everyone = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    /// <inheritdoc/>
    public string Name => setup.Name;

    /// <inheritdoc/>
    public IReadOnlyList<string> OpensFor { get; } = [.. sources.Select(static s => s.Field).Distinct()];

    /// <inheritdoc/>
    public void Run(ISensorHost host, CancellationToken stop)
    {
        using var listener = Listen();
        var callers = new List<UplinkCaller>();
        try
        {
            Describe(host, callers);
            (_acceptAtNs, _isShut) = (long.MinValue, false);
            var ready = new List<Socket>();
            while (!stop.IsCancellationRequested)
            {
                ready.Clear();
                if (host.Clock.BootNs >= _acceptAtNs)
                {
                    ready.Add(listener);
                }

                ready.AddRange(callers.Select(static c => c.Socket));
                if (ready.Count == 0)
                {
                    host.Clock.WaitUntil(_acceptAtNs, stop);
                    continue;
                }

                Socket.Select(ready, null, null, callers.Exists(static c => c.HasLine) ? TimeSpan.Zero : Look);

                // Programs that say nothing for long are no call that hangs.
                var isQuiet = ready.Count == 0;
                var wasShut = _isShut;
                if (ready.Remove(listener))
                {
                    Accept(listener, callers, host);
                }

                var before = callers.Count;
                for (var i = callers.Count - 1; i >= 0; i--)
                {
                    var caller = callers[i];
                    if (!(ready.Contains(caller.Socket) || caller.HasLine ? caller.Read(stop) : caller.IsInTime(host.Clock.BootNs)))
                    {
                        caller.Dispose();
                        callers.RemoveAt(i);
                    }
                }

                if (isQuiet || _isShut != wasShut || callers.Count != before || callers.Exists(static c => c.TakeIntroduced()))
                {
                    Describe(host, callers);
                }
            }
        }
        finally
        {
            callers.ForEach(static c => c.Dispose());
            File.Delete(path);
        }
    }

    private Socket Listen()
    {
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            File.Delete(path);
            listener.Bind(new UnixDomainSocketEndPoint(path));
            // The kernel's credentials decide, not the mode: programs run as users of their own.
            File.SetUnixFileMode(path, Everyone);
            listener.Listen(SharedUplinkLimits.CallersMax);
            return listener;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or SocketException or ArgumentException)
        {
            listener.Dispose();
            throw new SensorFault(
                e is UnauthorizedAccessException ? SensorFaultKind.Refused : SensorFaultKind.Io, path,
                "The socket cannot be made. Set runtimeDirectory to an existing folder that the agent may write.", e);
        }
    }

    private void Accept(Socket listener, List<UplinkCaller> callers, ISensorHost host)
    {
        Socket socket;
        try
        {
            socket = _accept(listener);
            _isShut = false;
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable)
        {
            // The caller stays in the queue, and the listener ready: looked at again at once, it would keep the processor busy.
            host.Skipped("no-descriptor");
            _acceptAtNs = host.Clock.BootNs + AcceptAgain.ToNs();
            _isShut = true;
            return;
        }
        catch (SocketException)
        {
            host.Skipped("broken-call");
            return;
        }

        if (callers.Count >= SharedUplinkLimits.CallersMax)
        {
            host.Skipped("too-many-callers");
            socket.Dispose();
            return;
        }

        callers.Add(new UplinkCaller(socket, setup, sources, host));
    }

    // The list of programs exists only here, and only while the function is on (R33).
    private void Describe(ISensorHost host, List<UplinkCaller> callers)
    {
        var names = callers.Select(static c => c.SourceName).OfType<string>().Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        var text = names.Count == 0 ? "no program is connected" : "connected: " + string.Join(", ", names);
        host.Describe(_isShut ? text + "; others wait, as the agent has no file descriptor left for them: look at the unit's LimitNOFILE" : text);
    }
}
