using System.Globalization;
using FieldAgent.Agent.Control;
using FieldAgent.Core;
using FieldAgent.Core.Configuration;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.Hosting;

/// <summary>Consents with their consequences: the ledger entry first, then the gate (which closes sensors), then the erasure of
/// what is stored and not yet sent. Any thread.</summary>
internal sealed class ConsentService(ConsentDesk desk, Gate gate, ISpool spool)
{
    /// <summary>Carries out <c>consent-show</c>, <c>consent-grant</c> or <c>consent-withdraw</c>.</summary>
    /// <exception cref="StoreFault">It could not be stored; repeat the command.</exception>
    public ControlReply Handle(ControlRequest request) => request.Op switch
    {
        "consent-show" => new ControlReply(true, Lines: Show()),
        "consent-grant" when request.Function is not null =>
            Answer(desk.Grant(request.Function, request.Field, request.Scope, request.Role ?? "operator", "cli")),
        "consent-withdraw" when request.Function is not null =>
            Answer(desk.Withdraw(request.Function, request.Field, request.Role ?? "operator", "cli")),
        _ => ControlReply.No($"unknown request '{request.Op}'"),
    };

    private ControlReply Answer(ConsentOutcome outcome)
    {
        if (!outcome.Done)
        {
            return ControlReply.No(outcome.Message);
        }

        long erased = 0;
        foreach (var pair in outcome.Erase)
        {
            erased += spool.Erase(pair.Function, pair.Field, GapReason.ConsentWithdrawn);
        }

        return new ControlReply(true, outcome.Erase.Count == 0
            ? outcome.Message
            : string.Create(CultureInfo.InvariantCulture, $"{outcome.Message}; erased before it was sent: {erased} readings and pictures"));
    }

    private List<string> Show()
    {
        using var text = new StringWriter(CultureInfo.InvariantCulture);
        text.WriteLine($"policy {gate.Policy.Version}, {gate.Policy.Controller}");
        List<string[]> rows = [["function", "field", "state", "as exact as", "what for", "kept", "to", "since"]];
        foreach (var line in desk.Show())
        {
            rows.Add(
            [
                line.Rule.Function.Name,
                line.Rule.Field.Name,
                line.State switch
                {
                    ConsentState.Basic => "on (contract)",
                    ConsentState.Granted => "GRANTED",
                    ConsentState.Withdrawn => "withdrawn",
                    _ => "off",
                },
                line.Rule.Field.Name.StartsWith("location.", StringComparison.Ordinal) && line.State == ConsentState.Granted
                    ? line.Precision.ToString().Replace("Cell", "", StringComparison.Ordinal).ToLowerInvariant() : "",
                line.Rule.Purpose,
                Opt.Write(line.Rule.Term),
                string.Join(", ", line.Rule.Recipients),
                line.Last is { } last
                    ? $"{ClockExtensions.ToDate(last.At.WallUnixNs):yyyy-MM-dd HH:mm} UTC by {last.Role}" : "",
            ]);
        }

        Status.TextTable.Write(text, rows);
        return [.. text.ToString().TrimEnd().Split('\n')];
    }
}
