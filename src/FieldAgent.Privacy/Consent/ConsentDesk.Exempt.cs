using System.Globalization;
using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <content>Processing without consent, on one of the closed list of grounds (R16).</content>
public sealed partial class ConsentDesk
{
    /// <summary>Longest time for which a ground is used at once: whoever needs it for longer looks again whether it still stands.</summary>
    public static readonly TimeSpan ExemptMax = TimeSpan.FromDays(31);

    /// <summary>Uses an exemption from consent: the function may use the field until its end or a withdrawal, and no longer.</summary>
    /// <param name="function">An extended function.</param>
    /// <param name="field">The field; each is exempted by its name.</param>
    /// <param name="scope">For a place how exact, as for <see cref="Grant"/>.</param>
    /// <param name="ground">One of <see cref="ClosedLists.Exemptions"/>.</param>
    /// <param name="untilWallUnixNs">Its end, Unix ns: later than now, by <see cref="ExemptMax"/> at most.</param>
    /// <param name="by">Who answers for it, and how.</param>
    /// <returns>What was done, or why not.</returns>
    /// <exception cref="StoreFault">It could not be stored; repeat the command.</exception>
    public ConsentOutcome Exempt(string function, string field, string? scope, string ground, long untilWallUnixNs, ConsentBy by)
    {
        lock (_lock)
        {
            if (CheckWho(by) is { } who)
            {
                return who;
            }

            var at = clock.Now();
            if (ClosedLists.Exemptions.WhyNot(ground) is { } whyNot)
            {
                return ConsentOutcome.Refuse(ConsentRefusal.Exemption, whyNot);
            }

            if (!Exemptions.Covers(field))
            {
                return ConsentOutcome.Refuse(ConsentRefusal.Exemption, field == Everything
                    ? "an exemption names its field" : $"{field} needs a consent in any case; nothing exempts from it");
            }

            if (untilWallUnixNs <= at.WallUnixNs || untilWallUnixNs - at.WallUnixNs > ExemptMax.ToNs())
            {
                return ConsentOutcome.Refuse(ConsentRefusal.Exemption, string.Create(
                    CultureInfo.InvariantCulture, $"an exemption ends: name a time in the future, at most {ExemptMax.TotalDays:0} days away"));
            }

            if (Refused() is not null)
            {
                return ConsentOutcome.Refuse(
                    ConsentRefusal.Idle, "everything was refused, so nothing is used; 'fieldagent consent resume' ends that first");
            }

            if (Select(function, field, granting: true, out var rules) is { } refused)
            {
                return refused;
            }

            if (Scopes(rules, scope, out var grants) is { } problem)
            {
                return ConsentOutcome.Refuse(ConsentRefusal.Scope, problem);
            }

            var events = Append([.. grants.Select(grant => New(ConsentAction.Exempt, new ConsentPair(function, grant.Field), grant.Scope, by, at) with
            {
                Reason = ground,
                ExpiresWallUnixNs = untilWallUnixNs,
            })]);
            return new ConsentOutcome(
                ConsentRefusal.None,
                string.Create(CultureInfo.InvariantCulture,
                    $"{function} may use {field} without consent until {ClockExtensions.ToDate(untilWallUnixNs):yyyy-MM-dd HH:mm} UTC: it {ClosedLists.Exemptions.Meaning(ground)}"),
                events, []);
        }
    }

    // What stands on an exemption has no consent, and is in use all the same: it is shown, and a withdrawal ends it.
    private static ConsentEvent? Exemption(ConsentHistory history, string function, string field, long nowWallUnixNs) =>
        history.Find(function, field)?.Exemption is { } used && used.ExpiresWallUnixNs > nowWallUnixNs ? used : null;
}
