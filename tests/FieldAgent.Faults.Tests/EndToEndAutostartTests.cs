namespace FieldAgent.Faults.Tests;

/// <summary>Whether the agent may start with the board, as the unit that asks at boot gets it.</summary>
public sealed class EndToEndAutostartTests
{
    [Fact]
    [Promise("R7", "R52", "R54")]
    public void It_starts_with_the_board_only_while_that_is_granted_whoever_reads_the_ledger_and_after_every_boot()
    {
        using var board = new Board();
        using var broker = new MosquittoBroker();
        board.Configure(Board.Url(broker.Port), Board.Simulated());

        // a new board, on which nothing ever ran
        AssertOff(board);
        Assert.Contains("Starts the agent with the board", EndToEndBoard.Ok(board, "consent", "grant", "autostart"));
        AssertOn(board);

        // each call opens the ledger anew, as after a boot; and so does an agent that runs meanwhile
        using (var agent = board.Run())
        {
            board.StatusUntil(static s => s.GetProperty("autostart").GetBoolean(), "autostart", agent);
            AssertOn(board);
            EndToEndBoard.Ok(board, "consent", "withdraw", "autostart");
            AssertOff(board);
            Assert.Contains("stays off after a reboot", EndToEndBoard.Ok(board, "status"));
            EndToEndBoard.StopInOrder(agent);
        }

        AssertOff(board);
        EndToEndBoard.Ok(board, "consent", "grant", "autostart");
        EndToEndBoard.Ok(board, "consent", "refuse");
        AssertOff(board);

        // a start that somebody wants is never refused
        using var wanted = board.Run();
        board.StatusUntil(static s => !s.GetProperty("autostart").GetBoolean(), "an answer", wanted);
        EndToEndBoard.StopInOrder(wanted);
    }

    private static void AssertOn(Board board) => Assert.Contains("starts with the board", EndToEndBoard.Ok(board, "autostart"));

    // From 1 to 254: systemd skips the unit and calls nothing failed.
    private static void AssertOff(Board board)
    {
        var (code, text, error) = board.Command("autostart");
        Assert.Equal((1, ""), (code, text));
        Assert.Contains("consent grant autostart", error);
    }
}
