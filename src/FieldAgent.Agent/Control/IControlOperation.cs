namespace FieldAgent.Agent.Control;

/// <summary>What a caller of the control socket may do (R109). Each role may do what those above it may.</summary>
internal enum ControlRole : byte
{
    /// <summary>See the state: no data of people.</summary>
    Viewer,

    /// <summary>Run the board: flush, take pictures, change consents on the operator's side.</summary>
    Operator,

    /// <summary>Everything: rights of the person concerned, holds, identity.</summary>
    Administrator,
}

/// <summary>One thing that can be asked over the control socket, or offline of the store itself.</summary>
internal interface IControlOperation
{
    /// <summary>The word in <see cref="ControlRequest.Op"/>: <c>consent-grant</c>.</summary>
    string Name { get; }

    /// <summary>The least role a caller needs.</summary>
    ControlRole Needs { get; }

    /// <summary>Carries it out. Any thread.</summary>
    /// <exception cref="Core.StoreFault">The store refused; the caller is told its message.</exception>
    ControlReply Handle(ControlRequest request);
}

/// <summary>An operation that is one function.</summary>
internal sealed record ControlOperation(string Name, ControlRole Needs, Func<ControlRequest, ControlReply> Run) : IControlOperation
{
    /// <inheritdoc/>
    public ControlReply Handle(ControlRequest request) => Run(request);
}
