using System.CommandLine;
using System.Text.Json;
using FieldAgent.Agent.Configuration;
using FieldAgent.Agent.Doctor;
using FieldAgent.Devices;
using ConfigErrors = FieldAgent.Core.Configuration.ConfigErrors;
using ConfigNode = FieldAgent.Core.Configuration.ConfigNode;

namespace FieldAgent.Agent.Cli;

/// <summary><c>fieldagent doctor</c>: looks at everything a technician would, and says what to do.</summary>
internal static class DoctorCommand
{
    public static Command Create()
    {
        var config = CommonOptions.Config();
        var state = CommonOptions.State();
        var runtime = CommonOptions.Runtime();
        var json = CommonOptions.Json();
        var bundle = new Option<string?>("--bundle") { Description = "Also write a .tar.gz for support: no secret, identifier or position is in it.", HelpName = "FILE" };
        var user = new Option<string?>("--user") { Description = "The user that the agent runs as; 'fieldagent' where the board has it.", HelpName = "NAME" };
        var command = new Command("doctor", "Looks at board, kernel, chips, clock, disk, broker and consents; exit code 1 when something fails, 0 for warnings and less.")
        {
            config, state, runtime, json, bundle, user,
        };
        command.SetAction(parsed =>
        {
            var file = parsed.GetRequiredValue(config);
            var errors = new ConfigErrors();
            var loaded = ConfigLoader.Load(file, new ConfigOverrides(parsed.GetValue(state), parsed.GetValue(runtime)), errors);
            var node = Read(file);
            var view = new DoctorView(loaded, node, new DoctorPorts { Clock = new LinuxClock(loaded?.DevicesRoot ?? "/") }, parsed.GetValue(user));
            var report = Examination.Run(view, errors.All.Select(error => Finding.Fail("configuration.error", $"{file}:{error.Line}", $"{error.Path}: {error.Message}".TrimStart(':', ' '),
                "correct it; 'fieldagent check-config' checks again")));
            if (parsed.GetValue(json))
            {
                Console.Out.WriteLine(JsonSerializer.Serialize(report, DoctorJson.Default.DoctorReport));
            }
            else
            {
                DoctorText.Write(report, Console.Out);
            }

            return parsed.GetValue(bundle) is { } target ? Bundle(target, report, view, node) : report.Healthy ? ExitCode.Ok : ExitCode.Fault;
        });
        return command;
    }

    private static int Bundle(string target, DoctorReport report, DoctorView view, ConfigNode? node)
    {
        try
        {
            SupportBundle.Write(target, report, view, node);
            Console.Error.WriteLine($"fieldagent: written to {target}");
            return report.Healthy ? ExitCode.Ok : ExitCode.Fault;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return CommandLine.Fail(ExitCode.Fault, $"{target} cannot be written: {e.Message}");
        }
    }

    private static ConfigNode? Read(string file)
    {
        try
        {
            return new FileInfo(file).Length > ConfigNode.BytesMax ? null : ConfigNode.Parse(File.ReadAllBytes(file), new ConfigErrors());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
