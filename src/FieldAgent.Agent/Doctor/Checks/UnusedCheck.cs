namespace FieldAgent.Agent.Doctor.Checks;

/// <summary>Chips that a kernel driver offers and no sensor reads.</summary>
internal sealed class UnusedCheck : ICheck
{
    // The board's own, on boards of every make.
    private static readonly string[] BoardsOwn =
        ["cpu_thermal", "rpi_volt", "rp1_adc", "pwmfan", "nvme", "soc_thermal", "gpu_thermal", "ddr_thermal", "ve_thermal", "coretemp", "acpitz", "k10temp"];

    /// <inheritdoc/>
    public string Group => "unused";

    /// <inheritdoc/>
    public IEnumerable<Finding> Look(DoctorView view) => view.Config is null ? [] : view.Chips
        .Where(chip => !BoardsOwn.Contains(chip.Name) && !view.Sensors.Any(sensor => sensor.Kind == chip.Interface && sensor.Text("device") == chip.Name))
        .DistinctBy(static chip => (chip.Interface, chip.Name))
        .Select(static chip => Finding.Warn($"unused.{chip.Interface}", $"{chip.Interface} {chip.Name}", "the kernel offers it and no sensor reads it",
            $"add {{ \"name\": \"{chip.Name}\", \"kind\": \"{chip.Interface}\", \"device\": \"{chip.Name}\" }} to 'sensors', or leave it"));
}
