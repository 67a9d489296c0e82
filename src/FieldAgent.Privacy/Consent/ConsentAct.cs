using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>What one command did to consents: the events it appended, for which there is one receipt.</summary>
/// <param name="Events">The events, at least one, all of one action.</param>
public sealed record ConsentAct(IReadOnlyList<ConsentEvent> Events)
{
    /// <summary>Its number, which is the receipt's: that of its last event.</summary>
    public long Number => Events[^1].Id;

    /// <summary>Granted or withdrawn.</summary>
    public ConsentAction Action => Events[0].Action;

    /// <summary>When.</summary>
    public Stamp At => Events[0].At;

    /// <summary>True when it is about everything the board does: refused as a whole, or resumed.</summary>
    public bool IsAboutEverything => Events.Any(static e => e.Function == ConsentDesk.Everything);
}

/// <summary>Reads acts from the ledger, and what each of them still has to bring about. Pure.</summary>
public static class ConsentActs
{
    /// <summary>The acts whose events come after event <paramref name="covered"/>, oldest first. Events of one command carry one
    /// stamp; holds, exemptions and policies are no acts.</summary>
    public static IReadOnlyList<ConsentAct> After(IReadOnlyList<ConsentEvent> ledger, long covered)
    {
        var acts = new List<ConsentAct>();
        List<ConsentEvent>? act = null;
        foreach (var next in ledger)
        {
            if (next.Id <= covered || next.Action is not (ConsentAction.Grant or ConsentAction.Withdraw))
            {
                continue;
            }

            if (act is null || !IsSameCommand(act[^1], next))
            {
                act = [];
                acts.Add(new ConsentAct(act));
            }

            act.Add(next);
        }

        return acts;
    }

    /// <summary>What of the stored data <paramref name="act"/> leaves without grounds: what was withdrawn and not granted since, and
    /// what was admitted more exactly than it is granted now.</summary>
    public static IReadOnlyList<ConsentPair> ToErase(IReadOnlyList<ConsentEvent> ledger, ConsentAct act, Policy policy)
    {
        var pairs = new List<ConsentPair>();
        foreach (var one in act.Events)
        {
            if (one.Action == ConsentAction.Grant)
            {
                if (IsNarrower(ledger, one))
                {
                    pairs.Add(new ConsentPair(one.Function, one.Field));
                }
            }
            else if (Last(ledger, one.Function, one.Field, long.MaxValue) is { Action: ConsentAction.Withdraw })
            {
                pairs.AddRange(one.Function == ConsentDesk.Everything
                    ? AllOf(policy, ledger)
                    : [new ConsentPair(one.Function, one.Field)]);
            }
        }

        return [.. pairs.Distinct()];
    }

    /// <summary>Every pair that the policy has a rule for, or that the ledger knows.</summary>
    public static IEnumerable<ConsentPair> AllOf(Policy policy, IReadOnlyList<ConsentEvent> ledger) =>
        policy.Rules.Select(static rule => new ConsentPair(rule.Function.Name, rule.Field.Name))
            .Concat(ledger.Where(static e => e.Action is ConsentAction.Grant or ConsentAction.Withdraw && e.Function != ConsentDesk.Everything)
                .Select(static e => new ConsentPair(e.Function, e.Field)))
            .Distinct();

    /// <summary>The newest grant or withdrawal of exactly this pair before event <paramref name="before"/>; null when there is none.</summary>
    internal static ConsentEvent? Last(IReadOnlyList<ConsentEvent> ledger, string function, string field, long before)
    {
        for (var i = ledger.Count - 1; i >= 0; i--)
        {
            var one = ledger[i];
            if (one.Id < before && one.Function == function && one.Field == field && one.Action is ConsentAction.Grant or ConsentAction.Withdraw)
            {
                return one;
            }
        }

        return null;
    }

    private static bool IsNarrower(IReadOnlyList<ConsentEvent> ledger, ConsentEvent grant) =>
        Last(ledger, grant.Function, grant.Field, grant.Id) is { Action: ConsentAction.Grant } before
        && ConsentScope.TryRead(before.Field, before.Scope, out var old)
        && ConsentScope.TryRead(grant.Field, grant.Scope, out var now)
        && now > old;

    private static bool IsSameCommand(ConsentEvent last, ConsentEvent next) =>
        next.Id == last.Id + 1 && next.At == last.At && next.Action == last.Action && next.Role == last.Role && next.Method == last.Method;
}
