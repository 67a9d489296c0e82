using FieldAgent.Devices;

namespace FieldAgent.Agent.Doctor.Checks;

/// <summary>Whether the agent runs, and what its sensors say.</summary>
internal sealed class AgentCheck : ICheck
{
    /// <inheritdoc/>
    public string Group => "agent";

    /// <inheritdoc/>
    public IEnumerable<Finding> Look(DoctorView view)
    {
        if (view.Config is null)
        {
            yield break;
        }

        if (view.Status is not { } status)
        {
            yield return view.IsAgentStopped
                ? Finding.Warn("agent.stopped", "agent", "it does not run", "systemctl start fieldagent, or 'fieldagent run'")
                : Finding.Fail("agent.silent", "agent", view.Agent.Message, "run the doctor as root, or systemctl restart fieldagent");
            yield break;
        }

        yield return Finding.Ok("agent.runs", "agent", $"version {status.Version}, up {Agent.Status.StatusText.Age(status.UptimeSeconds)}");
        if (status.Idle is { } idle)
        {
            yield return Finding.Warn("agent.idle", "agent", idle, "fieldagent consent resume");
        }

        foreach (var sensor in status.Sensors)
        {
            if (sensor.State is not (SensorState.Running or SensorState.Closed or SensorState.Opening or SensorState.Stopped))
            {
                yield return Finding.Fail("agent.sensor", $"sensor {sensor.Name}", $"{sensor.State.ToString().ToLowerInvariant()}", sensor.Detail);
            }
        }

        foreach (var role in status.Roles ?? [])
        {
            if (!role.IsWell)
            {
                yield return Finding.Fail("agent.role", $"roles.{role.Role}", role.State.ToString().ToLowerInvariant(), role.Detail);
            }
            else if (role.Detail.Length > 0)
            {
                yield return Finding.Ok("agent.role", $"roles.{role.Role}", $"{role.Position}: {role.Detail}");
            }
        }
    }
}
