using System.Globalization;
using System.Net;
using System.Net.Sockets;
using FieldAgent.Devices;

namespace FieldAgent.Agent.Doctor.Checks;

/// <summary>Whether instruments that speak Modbus are there. One behind a serial line is only heard by the agent: the line is its alone.</summary>
internal sealed class ModbusCheck : ICheck
{
    /// <summary>A board under load is slow to answer itself.</summary>
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(5);

    /// <summary>A name server that is away is asked twice, five seconds each (resolv.conf(5)).</summary>
    private static readonly TimeSpan NameWithin = TimeSpan.FromSeconds(15);

    /// <inheritdoc/>
    public string Group => "modbus";

    /// <inheritdoc/>
    public IEnumerable<Finding> Look(DoctorView view)
    {
        foreach (var sensor in view.Sensors.Where(static s => s.Kind == "modbus"))
        {
            var place = $"sensor {sensor.Name}";
            if (view.Status?.Sensors.FirstOrDefault(s => s.Name == sensor.Name) is { State: SensorState.Running })
            {
                yield return Finding.Ok("modbus.reads", place, "the agent reads it");
            }
            else if (sensor.Text("host") is { Length: > 0 } host)
            {
                yield return Visit(place, host, int.TryParse(sensor.Text("port"), NumberStyles.None, CultureInfo.InvariantCulture, out var port) ? port : ModbusPort);
            }
        }
    }

    // IANA: mbap 502/tcp.
    private const int ModbusPort = 502;

    private static Finding Visit(string place, string host, int port)
    {
        IPAddress[] addresses;
        try
        {
            using var limit = new CancellationTokenSource(NameWithin);
            addresses = Dns.GetHostAddressesAsync(host, limit.Token).GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            return Finding.Fail("modbus.name", place, $"nobody knows the name {host}", "correct 'host', or the board's name server");
        }

        try
        {
            using var limit = new CancellationTokenSource(Within);
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            socket.ConnectAsync(addresses, port, limit.Token).AsTask().GetAwaiter().GetResult();
            return Finding.Ok("modbus.reached", place, FormattableString.Invariant($"{host} port {port} is open"));
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            return Finding.Fail("modbus.silent", place, FormattableString.Invariant($"nobody answers at {host} port {port}"),
                "check the instrument's power and network cable, then 'host' and 'port'");
        }
    }
}
