using System.Net;
using System.Net.Sockets;
using System.Text;
using FieldAgent.Core;

namespace FieldAgent.Delivery.Tests;

public abstract partial class LinkContract
{
    private static readonly byte[] _connackV5Accepted = [0x20, 3, 0, 0, 0];
    private static readonly byte[] _connackV3Accepted = [0x20, 2, 0, 0];

    [Fact]
    public void A_killed_broker_closes_the_link_once_and_a_new_link_reconnects()
    {
        using var broker = new MosquittoBroker();
        var link = Connect(broker.Options("a"), out var events, out _);
        broker.Kill();
        PollUntil(link, () => events.Closed.Count > 0, "the link closes");
        link.Poll(TimeSpan.Zero);
        link.Poll(TimeSpan.Zero);
        Assert.Equal(LinkFaultKind.Lost, Assert.Single(events.Closed).Kind);
        Assert.Equal(PublishResult.Down, link.Publish(new MqttTopic("t"), "x"u8, default));
        link.Dispose();

        Assert.Equal(LinkFaultKind.Unreachable, Refused(broker.Options("a")).Kind);
        broker.Start();
        using var again = Connect(broker.Options("a"), out var second, out _);
        again.Publish(new MqttTopic("t"), "x"u8, default);
        PollUntil(again, () => second.Acknowledged.Count == 1, "the acknowledgement");
    }

    [Fact]
    public void A_broken_connection_is_found_by_publishing_and_told_by_the_next_poll()
    {
        // More room than is used up until the write sees it.
        using var broker = new MosquittoBroker(new MosquittoSetup { ReceiveMaximum = 60_000 });
        using var link = Connect(broker.Options("a"), out var events, out _);
        broker.Kill();
        var topic = new MqttTopic("t");
        Eventually.True(() => link.Publish(topic, "x"u8, default) == PublishResult.Down, "a publish sees the broken connection");
        Assert.Empty(events.Closed);
        PollUntil(link, () => events.Closed.Count > 0, "the link closes");
        Assert.Equal(LinkFaultKind.Lost, Assert.Single(events.Closed).Kind);
    }

    [Fact]
    public void A_broker_that_shuts_down_closes_the_link_once()
    {
        // Mosquitto 2.0.11 gives no reason; others send 0x8b.
        using var broker = new MosquittoBroker();
        using var link = Connect(broker.Options("a"), out var events, out _);
        broker.Stop();
        PollUntil(link, () => events.Closed.Count > 0, "the link closes");
        link.Poll(TimeSpan.Zero);
        Assert.Equal(LinkFaultKind.Lost, Assert.Single(events.Closed).Kind);
    }

    [Fact]
    public void A_session_taken_over_by_another_connection_is_said_as_such()
    {
        using var server = Answering([.. _connackV5Accepted, 0xe0, 1, 0x8e]);
        using var told = Connect(To(server.Port), out var events, out _);
        PollUntil(told, () => events.Closed.Count > 0, "the link closes");
        Assert.Equal((LinkFaultKind.Refused, 0x8e), (events.Closed[0].Kind, events.Closed[0].ReasonCode));
        Assert.Contains("took the session over", events.Closed[0].Detail, StringComparison.Ordinal);

        // Mosquitto 2.0.11 gives no reason when the new connection continues the session.
        using var broker = new MosquittoBroker();
        using var first = Connect(broker.Options("same"), out events, out _);
        using var second = Connect(broker.Options("same"), out var others, out _);
        PollUntil(first, () => events.Closed.Count > 0, "the first link closes");
        first.Poll(TimeSpan.Zero);
        Assert.Contains(Assert.Single(events.Closed).Kind, new[] { LinkFaultKind.Refused, LinkFaultKind.Lost });
        second.Poll(TimeSpan.Zero);
        Assert.Empty(others.Closed);
    }

