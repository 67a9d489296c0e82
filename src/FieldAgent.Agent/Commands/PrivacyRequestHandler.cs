using System.Text;
using System.Text.Json.Nodes;
using FieldAgent.Agent.DataProtection;
using FieldAgent.Core;
using FieldAgent.Delivery;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.Commands;

/// <summary>Command <c>privacy-request</c>: a person's request, signed with a registered key (R99). Whatever is wrong with it, the answer is the
/// same (R96).</summary>
internal sealed class PrivacyRequestHandler(SignedRequests requests, RequestErrands errands, Audiences audiences, IClock clock) : ICommandHandler
{
    public string Name => "privacy-request";

    public CommandOutcome Handle(CommandRequest request)
    {
        var outcome = requests.Take(Encoding.UTF8.GetBytes(request.Argument("document") ?? ""), audiences.For(request.Recipient).PrincipalId);
        return outcome is { Done: true, Request: { } noted }
            ? CommandOutcome.Done(Documents.Text(new JsonObject
            {
                ["reference"] = noted.Reference,
                ["by"] = errands.IsAutomatic(noted) ? "device" : "operator",
                ["deadline"] = PrivacyOverview.Iso(RequestDesk.Deadline(noted, clock.Now()) ?? 0),
            }))
            : CommandOutcome.Refused("not-verified", SignedRequests.NotVerified);
    }
}
