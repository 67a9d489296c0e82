using FieldAgent.Agent.DataProtection;
using FieldAgent.Agent.Status;

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
            yield return Finding.Fail("privacy.overdue", "requests", $"{Plural.Of(overdue, "request of a person is", "requests of persons are")} past the deadline",
                "answer them at once: 'fieldagent privacy requests'");
        }

        foreach (var finding in AfterReboot(view))
        {
            yield return finding;
        }

        var policy = PrivacyParts.LoadPolicy(config);
        foreach (var sensor in view.Sensors.Where(sensor => view.IsGranted(sensor) == false))
        {
            if (view.WhyClosedForNow(sensor) is { Length: > 0 } why)
            {
                yield return Finding.Warn("privacy.for-now", $"sensor {sensor.Name}", $"closed for now: {why}", "'fieldagent consent show' and 'fieldagent status' say what ends that");
                continue;
            }

            var functions = policy.Rules.Where(rule => sensor.OpensFor.Contains(rule.Field.Name)).Select(static rule => rule.Function.Name).Distinct().ToList();
            yield return functions.Count > 0
                ? Finding.Warn("privacy.not-granted", $"sensor {sensor.Name}", $"stays closed: nobody has granted {string.Join(" or ", functions)}",
                    $"ask the person concerned, then 'fieldagent consent grant {functions[0]}'")
                : Finding.Warn("privacy.no-rule", $"sensor {sensor.Name}", $"stays closed: the policy has no rule for {string.Join(", ", sensor.OpensFor)}",
                    "correct 'field', or use a policy that has one");
        }
    }

    // Only where the service is installed does it matter.
    private static IEnumerable<Finding> AfterReboot(DoctorView view)
    {
        const string id = "privacy.autostart";
        const string place = "after a reboot";
        if (!File.Exists(view.At($"/etc/systemd/system/{Autostart.Unit}"))
            || (view.Status is { } status ? status.Autostart : view.Store.Gate is { } gate ? Autostart.IsGranted(gate) : null as bool?) is not { } isGranted)
        {
            yield break;
        }

        if (!isGranted)
        {
            yield return Finding.Warn(id, place, "the agent stays off until somebody starts it: nobody has granted autostart",
                "leave it so, or 'fieldagent consent grant autostart'");
        }
        else if (!Path.Exists(view.At($"/etc/systemd/system/multi-user.target.wants/{Autostart.Unit}")))
        {
            yield return Finding.Warn(id, place, "the agent stays off, although autostart is granted: nothing asks at boot",
                $"'systemctl enable {Autostart.Unit}'");
        }
        else
        {
            yield return Finding.Ok(id, place, "the agent starts with the board: autostart is granted");
        }
    }
}
