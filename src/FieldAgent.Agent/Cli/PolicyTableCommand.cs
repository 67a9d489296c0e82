using System.CommandLine;
using FieldAgent.Agent.Status;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.Cli;

/// <summary><c>fieldagent policy table</c>: the necessity table and the permission table, written from the rules.</summary>
internal static class PolicyTableCommand
{
    public static Command Create()
    {
        var which = new PolicyChoice();
        var csv = new Option<bool>("--csv") { Description = "Comma-separated values: the necessity table, or with --permissions the other one." };
        var permissions = new Option<bool>("--permissions") { Description = "Only the permission table." };
        var command = new Command("table", "Prints which field is necessary for which function, and which part of the board is needed for what.")
        {
            csv, permissions,
        };
        which.AddTo(command);
        command.SetAction(parsed => which.With(parsed, policy =>
        {
            var necessity = PolicyTables.Necessity(policy);
            var needs = PolicyTables.Permissions(policy);
            if (parsed.GetValue(csv))
            {
                Console.Out.Write(PolicyTables.Csv(parsed.GetValue(permissions) ? needs : necessity));
                return;
            }

            if (!parsed.GetValue(permissions))
            {
                TextTable.Write(Console.Out, necessity, indent: 0);
                Console.Out.WriteLine();
            }

            TextTable.Write(Console.Out, needs, indent: 0);
        }));
        return command;
    }
}
