using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FieldAgent.Agent.Control;

namespace FieldAgent.Agent.Cli;

/// <summary><c>fieldagent audit show|verify|renew</c>: through the running agent, or in the store itself when none runs.</summary>
internal static class AuditCommand
{
    /// <summary>A checkpoint has less than a kilobyte, and its request must fit a call.</summary>
    private const int CheckpointBytesMax = 2048;

    private const int FileBytesMax = 64 << 10;

    public static Command Create()
    {
        var command = new Command("audit", "Shows and proves what was done with data about people.");
        command.Add(Show());
        command.Add(Verify());
        command.Add(Renew());
        return command;
    }

    private static Command Show()
    {
        var place = new ControlPlace();
        var since = new Option<long>("--since") { Description = "From this entry on.", HelpName = "N", DefaultValueFactory = static _ => 1 };
        var json = CommonOptions.Json();
        var show = new Command("show", "Lists the entries, oldest first.") { since, json };
        place.AddTo(show);
        show.SetAction(parsed => ControlCalls.Ask(
            parsed, place,
            ControlRequest.Of("audit-show", ("since", Math.Max(1, parsed.GetRequiredValue(since)).ToString(CultureInfo.InvariantCulture))),
            parsed.GetValue(json)));
        return show;
    }

    private static Command Verify()
    {
        var place = new ControlPlace();
        var checkpoint = new Option<string?>("--checkpoint")
        {
            Description = "Also compare with this checkpoint, as a recipient got it on the topic 'audit'.", HelpName = "FILE",
        };
        var json = CommonOptions.Json();
        var verify = new Command("verify", "Looks whether an entry was changed, taken out, moved or cut off.") { checkpoint, json };
        place.AddTo(verify);
        verify.SetAction(parsed =>
        {
            string? given = null;
            if (parsed.GetValue(checkpoint) is { } file && (given = Load(file, out var why)) is null)
            {
                return CommandLine.Fail(ExitCode.Usage, $"--checkpoint: {file}: {why}");
            }

            return ControlCalls.Ask(parsed, place, ControlRequest.Of("audit-verify", ("checkpoint", given)), parsed.GetValue(json));
        });
        return verify;
    }

    private static Command Renew()
    {
        var place = new ControlPlace();
        var renew = new Command("renew", "After a break was looked into: gives up the entries there are, and goes on with the next number.");
        place.AddTo(renew);
        renew.SetAction(parsed => ControlCalls.Ask(parsed, place, ControlRequest.Of("audit-renew")));
        return renew;
    }

    // Takes the message as it arrived, with its envelope, or the signed document alone.
    private static string? Load(string file, out string why)
    {
        why = "";
        try
        {
            if (new FileInfo(file).Length > FileBytesMax)
            {
                why = "it is too large for a checkpoint";
                return null;
            }

            var bytes = File.ReadAllBytes(file);
            if (JsonNode.Parse(bytes) is not JsonObject outer)
            {
                why = "it is no JSON object";
                return null;
            }

            var signed = outer["signature"] is null && outer["document"] is JsonObject inner
                ? Encoding.UTF8.GetBytes(inner.ToJsonString())
                : bytes;
            why = signed.Length > CheckpointBytesMax ? "it is too large for a checkpoint" : "";
            return why.Length == 0 ? Convert.ToBase64String(signed) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            why = e.Message;
            return null;
        }
    }
}