    [Theory]
    [InlineData(MqttVersion.V5, 0x87)]
    [InlineData(MqttVersion.V311, 5)]
    public void A_wrong_password_is_not_authorized_and_never_shown(MqttVersion version, int reasonCode)
    {
        using var broker = new MosquittoBroker(new MosquittoSetup { Users = new Dictionary<string, string> { ["board"] = "right-one" } });
        var options = broker.Options("a", version) with { UserName = "board", Password = "right-one" };
        using (Connect(options, out _, out _))
        {
        }

        var fault = Refused(options with { Password = "wrong-one" });
        Assert.Equal((LinkFaultKind.NotAuthorized, reasonCode), (fault.Kind, fault.ReasonCode));
        Assert.DoesNotContain("wrong-one", fault.Detail, StringComparison.Ordinal);
        Assert.Equal(LinkFaultKind.NotAuthorized, Refused(options with { UserName = null, Password = null }).Kind);
    }

    [Theory]
    [InlineData(0x84, LinkFaultKind.VersionRefused)]
    [InlineData(0x85, LinkFaultKind.NotAuthorized)]
    [InlineData(0x86, LinkFaultKind.NotAuthorized)]
    [InlineData(0x87, LinkFaultKind.NotAuthorized)]
    [InlineData(0x8a, LinkFaultKind.NotAuthorized)]
    [InlineData(0x8c, LinkFaultKind.NotAuthorized)]
    [InlineData(0x88, LinkFaultKind.Refused)]
    [InlineData(0x89, LinkFaultKind.Refused)]
    [InlineData(0x97, LinkFaultKind.Refused)]
    [InlineData(0x9f, LinkFaultKind.Refused)]
    public void Each_refusal_of_an_MQTT_5_broker_has_its_kind(int reasonCode, LinkFaultKind kind)
    {
        using var server = Answering([0x20, 3, 0, (byte)reasonCode, 0]);
        var fault = Refused(To(server.Port));
        Assert.Equal((kind, reasonCode), (fault.Kind, fault.ReasonCode));
        Assert.NotEqual("", fault.Detail);
    }

    [Theory]
    [InlineData(1, LinkFaultKind.VersionRefused)]
    [InlineData(2, LinkFaultKind.NotAuthorized)]
    [InlineData(3, LinkFaultKind.Refused)]
    [InlineData(4, LinkFaultKind.NotAuthorized)]
    [InlineData(5, LinkFaultKind.NotAuthorized)]
    public void Each_refusal_of_an_MQTT_3_broker_has_its_kind(int code, LinkFaultKind kind)
    {
        using var server = Answering([0x20, 2, 0, (byte)code]);
        var fault = Refused(To(server.Port) with { Version = MqttVersion.V311 });
        Assert.Equal((kind, code), (fault.Kind, fault.ReasonCode));
    }

    [Fact]
    public void A_broker_that_knows_only_MQTT_3_refuses_the_version()
    {
        // As brokers from before MQTT 5 do: a CONNACK of the old form, then the end.
        using var server = Answering([0x20, 2, 0, 1]);
        Assert.Equal(LinkFaultKind.VersionRefused, Refused(To(server.Port)).Kind);
    }

    [Fact]
    public void A_broker_without_QoS_1_is_refused()
    {
        using var server = Answering([0x20, 5, 0, 0, 2, 0x24, 0]);
        Assert.Equal(LinkFaultKind.Refused, Refused(To(server.Port)).Kind);
    }

    [Theory]
    [InlineData(0x8e, LinkFaultKind.Refused)]
    [InlineData(0x87, LinkFaultKind.NotAuthorized)]
    [InlineData(0x98, LinkFaultKind.Refused)]
    [InlineData(0x8b, LinkFaultKind.Lost)]
    [InlineData(0x8d, LinkFaultKind.Lost)]
    [InlineData(0x00, LinkFaultKind.Lost)]
    public void A_disconnect_of_the_broker_closes_once_with_its_reason(int reasonCode, LinkFaultKind kind)
    {
        using var server = Answering([.. _connackV5Accepted, 0xe0, 1, (byte)reasonCode]);
        using var link = Connect(To(server.Port), out var events, out _);
        PollUntil(link, () => events.Closed.Count > 0, "the link closes");
        link.Poll(TimeSpan.Zero);
        var fault = Assert.Single(events.Closed);
        Assert.Equal((kind, reasonCode), (fault.Kind, fault.ReasonCode));
    }

