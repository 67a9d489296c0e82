using FieldAgent.Agent.DataProtection;

namespace FieldAgent.Agent.Doctor.Checks;

/// <summary>Requests that are past their deadline, and sensors that stay closed because nobody granted what they need.</summary>
internal sealed class PrivacyCheck : ICheck
{
    /// <inheritdoc/>
    public string Group => "privacy";

    /// <inheritdoc/>
    public IEnumerable<Finding> Look(DoctorView view)
    {
        if (view.Config is not { } config || (view.Status is null && !view.IsAgentStopped))
        {
            yield break;
        }

        var overdue = view.Status is { } status ? status.Requests?.Overdue ?? 0 : view.Store.Overdue;
        if (overdue > 0)
        {
            yield return Finding.Fail("privacy.overdue", "requests", FormattableString.Invariant($"{overdue} of persons are past the deadline"),
                "answer them at once: 'fieldagent privacy requests'");
        }

        var policy = PrivacyParts.LoadPolicy(config);
        foreach (var sensor in view.Sensors.Where(sensor => view.IsGranted(sensor) == false))
        {
            var functions = policy.Rules.Where(rule => sensor.OpensFor.Contains(rule.Field.Name)).Select(static rule => rule.Function.Name).Distinct().ToList();
            yield return functions.Count > 0
                ? Finding.Warn("privacy.not-granted", $"sensor {sensor.Name}", $"stays closed: nobody has granted {string.Join(" or ", functions)}",
                    $"ask the person concerned, then 'fieldagent consent grant {functions[0]}'")
                : Finding.Warn("privacy.no-rule", $"sensor {sensor.Name}", $"stays closed: the policy has no rule for {string.Join(", ", sensor.OpensFor)}",
                    "correct 'field', or use a policy that has one");
        }
    }
}
