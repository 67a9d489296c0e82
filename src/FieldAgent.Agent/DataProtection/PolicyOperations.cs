using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using FieldAgent.Agent.Cli;
using FieldAgent.Agent.Configuration;
using FieldAgent.Agent.Control;
using FieldAgent.Core.Configuration;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.DataProtection;

/// <summary><c>policy-show</c>, <c>policy-stage</c>, <c>policy-staged</c>, <c>policy-changes</c>.</summary>
internal static class PolicyOperations
{
    /// <summary>The operations.</summary>
    public static IEnumerable<IControlOperation> All(PolicyDesk desk, Gate gate, AgentConfig config) =>
    [
        new ControlOperation("policy-show", ControlRole.Viewer, _ => new ControlReply(true, Json: [Encoding.UTF8.GetString(gate.Policy.Document.Span)])),
        new ControlOperation("policy-stage", ControlRole.Administrator, request => Stage(desk, config, request)),
        new ControlOperation("policy-staged", ControlRole.Viewer, _ => desk.Staged is { } staged
            ? Difference(gate.Policy, staged, string.Create(CultureInfo.InvariantCulture,
                $"staged: policy {staged.Version} takes effect on {staged.EffectiveFrom:yyyy-MM-dd} (UTC), by a clock that is set"))
            : new ControlReply(true, $"no policy waits; {gate.Policy.Version} is in force", Json: [])),
        new ControlOperation("policy-changes", ControlRole.Viewer, _ => desk.Before() is { } before
            ? Difference(before, gate.Policy, desk.Suspended() is { Count: > 0 } suspended
                ? $"still suspended: {string.Join(", ", suspended)}; 'fieldagent consent grant FUNCTION' ends that" : "nothing is suspended")
            : new ControlReply(true, $"policy {gate.Policy.Version} is the first on this board, or the one before is not kept", Json: [])),
    ];

    /// <summary>The policy of an outcome, for programs.</summary>
    public static JsonObject Json(PolicyDesk desk, Policy policy) => new()
    {
        ["version"] = policy.Version,
        ["hash"] = policy.Hash,
        ["effectiveFrom"] = policy.EffectiveFrom.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        ["state"] = desk.Staged?.Hash == policy.Hash ? "staged" : "in-force",
    };

    /// <summary>The public key that signs policies; null when none is configured.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="errors">Gets what is wrong with the key's file.</param>
    public static string? Key(AgentConfig config, ConfigErrors errors) =>
        config.PolicyKeyFile is { } file ? PolicyFiles.ReadKey(file, errors) : null;

    private static ControlReply Stage(PolicyDesk desk, AgentConfig config, ControlRequest request)
    {
        if (!PolicyParcel.TryUnpack(request["document"] ?? "", out var document))
        {
            return ControlReply.No("policy-stage: the document is not packed as it must be");
        }

        var errors = new ConfigErrors();
        var signature = Encoding.UTF8.GetBytes(request["signature"] ?? "");
        var key = Key(config, errors);
        if (!errors.IsEmpty || (signature.Length > 0 && key is null))
        {
            return ControlReply.No(errors.IsEmpty
                ? "a signature is checked only when the configuration names the key that signs policies: set 'policyKey'" : errors.All[0].Message);
        }

        var outcome = desk.Stage(PolicySource.Local, document, signature, key, "operator");
        return outcome is { Done: true, Policy: { } policy }
            ? new ControlReply(true, outcome.Message, Json: [Documents.Text(Json(desk, policy))])
            : ControlReply.No(outcome.Message);
    }

    private static ControlReply Difference(Policy older, Policy newer, string title)
    {
        var difference = PolicyDiff.Compare(older, newer);
        using var text = new StringWriter(CultureInfo.InvariantCulture);
        text.WriteLine(title);
        text.WriteLine($"what is new: {newer.Changes.En}");
        PolicyDiffCommand.Write(older, newer, difference, text);
        using var json = new StringWriter(CultureInfo.InvariantCulture);
        PolicyJson.Write(difference, json);
        return new ControlReply(
            true, Lines: text.ToString().TrimEnd().Split('\n'), Json: json.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }
}
