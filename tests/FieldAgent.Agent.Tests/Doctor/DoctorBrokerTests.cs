using FieldAgent.Agent.Cli;
using FieldAgent.Agent.Configuration;
using FieldAgent.Agent.Doctor;
using FieldAgent.Core;
using FieldAgent.Core.Configuration;
using FieldAgent.Delivery;

namespace FieldAgent.Agent.Tests;

/// <summary>The doctor at a real broker.</summary>
public sealed class DoctorBrokerTests : IDisposable
{
    private readonly BoardTree _board = new() { Links = LinkLibrary.CreateFactory() };

    public void Dispose() => _board.Dispose();

    [Fact]
    public void A_dead_broker_is_named()
    {
        using var nobody = new ClosedPort();
        var finding = DoctorTests.Only(_board.Look(url: FormattableString.Invariant($"mqtt://127.0.0.1:{nobody.Number}")), "broker.port");
        Assert.Contains("nobody listens", finding.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_name_that_does_not_resolve_is_named() =>
        Assert.Contains("no-such-host.invalid", DoctorTests.Only(_board.Look(url: "mqtts://no-such-host.invalid"), "broker.name").Text, StringComparison.Ordinal);

    [Fact]
    public void Good_certificates_are_found_good()
    {
        using var pki = new TestPki();
        using var broker = new MosquittoBroker(new MosquittoSetup { Pki = pki, RequireClientCertificate = true });
        var report = Look(broker, Tls(pki.Authority, pki.Client));
        Assert.True(report.Healthy, DoctorTests.Print(report));
        Assert.Contains("TLS verified", DoctorTests.Has(report, "broker.reached").Text, StringComparison.Ordinal);
        Assert.Contains(report.Findings, static f => f.Place == "certificate of the broker (vendor)" && f.Id.StartsWith("certificate.", StringComparison.Ordinal));
    }

    [Fact]
    public void An_expired_certificate_of_the_broker_is_named_with_its_date()
    {
        using var pki = new TestPki();
        using var broker = new MosquittoBroker(new MosquittoSetup { Pki = pki, ServerCertificate = pki.Expired });
        var report = Look(broker, Tls(pki.Authority, null));
        Assert.Contains("expired", DoctorTests.Has(report, "broker.tls").Text, StringComparison.Ordinal);
        var dates = DoctorTests.Has(report, "certificate.expired");
        Assert.Equal("certificate of the broker (vendor)", dates.Place);
        Assert.StartsWith("expired on 20", dates.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void An_expired_certificate_of_the_board_is_named()
    {
        using var pki = new TestPki();
        using var broker = new MosquittoBroker(new MosquittoSetup { Pki = pki, RequireClientCertificate = true });
        var report = Look(broker, Tls(pki.Authority, pki.ExpiredClient));
        Assert.False(report.Healthy);
        Assert.Equal("certificate of the board (vendor)", DoctorTests.Has(report, "certificate.expired").Place);
    }

    [Fact]
    public void A_wrong_authority_is_named()
    {
        using var pki = new TestPki();
        using var broker = new MosquittoBroker(new MosquittoSetup { Pki = pki });
        Assert.Contains("unknown authority", DoctorTests.Only(Look(broker, Tls(pki.Alien, null)), "broker.tls").Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Files_that_the_service_may_not_read_or_does_not_see_are_named_where_it_is_installed()
    {
        using var pki = new TestPki();
        using var broker = new MosquittoBroker(new MosquittoSetup { Pki = pki });
        var tls = $$"""
            , "tls": { "ca": "{{pki.Authority.CertificateFile}}", "certificate": "{{pki.Client.CertificateFile}}", "key": "/etc/shadow" }
            """;
        Assert.DoesNotContain(Look(broker, tls).Findings, static f => f.Id is "access.hidden" or "access.file");
        _board.Write("etc/systemd/system/fieldagent.service", "[Unit]\n");
        var report = Look(broker, tls);
        var hidden = report.Findings.Where(static f => f.Id == "access.hidden").ToList();
        Assert.Equal(["broker vendor", "broker vendor"], hidden.Select(static f => f.Place));
        Assert.Equal($"the service does not see {pki.Authority.CertificateFile}: /tmp is kept from it", hidden[0].Text);
        Assert.Contains("/etc/fieldagent", hidden[0].Remedy, StringComparison.Ordinal);
        var file = DoctorTests.Has(report, "access.file");
        Assert.Equal(("user fieldagent may not read /etc/shadow", "chgrp fieldagent /etc/shadow && chmod 640 /etc/shadow"), (file.Text, file.Remedy));
    }

    [Fact]
    public void A_broker_that_refuses_what_the_board_publishes_is_named_and_keeps_what_it_had()
    {
        using var broker = new MosquittoBroker(new MosquittoSetup { AccessList = ["topic read fieldagent/#"] });
        MakeStore(broker);
        var finding = DoctorTests.Only(_board.Look(url: Url(broker)), "broker.publish");
        Assert.Contains("0x87", finding.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_trial_message_is_acknowledged_and_leaves_nothing_behind()
    {
        using var broker = new MosquittoBroker();
        MakeStore(broker);
        var report = _board.Look(url: Url(broker));
        Assert.True(report.Healthy, DoctorTests.Print(report));
        Assert.Contains("trial message acknowledged", DoctorTests.Has(report, "broker.reached").Text, StringComparison.Ordinal);

        // Nothing is retained: whoever comes now hears nothing.
        var events = new Listener();
        using var link = LinkLibrary.CreateFactory().Create();
        Assert.Equal(LinkFaultKind.None, link.Connect(broker.Options("listener"), events, out _).Kind);
        Assert.True(link.Subscribe("#", TimeSpan.FromSeconds(60)));
        link.Poll(TimeSpan.FromMilliseconds(200));
        Assert.Equal(0, events.Messages);
    }

    private static string Url(MosquittoBroker broker) => FormattableString.Invariant($"mqtt://127.0.0.1:{broker.Port}");

    private static string Tls(TestCertificate authority, TestCertificate? client) => $$"""
        , "tls": { "ca": "{{authority.CertificateFile}}" {{(client is null ? "" : $", \"certificate\": \"{client.CertificateFile}\", \"key\": \"{client.KeyFile}\"")}} }
        """;

    private DoctorReport Look(MosquittoBroker broker, string tls) =>
        _board.Look(url: FormattableString.Invariant($"mqtts://localhost:{broker.Port}"), recipient: tls);

    private void MakeStore(MosquittoBroker broker)
    {
        _board.Configure(url: Url(broker));
        var config = ConfigLoader.Load(_board.ConfigFile, new ConfigOverrides(), new ConfigErrors())!;
        Assert.True(ControlCalls.WithStore(config, static parts => parts.Identity.Board.NameAt("vendor") is not null));
    }

    private sealed class Listener : ILinkEvents
    {
        public int Messages { get; private set; }

        public void OnClosed(LinkFault fault)
        {
        }

        public void OnAcknowledged(int messageId, int reasonCode)
        {
        }

        public void OnMessage(in LinkMessage message) => Messages++;
    }
}
