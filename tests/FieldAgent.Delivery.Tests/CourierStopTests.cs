using System.Net;
using System.Net.Sockets;
using FieldAgent.Core;
using Microsoft.Extensions.Logging.Abstractions;

namespace FieldAgent.Delivery.Tests;

/// <summary>A stop while the network keeps a courier waiting. The time-outs are far longer than the test's limit: only the stop can
/// have ended the wait.</summary>
public sealed class CourierStopTests
{
    private static readonly TimeSpan Never = TimeSpan.FromHours(1);

    [Fact]
    public void A_stop_ends_the_wait_for_a_broker_that_accepts_and_never_answers()
    {
        using var server = new ScriptedServer(ScriptedServer.AwaitClose);
        // The first connection only looks whether somebody listens.
        StopsWhen(() => server.Connections >= 2, server.Port);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void A_stop_ends_a_TCP_connect_that_nobody_answers(int waiting)
    {
        // A listener that accepts nothing takes one connection; after that the kernel drops what comes. With none waiting the look
        // whether somebody listens succeeds, and the library's own connect is what hangs.
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(0);
        var port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        using var first = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        if (waiting > 0)
        {
            first.Connect(IPAddress.Loopback, port);
        }

        StopsWhen(() => SynSent(port) >= 1, port);
    }

    [Fact]
    public void A_stop_ends_the_wait_for_the_answer_to_a_subscription()
    {
        var asked = false;
        using var server = new ScriptedServer(socket =>
        {
            while (ScriptedServer.ReadPacket(socket) is { } packet)
            {
                if (packet[0] == 0x10)
                {
                    socket.Send([0x20, 3, 0, 0, 0]);
                }

                Volatile.Write(ref asked, asked || packet[0] == 0x82);
            }
        });
        StopsWhen(() => Volatile.Read(ref asked), server.Port);
    }

    [Fact]
    public void A_stop_before_the_link_exists_ends_it_all_the_same()
    {
        using var server = new ScriptedServer(ScriptedServer.AwaitClose);
        StopsWhen(static () => true, server.Port);
    }

    private static void StopsWhen(Func<bool> isWaiting, int port)
    {
        var link = new LinkOptions { Host = "127.0.0.1", Port = port, ClientId = "", ConnectTimeout = Never };
        var courier = new Courier(
            new CourierSettings
            {
                Recipient = new Recipient("vendor", link, "DE", int.MaxValue, 20), Pseudonym = Blocks.Pseudonym, TagKey = Blocks.TagKey,
                AgentVersion = "0.1.0", Limits = new CourierLimits { SubscribeTimeout = Never },
            },
            LinkLibrary.CreateFactory(), new FakeSpool(), new FakeGate(), new SteppingClock(), new FakeOutbox(), new FakeCommandLedger(), [], new Counters(),
            NullLogger<Courier>.Instance);
        using var stop = new CancellationTokenSource();
        var thread = new Thread(() => courier.Run(stop.Token)) { IsBackground = true, Name = "courier" };
        thread.Start();
        Eventually.True(isWaiting, "the courier waits for the network");
        stop.Cancel();
        Assert.True(thread.Join(TimeSpan.FromSeconds(60)), "the courier waits on after a stop");
        Assert.Equal("stopped", courier.State.Phase);
    }

    // Connections to the port that wait for the other side's first answer: state 02 of /proc/net/tcp.
    private static int SynSent(int port)
    {
        var address = FormattableString.Invariant($"0100007F:{port:X4}");
        return File.ReadAllLines("/proc/net/tcp")
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Count(columns => columns[2] == address && columns[3] == "02");
    }
}
