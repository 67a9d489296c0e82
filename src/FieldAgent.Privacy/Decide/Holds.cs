using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>A legal hold as it stands in the ledger (R86).</summary>
/// <param name="Reference">Its name; <see cref="ConsentAction.Release"/> ends it by that name.</param>
/// <param name="Function">The function whose data it keeps; <c>*</c>: of every function.</param>
/// <param name="Field">The field; <c>*</c>: every field.</param>
/// <param name="Reason">Why.</param>
/// <param name="ExpiresWallUnixNs">When it ends by itself, Unix ns; 0: it does not.</param>
/// <param name="Event">The event that made it: when, by whom.</param>
public sealed record Hold(string Reference, string Function, string Field, string Reason, long ExpiresWallUnixNs, ConsentEvent Event)
{
    /// <summary>True when it keeps (<paramref name="function"/>, <paramref name="field"/>) at that moment (Unix ns).</summary>
    public bool Keeps(string function, string field, long atWallNs) =>
        LedgerScope.Covers(Function, Field, function, field) && (ExpiresWallUnixNs == 0 || atWallNs < ExpiresWallUnixNs);
}

/// <summary>The legal holds of a ledger, as they stand after its last event. Immutable; any thread.</summary>
public sealed class Holds : IHolds
{
    private readonly Hold[] _holds;

    private Holds(Hold[] holds) => _holds = holds;

    /// <summary>Holds that were made and not released, oldest first, those that have ended by themselves included.</summary>
    public IReadOnlyList<Hold> All => _holds;

    /// <summary>Reads the holds out of a ledger. One of the same name adds to the one there is: it never shortens it.</summary>
    /// <param name="events">All events of the ledger, oldest first.</param>
    public static Holds Of(IReadOnlyList<ConsentEvent> events)
    {
        var holds = new List<Hold>();
        foreach (var next in events)
        {
            if (next.Action == ConsentAction.Hold)
            {
                holds.Add(new Hold(next.Reference, next.Function, next.Field, next.Reason, next.ExpiresWallUnixNs, next));
            }
            else if (next.Action == ConsentAction.Release)
            {
                holds.RemoveAll(hold => hold.Reference == next.Reference);
            }
        }

        return new Holds([.. holds]);
    }

    /// <inheritdoc/>
    public bool IsHeld(string function, string field, long atWallNs)
    {
        foreach (var hold in _holds)
        {
            if (hold.Keeps(function, field, atWallNs))
            {
                return true;
            }
        }

        return false;
    }
}

/// <summary>Whether stored data may be erased.</summary>
public static class Erasing
{
    /// <summary>True when no hold keeps (<paramref name="function"/>, <paramref name="field"/>). The only thing that forbids an erasure which
    /// a term, a withdrawal or a request demands (R86).</summary>
    /// <param name="holds">The holds.</param>
    /// <param name="function">The function.</param>
    /// <param name="field">The field.</param>
    /// <param name="atWallNs">Trusted time, Unix ns.</param>
    public static bool MayErase(this IHolds holds, string function, string field, long atWallNs) =>
        !holds.IsHeld(function, field, atWallNs);
}

/// <summary>What the function and the field of a ledger event cover.</summary>
internal static class LedgerScope
{
    /// <summary>Stands for every function or every field.</summary>
    public const string Everything = "*";

    /// <summary>True when an event is about everything at once: the refusal of all, and its end.</summary>
    public static bool IsEverything(ConsentEvent e) => e.Function == Everything && e.Field == Everything;

    /// <summary>True when the scope covers (<paramref name="function"/>, <paramref name="field"/>).</summary>
    public static bool Covers(string scopeFunction, string scopeField, string function, string field) =>
        (scopeFunction == Everything || scopeFunction == function) && (scopeField == Everything || scopeField == field);
}
