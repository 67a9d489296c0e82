namespace FieldAgent.Delivery;

/// <summary>A member that a command's payload may have besides <c>id</c>, <c>expires</c> and <c>v</c>: a text.</summary>
/// <param name="Name">Its name.</param>
/// <param name="LengthMax">Characters at most.</param>
/// <param name="Required">True when the command is refused without it.</param>
public sealed record CommandArgument(string Name, int LengthMax, bool Required = false);

/// <summary>A command that is to be handled: checked, not expired, not seen before.</summary>
/// <param name="Id">The sender's id; a photograph carries it as <c>request</c>.</param>
/// <param name="Name">The command.</param>
/// <param name="Recipient">The recipient over whose broker it came.</param>
/// <param name="ExpiresWallUnixNs">Wall time after which the answer is of no use, Unix ns.</param>
/// <param name="Arguments">Its arguments by name.</param>
public sealed record CommandRequest(
    string Id, string Name, string Recipient, long ExpiresWallUnixNs, IReadOnlyDictionary<string, string> Arguments)
{
    /// <summary>The argument, or null.</summary>
    public string? Argument(string name) => Arguments.GetValueOrDefault(name);
}

/// <summary>What became of a command.</summary>
/// <param name="Ok">True when it was done.</param>
/// <param name="Reason">Why not, one lower-case word: <c>unknown-sensor</c>; empty when done.</param>
/// <param name="Message">One sentence for a person; holds no secret and no position. May be empty.</param>
/// <param name="DataJson">The result as a JSON value, or null.</param>
public sealed record CommandOutcome(bool Ok, string Reason, string Message, string? DataJson)
{
    /// <summary>Done, with a result.</summary>
    public static CommandOutcome Done(string? dataJson = null) => new(true, "", "", dataJson);

    /// <summary>Refused or failed.</summary>
    public static CommandOutcome Refused(string reason, string message) => new(false, reason, message, null);
}

/// <summary>What the agent does for one command. Called by couriers, each on its own thread.</summary>
public interface ICommandHandler
{
    /// <summary>The command: the last level of its topic.</summary>
    string Name { get; }

    /// <summary>What its payload may hold; anything else is refused. By default the published contract's.</summary>
    IReadOnlyList<CommandArgument> Arguments => CommandContract.ArgumentsOf(Name);

    /// <summary>Largest payload, bytes; null: as <see cref="CommandLimits.PayloadBytesMax"/> says. By default the published contract's.</summary>
    int? PayloadBytesMax => CommandContract.PayloadBytesMaxOf(Name);

    /// <summary>Does it. Must return within a second or so: the courier sends nothing meanwhile. What takes longer is begun here, and
    /// its outcome is told by data (a photograph's <c>request</c>).</summary>
    CommandOutcome Handle(CommandRequest request);
}

/// <summary>Arguments of the commands in <c>contract/</c>.</summary>
internal static class CommandContract
{
    private static readonly CommandArgument[] Photo = [new("sensor", 64)];
    private static readonly CommandArgument[] PrivacyRequest = [new("document", 8192, Required: true)];
    private static readonly CommandArgument[] Policy = [new("document", 64 * 1024, Required: true), new("signature", 1024, Required: true)];
    private static readonly CommandArgument[] Acknowledge = [new("reference", Core.Notice.ReferenceLength, Required: true)];

    /// <summary>Payload bytes of a policy: 48 KiB compressed, as base64 in JSON.</summary>
    public const int PolicyBytesMax = 72 * 1024;

    /// <summary>Largest payload of <paramref name="command"/>, bytes; null where it needs no limit of its own.</summary>
    public static int? PayloadBytesMaxOf(string command) => command == "policy" ? PolicyBytesMax : null;

    /// <summary>Arguments of <paramref name="command"/>; none when it is not in the contract.</summary>
    public static IReadOnlyList<CommandArgument> ArgumentsOf(string command) => command switch
    {
        "photo" => Photo,
        "acknowledge" => Acknowledge,
        "privacy-request" => PrivacyRequest,
        "policy" => Policy,
        _ => [],
    };
}
