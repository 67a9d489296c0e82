using System.Text;
using System.Text.Json.Nodes;
using FieldAgent.Agent.Configuration;
using FieldAgent.Agent.DataProtection;
using FieldAgent.Core.Configuration;
using FieldAgent.Delivery;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.Commands;

/// <summary>Command <c>policy</c>: takes in a signed policy. What it widens rests until somebody at the board grants it again: no command can
/// do that.</summary>
internal sealed class PolicyHandler(PolicyDesk desk, AgentConfig config) : ICommandHandler
{
    public string Name => "policy";

    public CommandOutcome Handle(CommandRequest request)
    {
        if (!PolicyParcel.TryUnpack(request.Argument("document") ?? "", out var document))
        {
            return CommandOutcome.Refused("not-accepted", "$.document is not Brotli in base64, or too large");
        }

        var errors = new ConfigErrors();
        var key = PolicyOperations.Key(config, errors);
        var outcome = desk.Stage(
            PolicySource.Remote, document, Encoding.UTF8.GetBytes(request.Argument("signature") ?? ""), key, request.Recipient);
        if (outcome is not { Done: true, Policy: { } policy })
        {
            // What the board's configuration lacks is no matter of the sender.
            return CommandOutcome.Refused(outcome.Reason, outcome.Policy is null ? "the policy is not signed as it must be, or not valid" : outcome.Message);
        }

        var json = PolicyOperations.Json(desk, policy);
        json["suspends"] = Documents.List(desk.Staged?.Hash == policy.Hash ? desk.WouldSuspend(policy) : desk.Suspended());
        return CommandOutcome.Done(Documents.Text(json));
    }
}
