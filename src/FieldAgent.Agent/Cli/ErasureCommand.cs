using System.CommandLine;

namespace FieldAgent.Agent.Cli;

/// <summary><c>fieldagent erasure list|receipt</c>: what was erased on the board, how it was proved, who was asked to erase the rest.</summary>
internal static class ErasureCommand
{
    public static Command Create() => new("erasure", "Shows what was erased on the board, and who was asked to erase their part.")
    {
        ConsentCommand.Ask("list", "Lists erasures and requests, newest erasure first.", "erasure-list"),
        ConsentCommand.Document(
            "Shows the signed receipt of an erasure: what, why, how it was proved, and what was not.", "erasure-receipt", "erasure, as 'erasure list' lists it"),
    };
}
