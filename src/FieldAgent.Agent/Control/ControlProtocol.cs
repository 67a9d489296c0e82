using System.Text.Json.Serialization;

namespace FieldAgent.Agent.Control;

/// <summary>One line from the command line to the running agent.</summary>
/// <param name="Op"><c>status</c>, <c>consent-show</c>, <c>consent-grant</c>, <c>consent-withdraw</c>, <c>flush</c>, <c>photo</c>.</param>
/// <param name="Function">For consents: the function.</param>
/// <param name="Field">For consents: the field, or null.</param>
/// <param name="Scope">For consents: the precision, or null.</param>
/// <param name="Role">For consents: who decides.</param>
internal sealed record ControlRequest(
    string Op, string? Function = null, string? Field = null, string? Scope = null, string? Role = null);

/// <summary>The answer, one line.</summary>
/// <param name="Ok">True when it was done.</param>
/// <param name="Message">For people.</param>
/// <param name="Status">For <c>status</c>.</param>
/// <param name="Lines">Table lines for people.</param>
internal sealed record ControlReply(
    bool Ok, string Message = "", Status.StatusReport? Status = null, IReadOnlyList<string>? Lines = null)
{
    /// <summary>A refusal.</summary>
    public static ControlReply No(string message) => new(false, message);

    /// <summary>True when nobody answered: the agent does not run.</summary>
    [JsonIgnore]
    public bool NobodyThere { get; init; }
}
