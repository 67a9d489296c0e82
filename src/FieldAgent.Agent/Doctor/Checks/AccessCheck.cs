using FieldAgent.Agent.Configuration;
using FieldAgent.Devices;

namespace FieldAgent.Agent.Doctor.Checks;

/// <summary>Whether the agent's user may open what its sensors need, and read the files that its recipients need.</summary>
internal sealed class AccessCheck : ICheck
{
    /// <inheritdoc/>
    public string Group => "access";

    /// <inheritdoc/>
    public IEnumerable<Finding> Look(DoctorView view)
    {
        if (view.User.Id is not { } id)
        {
            yield return Finding.Warn("access.no-user", "users", $"the board has no user '{view.User.Name}'",
                "install the service ('./deploy.sh install'), or name the user with --user");
            yield break;
        }

        foreach (var finding in OfFiles(view, id))
        {
            yield return finding;
        }

        var looked = 0;
        foreach (var (place, path) in Needed(view).DistinctBy(static need => need.Path))
        {
            if (NodeAccess.Of(view.At(path)) is not { } node)
            {
                continue;
            }

            looked++;
            if (!node.Admits(id, view.User.Groups))
            {
                var group = view.User.GroupNames.GetValueOrDefault(node.Group, "root");
                const UnixFileMode shared = UnixFileMode.GroupRead | UnixFileMode.GroupWrite;
                yield return (node.Mode & shared) == shared && group != "root"
                    ? Finding.Fail("access.group", place, $"user {view.User.Name} may not open {DeviceName.Of(path)}: it is not in the group {group}",
                        $"usermod -aG {group} {view.User.Name}, then restart the service")
                    : Finding.Fail("access.mode", place, $"user {view.User.Name} may not open {DeviceName.Of(path)}: only its owner may",
                        "install systemd/fieldagent.rules as /etc/udev/rules.d/60-fieldagent.rules and restart the board");
            }
        }

        if (looked > 0)
        {
            yield return Finding.Ok("access.user", "users", FormattableString.Invariant($"user {view.User.Name}; {looked} device nodes looked at"));
        }
    }

    // Whoever starts the agent by hand is somebody else, and sees more than the service does.
    private static IEnumerable<Finding> OfFiles(DoctorView view, uint id)
    {
        if (!File.Exists(view.At("/etc/systemd/system/fieldagent.service")))
        {
            yield break;
        }

        foreach (var recipient in view.Config?.Recipients ?? [])
        {
            string?[] files = [recipient.Link.Tls?.CaFile, recipient.Link.Tls?.CertificateFile, recipient.Link.Tls?.KeyFile];
            foreach (var file in files.OfType<string>())
            {
                var place = $"broker {recipient.Name}";
                if (ServiceSandbox.Hides(file) is { } folder)
                {
                    yield return Finding.Fail("access.hidden", place, $"the service does not see {file}: {folder} is kept from it", "put the file into /etc/fieldagent, and correct its path");
                }
                else if (NodeAccess.Of(file) is { } node && !node.MayRead(id, view.User.Groups))
                {
                    yield return Finding.Fail("access.file", place, $"user {view.User.Name} may not read {file}", $"chgrp {view.User.Name} {file} && chmod 640 {file}");
                }
            }
        }
    }

    private static IEnumerable<(string Place, string Path)> Needed(DoctorView view)
    {
        foreach (var node in DeviceNodes.Of(view))
        {
            yield return (node.Place, node.Path);
        }

        if (view.Sensors.Any(DeviceNodes.UsesGpio) || view.Roles.Members.Count > 0)
        {
            var labels = view.Board?.Gpio.Select(static g => g.Label).ToList() ?? [];
            foreach (var chip in view.Ports.Gpio(view.Dev).Where(chip => labels.Count == 0 || labels.Contains(chip.Label)))
            {
                yield return ("GPIO lines", view.Plain(chip.Path));
            }
        }

        if (view.Sensors.Any(static s => s.Kind == "camera" && s.Text("folder").Length == 0) && Directory.Exists(view.Dev))
        {
            foreach (var node in Directory.EnumerateFileSystemEntries(view.Dev, "video*").Order(StringComparer.Ordinal))
            {
                yield return ("camera", view.Plain(node));
            }
        }
    }
}
