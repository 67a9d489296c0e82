using System.Text.Json.Serialization;

namespace FieldAgent.Agent.Control;

/// <summary>One line from the command line to the running agent.</summary>
/// <param name="Op">Name of the operation: <c>status</c>, <c>consent-grant</c> …</param>
/// <param name="Arguments">Its arguments by name; absent ones are not in it.</param>
internal sealed record ControlRequest(string Op, Dictionary<string, string>? Arguments = null)
{
    /// <summary>A request with the arguments that are not null.</summary>
    public static ControlRequest Of(string op, params ReadOnlySpan<(string Name, string? Value)> arguments)
    {
        var given = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in arguments)
        {
            if (value is not null)
            {
                given.Add(name, value);
            }
        }

        return new ControlRequest(op, given);
    }

    /// <summary>An argument, or null when it was not given.</summary>
    public string? this[string name] => Arguments?.GetValueOrDefault(name);
}

/// <summary>The answer, one line.</summary>
/// <param name="Ok">True when it was done.</param>
/// <param name="Message">For people.</param>
/// <param name="Status">For <c>status</c>.</param>
/// <param name="Lines">Table lines for people.</param>
/// <param name="Json">For programs: one JSON document a line.</param>
internal sealed record ControlReply(
    bool Ok, string Message = "", Status.StatusReport? Status = null, IReadOnlyList<string>? Lines = null, IReadOnlyList<string>? Json = null)
{
    /// <summary>A refusal.</summary>
    public static ControlReply No(string message) => new(false, message);

    /// <summary>True when nobody answered: the agent does not run.</summary>
    [JsonIgnore]
    public bool NobodyThere { get; init; }

    /// <summary>True when the caller may not even connect: whether an agent runs is not known.</summary>
    [JsonIgnore]
    public bool IsRefused { get; init; }
}
