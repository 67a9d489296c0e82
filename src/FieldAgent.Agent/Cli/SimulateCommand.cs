using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using FieldAgent.Agent.Simulate;

namespace FieldAgent.Agent.Cli;

/// <summary><c>fieldagent simulate</c>: a fleet in virtual time, with bad networks and power cuts, from a seed.</summary>
internal static class SimulateCommand
{
    private static readonly TimeSpan Longest = TimeSpan.FromDays(30);

    public static Command Create()
    {
        var devices = new Option<int>("--devices") { Description = "Boards.", HelpName = "N", DefaultValueFactory = static _ => 3 };
        devices.Validators.Add(static result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 or > 200)
            {
                result.AddError("--devices: from 1 to 200");
            }
        });
        var length = CommonOptions.For("Virtual time; one hour when not given.");
        var seed = new Option<int?>("--seed") { Description = "Replays a run; a new one is drawn and printed when not given.", HelpName = "K" };
        var command = new Command("simulate", "Runs boards with gate, spool and courier through outages and power cuts in virtual time.") { devices, length, seed };
        command.SetAction(parsed =>
        {
            var span = parsed.GetValue(length) ?? TimeSpan.FromHours(1);
            return span > Longest
                ? CommandLine.Fail(ExitCode.Usage, "--for: 30d at most")
                : Run(parsed.GetValue(devices), span, parsed.GetValue(seed) ?? RandomNumberGenerator.GetInt32(1, int.MaxValue));
        });
        return command;
    }

    private static int Run(int devices, TimeSpan span, int seed)
    {
        Console.Out.WriteLine($"simulate: seed {seed}; again with: fieldagent simulate --devices {devices} --for {Core.Configuration.Opt.Write(span)} --seed {seed}");
        var folder = Directory.CreateTempSubdirectory("fieldagent-simulate-").FullName;
        try
        {
            var report = FleetSimulation.Run(devices, span, seed, folder);
            report.Consumer.WriteTable(Console.Out);
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"simulate: {devices} boards, {Core.Configuration.Opt.Write(span)}, {report.PowerCuts} power cuts (they took {report.LostInMemory} readings not yet flushed), {report.Outages} lost connections: stored {report.Stored} readings, received {report.Consumer.Readings}, missing {report.Consumer.Missing}, duplicates removed {report.Consumer.Duplicates}, waiting {report.BlocksWaiting} blocks"));
            return report.IsGood ? ExitCode.Ok : ExitCode.Fault;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
