using System.Text;
using FieldAgent.Core;

namespace FieldAgent.Delivery.Tests;

public abstract partial class LinkContract
{
    [Theory]
    [Promise("R66")]
    [InlineData("192.0.2.1")]
    [InlineData("broker.example")]
    [InlineData("::2")]
    [InlineData("localhost.example")]
    [InlineData("128.0.0.1")]
    public void Plaintext_is_refused_to_any_host_but_this_one(string host)
    {
        var fault = Refused(To(1883) with { Host = host });
        Assert.Equal(LinkFaultKind.Misconfigured, fault.Kind);
        Assert.Contains("TLS", fault.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("localhost")]
    [InlineData("LOCALHOST")]
    public void Plaintext_is_allowed_on_loopback(string host)
    {
        using var broker = new MosquittoBroker();
        using var link = Connect(broker.Options("a") with { Host = host }, out _, out _);
    }

    [Fact]
    [Promise("R66")]
    public void With_TLS_no_topic_payload_or_password_crosses_the_wire_in_plain()
    {
        using var pki = new TestPki();
        var setup = new MosquittoSetup { Pki = pki, Users = new Dictionary<string, string> { ["user-in-clear"] = "password-in-clear" } };
        using var broker = new MosquittoBroker(setup);
        using var proxy = new RecordingProxy(broker.Port);
        var options = broker.Options("client-in-clear") with
        {
            Port = proxy.Port,
            UserName = "user-in-clear",
            Password = "password-in-clear",
        };
        using var link = Connect(options, out var events, out _);
        Assert.True(link.Subscribe("topic-in-clear", _limit));
        link.Publish(new MqttTopic("topic-in-clear"), "payload-in-clear"u8, default);
        PollUntil(link, () => events.Messages.Count == 1, "the message");

        var wire = Encoding.Latin1.GetString(proxy.Up) + Encoding.Latin1.GetString(proxy.Down);
        Assert.DoesNotContain("in-clear", wire, StringComparison.Ordinal);
        Assert.DoesNotContain("MQTT", wire, StringComparison.Ordinal);

        // A TLS handshake record of a version that says 1.2 or newer within.
        Assert.Equal(0x16, proxy.Up[0]);
        Assert.Equal(0x03, proxy.Up[1]);
    }

    [Fact]
    [Promise("R66")]
    public void A_TLS_link_never_falls_back_to_plaintext()
    {
        using var pki = new TestPki();
        using var broker = new MosquittoBroker();
        using var proxy = new RecordingProxy(broker.Port);
        var fault = Refused(broker.Options("client-in-clear") with
        {
            Host = "localhost",
            Port = proxy.Port,
            Tls = new LinkTls(pki.Authority.CertificateFile, null, null, null),
        });
        Assert.Equal(LinkFaultKind.Tls, fault.Kind);
        Assert.DoesNotContain("in-clear", Encoding.Latin1.GetString(proxy.Up), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("localhost", false)]
    [InlineData("127.0.0.1", false)]
    [InlineData("localhost", true)]
    public void TLS_connects_and_carries_messages(string host, bool isMutual)
    {
        using var pki = new TestPki();
        using var broker = new MosquittoBroker(new MosquittoSetup { Pki = pki, RequireClientCertificate = isMutual });
        using var link = Connect(broker.Options("a") with { Host = host }, out var events, out _);
        Assert.True(link.Subscribe("t", _limit));
        var topic = new MqttTopic("t");
        var payload = new byte[2_000];
        var sent = 0;
        PollUntil(
            link,
            () =>
            {
                while (sent < 2_000 && sent - events.Acknowledged.Count < 20)
                {
                    Assert.True(link.Publish(topic, payload, default) > 0);
                    sent++;
                }

                return events.Acknowledged.Count == 2_000 && events.Messages.Count == 2_000;
            },
            "2 000 messages there and back");
    }

    [Fact]
    public void A_broker_killed_under_TLS_closes_the_link()
    {
        using var pki = new TestPki();
        using var broker = new MosquittoBroker(new MosquittoSetup { Pki = pki });
        using var link = Connect(broker.Options("a"), out var events, out _);
        broker.Kill();
        PollUntil(link, () => events.Closed.Count > 0, "the link closes");
        Assert.Equal(LinkFaultKind.Lost, Assert.Single(events.Closed).Kind);
    }

    [Fact]
    public void A_broker_of_an_unknown_authority_is_refused()
    {
        using var pki = new TestPki();
        using var broker = new MosquittoBroker(new MosquittoSetup { Pki = pki });
        var options = broker.Options("a");
        AssertTls("unknown authority", Refused(options with { Tls = options.Tls! with { CaFile = pki.Alien.CertificateFile } }));
        AssertTls("unknown authority", Refused(options with { Tls = options.Tls! with { CaFile = null } }));
    }

    [Fact]
    public void A_broker_with_another_hosts_certificate_is_refused()
    {
        using var pki = new TestPki();
        using var broker = new MosquittoBroker(new MosquittoSetup { Pki = pki, ServerCertificate = pki.OtherHost });
        AssertTls("host name mismatch", Refused(broker.Options("a")));
    }

    [Fact]
    public void A_broker_with_a_certificate_that_has_expired_or_not_begun_is_refused()
    {
        using var pki = new TestPki();
        using var expired = new MosquittoBroker(new MosquittoSetup { Pki = pki, ServerCertificate = pki.Expired });
        AssertTls("expired", Refused(expired.Options("a")));
        using var future = new MosquittoBroker(new MosquittoSetup { Pki = pki, ServerCertificate = pki.Future });
        AssertTls("not valid yet", Refused(future.Options("a")));
    }

    [Fact]
    public void A_broker_that_wants_a_client_certificate_refuses_none_and_wrong_ones()
    {
        using var pki = new TestPki();
        using var broker = new MosquittoBroker(new MosquittoSetup { Pki = pki, RequireClientCertificate = true });
        var options = broker.Options("a");
        var none = options.Tls! with { CertificateFile = null, KeyFile = null };

        // The exact words depend on whether the broker's alert outruns its reset of the connection.
        AssertTls("requires a client certificate", Refused(options with { Tls = none }));
        AssertTls("client certificate", Refused(options with { Tls = With(pki.AlienClient) }));
        AssertTls("client certificate", Refused(options with { Tls = With(pki.ExpiredClient) }));

        LinkTls With(TestCertificate certificate) =>
            options.Tls! with { CertificateFile = certificate.CertificateFile, KeyFile = certificate.KeyFile };
    }

    [Fact]
    public void A_TLS_link_to_a_server_that_closes_or_resets_or_talks_nonsense_fails_soon()
    {
        using var pki = new TestPki();
        var tls = new LinkTls(pki.Authority.CertificateFile, null, null, null);
        using var closing = new ScriptedServer(static _ => { });
        Assert.Contains(Refused(To(closing.Port) with { Tls = tls }).Kind, new[] { LinkFaultKind.Tls, LinkFaultKind.Lost });
        using var resetting = new ScriptedServer(static socket =>
        {
            socket.Receive(new byte[10]);
            socket.LingerState = new System.Net.Sockets.LingerOption(true, 0);
        });
        Assert.Contains(Refused(To(resetting.Port) with { Tls = tls }).Kind, new[] { LinkFaultKind.Tls, LinkFaultKind.Lost });
        using var talking = new ScriptedServer(static socket =>
        {
            socket.Receive(new byte[1000]);
            socket.Send("HTTP/1.1 400 Bad Request\r\n\r\n"u8);
            ScriptedServer.AwaitClose(socket);
        });
        AssertTls("does not speak TLS", Refused(To(talking.Port) with { Tls = tls }));
    }

    [Fact]
    public void A_missing_or_unusable_file_is_named_with_what_it_should_be()
    {
        using var pki = new TestPki();
        using var broker = new MosquittoBroker(new MosquittoSetup { Pki = pki, RequireClientCertificate = true });
        var options = broker.Options("a");
        var tls = options.Tls!;
        var text = pki.File("text");
        File.WriteAllText(text, "not a certificate");
        var broken = pki.File("broken.crt");
        File.WriteAllText(broken, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        var encrypted = pki.EncryptedClientKey();
        (LinkTls Tls, string Path)[] cases =
        [
            (tls with { CaFile = "/nowhere/ca.crt" }, "/nowhere/ca.crt"),
            (tls with { CaFile = text }, text),
            (tls with { CaFile = broken }, broken),
            (tls with { CaFile = Path.GetDirectoryName(text) }, Path.GetDirectoryName(text)!),
            (tls with { CertificateFile = "/nowhere/a.crt" }, "/nowhere/a.crt"),
            (tls with { CertificateFile = broken }, broken),
            (tls with { KeyFile = "/nowhere/a.key" }, "/nowhere/a.key"),
            (tls with { KeyFile = pki.Server.KeyFile }, pki.Server.KeyFile),
            (tls with { KeyFile = encrypted }, encrypted),
            (tls with { KeyFile = null }, "TLS"),
            (tls with { Alpn = "" }, "ALPN"),
        ];
        foreach (var (wrong, path) in cases)
        {
            var fault = Refused(options with { Tls = wrong });
            Assert.Equal(LinkFaultKind.Misconfigured, fault.Kind);
            Assert.Contains(path, fault.Detail, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Options_that_cannot_work_are_misconfigured()
    {
        var options = To(1883);
        LinkOptions[] cases =
        [
            options with { Host = "" },
            options with { Host = "127.0.0.1\0.example" },
            options with { Port = 0 },
            options with { Port = 65_536 },
            options with { ClientId = "" },
            options with { ClientId = "a\0b" },
            options with { KeepAlive = TimeSpan.FromSeconds(4) },
            options with { KeepAlive = TimeSpan.FromDays(1) },
            options with { ReceiveMaximum = 0 },
            options with { ReceiveMaximum = 65_536 },
            options with { ConnectTimeout = TimeSpan.Zero },
            options with { Password = "x" },
            options with { Will = new LinkWill("", [], false, TimeSpan.Zero) },
            options with { Will = new LinkWill("a", new byte[65_536], false, TimeSpan.Zero) },
        ];
        Assert.All(cases, wrong => Assert.Equal(LinkFaultKind.Misconfigured, Refused(wrong).Kind));
    }

    private static void AssertTls(string words, LinkFault fault)
    {
        Assert.Contains(words, fault.Detail, StringComparison.Ordinal);
        Assert.Equal(LinkFaultKind.Tls, fault.Kind);
    }
}
