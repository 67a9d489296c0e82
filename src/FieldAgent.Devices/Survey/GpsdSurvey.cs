using System.Net.Sockets;
using FieldAgent.Core;
using FieldAgent.Devices.Gnss;

namespace FieldAgent.Devices;

/// <summary>What a look at gpsd gave. Never a position.</summary>
/// <param name="Trouble">Why there is no connection, or empty.</param>
/// <param name="HasReport">A report of a receiver came.</param>
/// <param name="HasFix">The receiver has a fix.</param>
/// <param name="Satellites">Satellites used, −1 when not said.</param>
public sealed record GpsdLook(string Trouble, bool HasReport, bool HasFix, int Satellites);

/// <summary>Asks gpsd once.</summary>
public static class GpsdSurvey
{
    private const int LookMicroseconds = 250_000;

    private static readonly TimeSpan ConnectWithin = TimeSpan.FromSeconds(2);

    /// <summary>Splits <c>host:port</c> as the configuration writes it; false when it is neither.</summary>
    public static bool TrySplit(string text, out string host, out int port) => GnssKind.TryHostPort(text, out host, out port);

    /// <summary>Connects and waits for the first report. Blocks at most two seconds and <paramref name="patience"/>.</summary>
    /// <param name="host">Name or address.</param>
    /// <param name="port">Port, usually 2947.</param>
    /// <param name="patience">How long to wait for a report: receivers report once a second. Zero: none is asked for.</param>
    /// <param name="clock">Measures the patience.</param>
    public static GpsdLook Look(string host, int port, TimeSpan patience, IClock clock)
    {
        try
        {
            using var limit = new CancellationTokenSource(ConnectWithin);
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            socket.ConnectAsync(host, port, limit.Token).AsTask().GetAwaiter().GetResult();
            if (patience <= TimeSpan.Zero)
            {
                return new GpsdLook("", false, false, -1);
            }

            socket.Send("?WATCH={\"enable\":true,\"json\":true};\n"u8);
            return Listen(socket, patience, clock);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ArgumentException)
        {
            return new GpsdLook("gpsd does not answer", false, false, -1);
        }
    }

    private static GpsdLook Listen(Socket socket, TimeSpan patience, IClock clock)
    {
        var reader = new GpsdReader();
        var buffer = new byte[4096];
        var until = clock.BootNs + patience.ToNs();
        var (reported, satellites) = (false, -1);
        while (clock.BootNs < until)
        {
            if (!socket.Poll(LookMicroseconds, SelectMode.SelectRead))
            {
                continue;
            }

            var read = socket.Receive(buffer);
            if (read == 0)
            {
                break;
            }

            ReadOnlySpan<byte> data = buffer.AsSpan(0, read);
            while (reader.TryRead(ref data, out var fix))
            {
                reported = true;
                satellites = Math.Max(satellites, fix.Satellites);
                if (fix.HasPosition)
                {
                    return new GpsdLook("", true, true, satellites);
                }
            }
        }

        return new GpsdLook("", reported, false, satellites);
    }
}
