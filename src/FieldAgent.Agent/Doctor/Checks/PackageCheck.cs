namespace FieldAgent.Agent.Doctor.Checks;

/// <summary>Whether the Debian packages that the sensors need are there. Says nothing on a board without dpkg.</summary>
internal sealed class PackageCheck : ICheck
{
    private const string Database = "var/lib/dpkg/info";

    // Some libraries have a name of their own since their times have 64 bits.
    private static readonly string[] Endings = ["", "t64"];

    /// <inheritdoc/>
    public string Group => "package";

    /// <inheritdoc/>
    public IEnumerable<Finding> Look(DoctorView view)
    {
        var database = Path.Join(view.Root, Database);
        return !Directory.Exists(database) ? [] : (view.Config?.Sensors ?? [])
            .SelectMany(static sensor => sensor.Packages.Select(package => (Sensor: sensor.Name, Package: package)))
            .Where(need => !Endings.Any(ending => Has(database, need.Package + ending)))
            .Select(static need => Finding.Fail(
                "package.missing", $"sensor {need.Sensor}", $"needs the package {need.Package}, which is not installed", $"apt-get install {need.Package}, then restart the service"));
    }

    // NAME.list, or NAME:amd64.list where several architectures may be side by side.
    private static bool Has(string database, string package) =>
        File.Exists(Path.Join(database, package + ".list")) || Directory.EnumerateFiles(database, package + ":*.list").Any();
}
