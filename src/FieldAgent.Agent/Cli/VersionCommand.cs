using System.CommandLine;
using System.Runtime.InteropServices;

namespace FieldAgent.Agent.Cli;

/// <summary><c>fieldagent version</c>.</summary>
internal static class VersionCommand
{
    public static Command Create()
    {
        var command = new Command("version", "Prints the version of the agent and of the libraries it uses.");
        var sbom = new Option<bool>("--sbom") { Description = "Print the bill of materials instead: every part by others, as CycloneDX JSON." };
        command.Add(sbom);
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(sbom))
            {
                Console.Out.WriteLine(BillOfMaterials.Write(
                    CommandLine.Version, [Store.Sqlite.SqliteLibrary.Description, Delivery.LinkLibrary.CreateFactory().Library]));
                return ExitCode.Ok;
            }

            Console.Out.WriteLine($"fieldagent {CommandLine.Version}");
            Console.Out.WriteLine($"{RuntimeInformation.FrameworkDescription} on {RuntimeInformation.RuntimeIdentifier}");
            Console.Out.WriteLine(Store.Sqlite.SqliteLibrary.Description);
            Console.Out.WriteLine(Delivery.LinkLibrary.CreateFactory().Library);
            return ExitCode.Ok;
        });
        return command;
    }
}
