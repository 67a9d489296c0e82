using FieldAgent.Agent.Cli;
using FieldAgent.Agent.Doctor.Checks;
using FieldAgent.Core;

namespace FieldAgent.Agent.Doctor;

/// <summary>Runs all checks: one that cannot look says so, and the others go on.</summary>
internal static class Examination
{
    /// <summary>The checks, in the order in which a technician goes about it: one line a check.</summary>
    public static IReadOnlyList<ICheck> All { get; } =
    [
        new BoardCheck(),
        new PowerCheck(),
        new InterfaceCheck(),
        new AccessCheck(),
        new I2cCheck(),
        new GpioCheck(),
        new UnusedCheck(),
        new CameraCheck(),
        new ModbusCheck(),
        new ExecCheck(),
        new PackageCheck(),
        new GnssCheck(),
        new ClockCheck(),
        new DiskCheck(),
        new AgentCheck(),
        new StoreCheck(),
        new PrivacyCheck(),
        new BrokerCheck(),
        new CertificateCheck(),
    ];

    /// <summary>Looks at everything.</summary>
    public static DoctorReport Run(DoctorView view, IEnumerable<Finding> already)
    {
        List<Finding> findings = [.. already, .. All.SelectMany(check => Look(check, view))];
        return new DoctorReport(CommandLine.Version, view.Model, findings.TrueForAll(static f => f.Result != Verdict.Fail), findings);
    }

    private static List<Finding> Look(ICheck check, DoctorView view)
    {
        var findings = new List<Finding>();
        try
        {
            findings.AddRange(check.Look(view));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or SensorFault or StoreFault)
        {
            findings.Add(Finding.Warn(check.Group + ".unseen", check.Group, $"could not be looked at: {e.Message}", "run the doctor as root"));
        }

        return findings;
    }
}
