using System.Net.Sockets;
using FieldAgent.Core;
using FieldAgent.Devices.Linux;

namespace FieldAgent.Devices.Gnss;

/// <summary>Reads gpsd's JSON over TCP. Source: gpsd_json(5), gpsd client how-to.</summary>
internal static class GpsdSource
{
    private const int TickMicroseconds = 1_000_000;

    private static ReadOnlySpan<byte> Watch => "?WATCH={\"enable\":true,\"json\":true};\n"u8;

    /// <summary>Reads until <paramref name="stop"/>.</summary>
    /// <param name="host">Name or address.</param>
    /// <param name="port">Port, usually 2947.</param>
    /// <param name="clock">The agent's clock.</param>
    /// <param name="publisher">Gets the fixes.</param>
    /// <param name="stop">Ends the reading at once.</param>
    /// <exception cref="SensorFault">gpsd does not answer, refuses or closes the connection.</exception>
    public static void Run(string host, int port, IClock clock, FixPublisher publisher, CancellationToken stop)
    {
        var place = $"{host}:{port}";
        using var socket = Connect(host, port, place, stop);
        if (socket is null)
        {
            return;
        }

        using var closing = stop.Register(static s => Shutdown((Socket)s!), socket);
        try
        {
            Read(socket, place, clock, publisher, stop);
        }
        catch (SocketException e) when (!stop.IsCancellationRequested)
        {
            throw new SensorFault(SensorFaultKind.Absent, place, "The connection to gpsd broke: check that gpsd runs.", e);
        }
        catch (SocketException)
        {
            // The stop closed the connection.
        }
    }

    private static void Read(Socket socket, string place, IClock clock, FixPublisher publisher, CancellationToken stop)
    {
        var reports = new GpsdReader();
        var buffer = new byte[GnssLimits.ReadBytes];
        socket.Send(Watch);
        var watchedNs = clock.BootNs;
        while (!stop.IsCancellationRequested)
        {
            if (socket.Poll(TickMicroseconds, SelectMode.SelectRead))
            {
                var read = socket.Receive(buffer);
                if (read == 0 && !stop.IsCancellationRequested)
                {
                    throw new SensorFault(SensorFaultKind.Absent, place, "gpsd closed the connection: check that gpsd runs.");
                }

                var nowNs = clock.BootNs;
                var data = (ReadOnlySpan<byte>)buffer.AsSpan(0, read);
                while (reports.TryRead(ref data, out var fix))
                {
                    publisher.Publish(fix, nowNs);
                }
            }

            // A device that came later is watched only when asked again.
            if (reports.HasNewDevice && clock.BootNs - watchedNs >= GnssLimits.GpsdWatchGapNs)
            {
                socket.Send(Watch);
                watchedNs = clock.BootNs;
                reports.HasNewDevice = false;
            }

            publisher.Count(reports.Counts);
            publisher.Tick(clock.BootNs);
        }
    }

    private static Socket? Connect(string host, int port, string place, CancellationToken stop)
    {
        try
        {
            return NetworkHost.Connect(host, port, GnssLimits.GpsdConnectMax, stop);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
        catch (TimeoutException e)
        {
            throw new SensorFault(SensorFaultKind.Timeout, place, "gpsd does not answer: check the address and the network.", e);
        }
        catch (SocketException e)
        {
            throw new SensorFault(SensorFaultKind.Absent, place, e.SocketErrorCode == SocketError.HostNotFound
                ? "There is no host of this name: correct 'gpsd'."
                : "gpsd does not listen there: start it (systemctl start gpsd.socket).", e);
        }
    }

    private static void Shutdown(Socket socket)
    {
        try
        {
            socket.Shutdown(SocketShutdown.Both);
        }
        catch (SocketException)
        {
            // It is closed already.
        }
        catch (ObjectDisposedException)
        {
            // It is closed already.
        }
    }
}
