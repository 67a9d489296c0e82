using System.Globalization;
using FieldAgent.Agent.Control;
using FieldAgent.Core;
using FieldAgent.Core.Configuration;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.DataProtection;

/// <summary>Consents with their consequences: the ledger entry first, then the gate (which closes sensors), then the erasure of
/// what is stored and not yet sent. Any thread.</summary>
internal sealed class ConsentService(ConsentDesk desk, Gate gate, ISpool spool)
{
    /// <summary>Grants.</summary>
    /// <exception cref="StoreFault">It could not be stored; repeat the command.</exception>
    public ControlReply Grant(string function, string? field, string? scope, string role) =>
        Answer(desk.Grant(function, field, scope, role, "cli"));

    /// <summary>Withdraws.</summary>
    /// <exception cref="StoreFault">It could not be stored; repeat the command.</exception>
    public ControlReply Withdraw(string function, string? field, string role) =>
        Answer(desk.Withdraw(function, field, role, "cli"));

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

    /// <summary>Every rule with its standing, as a table.</summary>
    public List<string> Show()
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
