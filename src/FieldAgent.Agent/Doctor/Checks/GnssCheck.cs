using FieldAgent.Devices;

namespace FieldAgent.Agent.Doctor.Checks;

/// <summary>Whether gpsd answers and its receiver has a fix. A report is asked for only where a position is granted; no position is kept or said.</summary>
internal sealed class GnssCheck : ICheck
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(4);

    /// <inheritdoc/>
    public string Group => "gnss";

    /// <inheritdoc/>
    public IEnumerable<Finding> Look(DoctorView view)
    {
        foreach (var sensor in view.Sensors.Where(static s => s.Kind == "gnss"))
        {
            if (sensor.Text("gpsd") is { Length: > 0 } address && GpsdSurvey.TrySplit(address, out var host, out var port))
            {
                yield return OfGpsd(view, $"sensor {sensor.Name}", address, host, port, view.IsGranted(sensor) == true);
            }
            else if (view.Status?.Sensors.FirstOrDefault(s => s.Name == sensor.Name) is { State: SensorState.Running } running)
            {
                yield return Finding.Ok("gnss.receiver", $"sensor {sensor.Name}", running.Detail);
            }
        }
    }

    private static Finding OfGpsd(DoctorView view, string place, string address, string host, int port, bool isGranted)
    {
        var look = GpsdSurvey.Look(host, port, isGranted ? Patience : TimeSpan.Zero, view.Ports.Clock);
        return look.Trouble.Length > 0
            ? Finding.Fail("gnss.gpsd", place, $"gpsd does not answer at {address}", "apt-get install gpsd, then systemctl enable --now gpsd.socket")
            : !isGranted
                ? Finding.Ok("gnss.gpsd", place, "gpsd answers; it was not asked for a fix, because no position is granted")
            : !look.HasReport
                ? Finding.Fail("gnss.no-receiver", place, "gpsd runs, and no receiver reports", "name the receiver in DEVICES of /etc/default/gpsd, and check its wiring")
            : !look.HasFix
                ? Finding.Warn("gnss.no-fix", place, "the receiver has no fix", "give the antenna a free view of the sky; a cold start takes minutes")
                : Finding.Ok("gnss.fix", place, FormattableString.Invariant($"a fix{(look.Satellites >= 0 ? $", {look.Satellites} satellites" : "")}"));
    }
}
