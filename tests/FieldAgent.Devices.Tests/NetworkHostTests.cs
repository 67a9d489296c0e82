using System.Net;
using System.Net.Sockets;
using FieldAgent.Devices.Linux;

namespace FieldAgent.Devices.Tests;

/// <summary>Hosts on the network: found and reached in bounded time, or not at all.</summary>
public sealed class NetworkHostTests
{
    private static readonly TimeSpan Never = TimeSpan.FromHours(1);

    [Fact]
    public void A_literal_address_asks_nobody()
    {
        Assert.Equal([IPAddress.IPv6Loopback], NetworkHost.Resolve("::1", Never, CancellationToken.None, static (_, _) => throw new InvalidOperationException("asked")));
    }

    [Fact]
    public void A_look_up_that_nobody_answers_ends_with_its_limit_and_at_once_with_a_stop()
    {
        var silence = new TaskCompletionSource<IPAddress[]>();
        Assert.Throws<TimeoutException>(() => NetworkHost.Resolve("meter", TimeSpan.FromMilliseconds(20), CancellationToken.None, (_, _) => silence.Task));

        using var stop = new CancellationTokenSource();
        var asked = new ManualResetEventSlim();
        Exception? thrown = null;
        var thread = new Thread(() => thrown = Record.Exception(() => NetworkHost.Resolve("meter", Never, stop.Token, (_, _) =>
        {
            asked.Set();
            return silence.Task;
        })))
        { IsBackground = true };
        thread.Start();
        Eventually.True(() => asked.IsSet, "the question");
        stop.Cancel();
        Assert.True(thread.Join(TimeSpan.FromSeconds(60)), "the look-up goes on after a stop");
        Assert.IsAssignableFrom<OperationCanceledException>(thrown);
    }

    [Fact]
    public void A_name_without_an_address_is_told_from_silence()
    {
        Assert.Equal(
            SocketError.HostNotFound,
            Assert.Throws<SocketException>(static () => NetworkHost.Resolve("meter", Never, CancellationToken.None, static (_, _) => Task.FromResult<IPAddress[]>([]))).SocketErrorCode);
        Assert.Equal(
            SocketError.HostNotFound, Assert.Throws<SocketException>(static () => NetworkHost.Resolve(new string('x', 300), Never, CancellationToken.None)).SocketErrorCode);
    }

    [Fact]
    public void Nobody_at_the_port_is_refused_and_somebody_is_reached()
    {
        using var nobody = new ClosedPort();
        Assert.Equal(
            SocketError.ConnectionRefused,
            Assert.Throws<SocketException>(() => NetworkHost.Connect("127.0.0.1", nobody.Number, Never, CancellationToken.None)).SocketErrorCode);

        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var here = NetworkHost.Connect("localhost", ((IPEndPoint)listener.LocalEndpoint).Port, Never, CancellationToken.None);
        using var there = listener.AcceptSocket();
        there.Send([42]);
        var bytes = new byte[2];
        Assert.Equal(1, here.Receive(bytes));
        Assert.Equal(42, bytes[0]);
    }

    [Fact]
    public void A_port_that_drops_packets_takes_its_time_and_a_stop_ends_it_at_once()
    {
        // A listener whose queue is full leaves further connects unanswered, as a firewall does.
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(0);
        var port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        var fillers = new List<Socket>();
        Eventually.True(() => !Connects(), "a connect that takes its time");

        using var stop = new CancellationTokenSource();
        Exception? thrown = null;
        var thread = new Thread(() => thrown = Record.Exception(() => NetworkHost.Connect("127.0.0.1", port, Never, stop.Token))) { IsBackground = true };
        thread.Start();
        stop.Cancel();
        Assert.True(thread.Join(TimeSpan.FromSeconds(60)), "the connect goes on after a stop");
        Assert.IsAssignableFrom<OperationCanceledException>(thrown);
        fillers.ForEach(static filler => filler.Dispose());

        bool Connects()
        {
            try
            {
                fillers.Add(NetworkHost.Connect("127.0.0.1", port, TimeSpan.FromMilliseconds(100), CancellationToken.None));
                return true;
            }
            catch (TimeoutException)
            {
                return false;
            }
        }
    }
}