    [Fact]
    public void Nobody_at_the_port_is_unreachable()
    {
        using var nobody = new ClosedPort();
        var fault = Refused(To(nobody.Number));
        Assert.Equal(LinkFaultKind.Unreachable, fault.Kind);
        Assert.Contains("127.0.0.1:", fault.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_that_has_no_address_is_unknown()
    {
        // A label longer than the 63 characters of a name: the resolver refuses it without asking anyone.
        using var pki = new TestPki();
        var options = To(8883) with { Host = new string('x', 70) + ".invalid", Tls = new LinkTls(pki.Authority.CertificateFile, null, null, null) };
        Assert.Equal(LinkFaultKind.NameUnknown, Refused(options).Kind);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_server_that_accepts_and_says_nothing_times_out(bool isTls)
    {
        using var pki = new TestPki();
        using var server = new ScriptedServer(ScriptedServer.AwaitClose);
        var options = To(server.Port) with
        {
            ConnectTimeout = TimeSpan.FromSeconds(1),
            Tls = isTls ? new LinkTls(pki.Authority.CertificateFile, null, null, null) : null,
        };
        Assert.Equal(LinkFaultKind.Timeout, Refused(options).Kind);
    }

    [Fact]
    public void A_port_that_drops_packets_times_out()
    {
        // A listener whose queue is full leaves further connects unanswered, as a firewall does.
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(0);
        var end = (IPEndPoint)listener.LocalEndPoint!;
        var fillers = new List<Socket>();
        try
        {
            for (var i = 0; i < 4; i++)
            {
                var filler = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
                fillers.Add(filler);
                Assert.Throws<SocketException>(() => filler.Connect(end));
            }

            Eventually.True(() => fillers[0].Poll(0, SelectMode.SelectWrite), "the queue is full");
            Assert.Equal(LinkFaultKind.Timeout, Refused(To(end.Port) with { ConnectTimeout = TimeSpan.FromSeconds(1) }).Kind);
        }
        finally
        {
            fillers.ForEach(static filler => filler.Dispose());
        }
    }

    [Theory]
    [InlineData(MqttVersion.V5)]
    [InlineData(MqttVersion.V311)]
    public void A_server_that_closes_at_once_is_lost_and_not_a_refused_version(MqttVersion version)
    {
        using var server = new ScriptedServer(static _ => { });
        Assert.Equal(LinkFaultKind.Lost, Refused(To(server.Port) with { Version = version }).Kind);
    }

    [Fact]
    public void A_server_that_speaks_something_else_is_named_as_such()
    {
        using var server = Answering(Encoding.ASCII.GetBytes("HTTP/1.1 400 Bad Request\r\n" + new string('x', 300)));
        var fault = Refused(To(server.Port));
        Assert.Equal(LinkFaultKind.Lost, fault.Kind);
        Assert.Contains("not MQTT", fault.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Any_garbage_ends_in_a_fault_or_a_time_out()
    {
        // On MQTT 3.1.1: an unknown MQTT 5 property makes libmosquitto 2.0.11 end the process (see MosquittoLink).
        var random = new Random(4711);
        for (var i = 0; i < 40; i++)
        {
            var garbage = new byte[random.Next(1, 400)];
            random.NextBytes(garbage);

            // Never by chance a CONNACK.
            garbage[0] = (byte)(0x30 + random.Next(0xd0));
            using var server = Answering(garbage);
            var fault = Refused(To(server.Port) with { Version = MqttVersion.V311, ConnectTimeout = TimeSpan.FromMilliseconds(300) });
            Assert.Contains(fault.Kind, new[] { LinkFaultKind.Lost, LinkFaultKind.Timeout });
        }
    }

    [Fact]
    public void Garbage_after_the_connect_closes_the_link()
    {
        var random = new Random(4712);
        for (var i = 0; i < 40; i++)
        {
            var garbage = new byte[400];
            random.NextBytes(garbage);
            using var server = new ScriptedServer(socket =>
            {
                if (ScriptedServer.ReadPacket(socket) is not null)
                {
                    socket.Send(_connackV3Accepted);
                    socket.Send(garbage);
                }
            });
            using var link = Connect(To(server.Port) with { Version = MqttVersion.V311 }, out var events, out _);
            PollUntil(link, () => events.Closed.Count > 0, "the link closes");
            Assert.Single(events.Closed);
        }
    }

    [Theory]
    [InlineData(0x80)]
    [InlineData(0x87)]
    public void A_refused_subscription_is_false(byte reasonCode)
    {
        using var server = new ScriptedServer(socket =>
        {
            if (ScriptedServer.ReadPacket(socket) is not null)
            {
                socket.Send(_connackV3Accepted);
                if (ScriptedServer.ReadPacket(socket) is { } subscribe)
                {
                    socket.Send([0x90, 3, subscribe[1], subscribe[2], reasonCode]);
                    ScriptedServer.AwaitClose(socket);
                }
            }
        });
        using var link = Connect(To(server.Port) with { Version = MqttVersion.V311 }, out _, out _);
        Assert.False(link.Subscribe("t", _limit));
    }

    [Fact]
    public void A_subscription_without_an_answer_is_false()
    {
        using var server = Answering(_connackV5Accepted);
        using var link = Connect(To(server.Port), out _, out _);
        Assert.False(link.Subscribe("t", TimeSpan.FromMilliseconds(200)));
    }

    [Fact]
    public void A_network_that_goes_silent_is_noticed_by_the_keep_alive()
    {
        using var broker = new MosquittoBroker();
        using var proxy = new RecordingProxy(broker.Port);
        using var link = Connect(broker.Options("a") with { Port = proxy.Port, KeepAlive = TimeSpan.FromSeconds(5) }, out var events, out _);
        proxy.IsFrozen = true;
        PollUntil(link, () => events.Closed.Count > 0, "the keep-alive notices");
        Assert.Equal(LinkFaultKind.Lost, Assert.Single(events.Closed).Kind);
        Assert.Contains("keep-alive", events.Closed[0].Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void An_idle_link_is_kept_alive_through_one_long_poll()
    {
        // This broker never loses its patience, and answers at once: the link must ping within one long poll, and be content with the answer.
        var pings = 0;
        using var server = new ScriptedServer(socket =>
        {
            while (ScriptedServer.ReadPacket(socket) is { } packet)
            {
                if (packet[0] == 0x10)
                {
                    socket.Send(_connackV5Accepted);
                }
                else if (packet[0] == 0xc0)
                {
                    Interlocked.Increment(ref pings);
                    socket.Send([0xd0, 0]);
                }
            }
        });
        using var link = Connect(To(server.Port) with { KeepAlive = TimeSpan.FromSeconds(10) }, out var events, out _);

        // A ping's answer ends the poll.
        link.Poll(TimeSpan.FromMinutes(5));
        Assert.Empty(events.Closed);
        Assert.Equal(1, Volatile.Read(ref pings));
    }

    private static ScriptedServer Answering(byte[] answer) => new(socket =>
    {
        if (ScriptedServer.ReadPacket(socket) is not null)
        {
            socket.Send(answer);
            ScriptedServer.AwaitClose(socket);
        }
    });

    private static LinkOptions To(int port) =>
        new() { Host = "127.0.0.1", Port = port, ClientId = "a", ConnectTimeout = TimeSpan.FromSeconds(30) };
}
