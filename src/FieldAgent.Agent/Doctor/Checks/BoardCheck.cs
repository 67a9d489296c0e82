namespace FieldAgent.Agent.Doctor.Checks;

/// <summary>Which board it is.</summary>
internal sealed class BoardCheck : ICheck
{
    /// <inheritdoc/>
    public string Group => "board";

    /// <inheritdoc/>
    public IEnumerable<Finding> Look(DoctorView view)
    {
        yield return view.Model.Length == 0
            ? Finding.Ok("board.model", "board", "no device tree: a computer, a virtual machine or a container")
            : view.Board is { } board
                ? Finding.Ok("board.model", "board", $"{view.Model}; 'fieldagent boards show {board.Name}' shows its pins")
                : Finding.Ok("board.model", "board", $"{view.Model}: there is no profile of it, so remedies name no overlay lines");
    }
}
