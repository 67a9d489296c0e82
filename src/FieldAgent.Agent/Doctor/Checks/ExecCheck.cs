using FieldAgent.Devices;

namespace FieldAgent.Agent.Doctor.Checks;

/// <summary>Whether the agent would run the technician's own programs. Runs none.</summary>
internal sealed class ExecCheck : ICheck
{
    /// <inheritdoc/>
    public string Group => "exec";

    /// <inheritdoc/>
    public IEnumerable<Finding> Look(DoctorView view)
    {
        foreach (var sensor in view.Sensors.Where(static s => s.Kind == "exec"))
        {
            var place = $"sensor {sensor.Name}";
            var program = sensor.Text("program");
            yield return ExecSurvey.Look(view.At(program), sensor.Text("sha256"), view.User.Id, view.User.Groups, sensor.Text("confinement") != "bestEffort") is not { } trouble
                ? Finding.Ok("exec.admitted", place, $"{program} is the program that was admitted")
                : Finding.Fail(trouble.Kind switch
                {
                    ExecTroubleKind.Absent => "exec.absent",
                    ExecTroubleKind.Changed => "exec.changed",
                    ExecTroubleKind.Kernel => "exec.kernel",
                    _ => "exec.refused",
                }, place, $"{program}: {trouble.Text}", trouble.Remedy);
        }
    }
}
