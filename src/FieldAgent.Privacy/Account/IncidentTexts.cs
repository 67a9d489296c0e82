using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>What is said of an incident (R110).</summary>
/// <param name="Word">Its kind in documents: <c>store-tampered</c>.</param>
/// <param name="Situation">What happened.</param>
/// <param name="Measures">What the agent did about it.</param>
/// <param name="Advice">What the person concerned can do.</param>
/// <param name="Remedy">What puts it right.</param>
public sealed record IncidentText(string Word, string Situation, string Measures, string Advice, string Remedy)
{
    private static readonly IncidentText[] s_texts =
    [
        new("store-tampered",
            "What the board stores was changed by somebody else than the agent, or was damaged.",
            "The agent set the changed database aside and began a new one. Where the record of consents does not hold, no consent stands until it is given again. Stored readings cannot be read without the board's key.",
            "Look at what the board may do ('fieldagent consent show'), and give again what you want to allow.",
            "Find out who had access to the board's card or its administrator account; keep the database set aside for that. Then 'fieldagent incidents clear'."),
        new("key-missing",
            "A key of the board was missing, unreadable, or another one.",
            "The agent did not start without the right key, or made a new identity where the old one was lost. Nothing was sent meanwhile.",
            "If the board has a new name at its recipients, ask them to erase what they hold under the old one, as needed.",
            "Put the key back and protect it from others (chmod 600, or a systemd credential). If it may have been copied, end all consents and begin anew. Then 'fieldagent incidents clear'."),
        new("chain-broken",
            "The record of what was done with data about people does not hold together: entries were changed, taken out, moved or cut off.",
            "The agent kept the broken record as it found it, goes on noting behind it, and signs no more checkpoints of it.",
            "Ask the operator what happened; receipts that you hold stay valid and can be checked without the board.",
            "Run 'fieldagent audit verify', also with a checkpoint that a recipient kept; keep a copy of the state folder; then 'fieldagent audit renew' and 'fieldagent incidents clear'."),
        new("credentials-refused",
            "A broker keeps refusing the board's credentials.",
            "The agent keeps the readings, tries again at growing intervals, and sends nothing anywhere else.",
            "Nothing of yours was lost or disclosed.",
            "Check the board's certificate or password and its rights at the broker: somebody may have revoked them, or may use its name. Then 'fieldagent incidents clear'."),
        new("enclosure-opened",
            "The instrument's enclosure was opened.",
            "The agent noted it and goes on.",
            "Ask the operator whether that was maintenance.",
            "Look for changes to the board, its card and its wiring. Then 'fieldagent incidents clear'."),
    ];

    /// <summary>The words for a kind.</summary>
    public static IncidentText Of(IncidentKind kind) => s_texts[(int)kind];
}
