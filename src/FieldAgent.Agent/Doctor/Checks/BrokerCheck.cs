using FieldAgent.Agent.Cli;
using FieldAgent.Agent.DataProtection;
using FieldAgent.Core;
using FieldAgent.Delivery;

namespace FieldAgent.Agent.Doctor.Checks;

/// <summary>Whether each broker can be reached, is who it should be, and takes what the board publishes. Visits under a client id of its own, with a
/// session that begins empty: neither the running agent's session nor what the broker keeps for it is touched.</summary>
internal sealed class BrokerCheck : ICheck
{
    /// <inheritdoc/>
    public string Group => "broker";

    /// <inheritdoc/>
    public IEnumerable<Finding> Look(DoctorView view)
    {
        foreach (var recipient in view.Config?.Recipients ?? [])
        {
            var place = $"broker {recipient.Name}";
            var link = view.Status?.Links.FirstOrDefault(one => one.Recipient == recipient.Name);
            if (link is { Phase: "connected" })
            {
                yield return Finding.Ok("broker.connected", place, FormattableString.Invariant($"the agent is connected, MQTT {link.Version}, {link.Acknowledged} acknowledged"));
                continue;
            }

            // While the agent runs it alone speaks under the board's name.
            var name = view.IsAgentStopped ? view.Store.Names.GetValueOrDefault(recipient.Name) : null;
            yield return Visit(view, recipient, place, name);
        }
    }

    private static Finding Visit(DoctorView view, Recipient recipient, string place, string? name)
    {
        List<VisitMessage> messages = name is null ? [] : [TrialMessages.Stopped(new Topics(name), CommandLine.Version, view.Ports.Clock)];
        var code = 0;
        var fault = new BriefVisit(view.Ports.Links, view.Ports.Clock).Send(recipient, AnonymousOutbox.RandomName(), messages, (_, answer) => code = answer, default);
        if (fault.Kind == LinkFaultKind.None && code >= 0x80)
        {
            return Finding.Fail("broker.publish", place, FormattableString.Invariant($"lets the board in, and refuses what it publishes (reason 0x{code:x2})"),
                "let this user or certificate publish under fieldagent/v1/<pseudonym>/ ('fieldagent identity show'); if its rules go by client id, start the agent and see 'fieldagent status'");
        }

        if (fault.Kind == LinkFaultKind.None)
        {
            return Finding.Ok("broker.reached", place, $"resolved, port {recipient.Link.Port} open, {(recipient.Link.Tls is null ? "no TLS (this board)" : "TLS verified")}, let in"
                + (name is null ? "" : ", a trial message acknowledged"));
        }

        // "place and finding; remedy"
        var cut = fault.Detail.IndexOf("; ", StringComparison.Ordinal);
        var (text, remedy) = cut > 0 ? (fault.Detail[..cut], fault.Detail[(cut + 2)..]) : (fault.Detail, "");
        return fault.Kind switch
        {
            LinkFaultKind.NameUnknown => Finding.Fail("broker.name", place, text, Or(remedy, "correct the url, or the board's name server")),
            LinkFaultKind.Unreachable or LinkFaultKind.Timeout => Finding.Fail("broker.port", place, text, Or(remedy, "start the broker, or correct host and port; then check network and firewall")),
            LinkFaultKind.Tls => Finding.Fail("broker.tls", place, text, Or(remedy, "see the findings of 'certificate'")),
            LinkFaultKind.NotAuthorized => Finding.Fail("broker.authorisation", place, text, Or(remedy, "correct userName and passwordFile or the certificate, or enter the board at the broker")),
            LinkFaultKind.Misconfigured => Finding.Fail("broker.configuration", place, text, Or(remedy, "correct 'recipients' in the configuration")),
            _ => Finding.Fail("broker.refused", place, text, Or(remedy, "ask whoever runs the broker")),
        };
    }

    // A question is no remedy.
    private static string Or(string remedy, string otherwise) => remedy.Length > 0 && !remedy.EndsWith('?') ? remedy : otherwise;
}
