using FieldAgent.Agent.Status;

namespace FieldAgent.Agent.Doctor.Checks;

/// <summary>Free space, and how full the state folder is.</summary>
internal sealed class DiskCheck : ICheck
{
    // From here on old data will be given up soon.
    private const double NearlyFull = 0.9;

    /// <inheritdoc/>
    public string Group => "disk";

    /// <inheritdoc/>
    public IEnumerable<Finding> Look(DoctorView view)
    {
        if (view.Config is not { } config)
        {
            yield break;
        }

        var folder = config.StateDirectory;
        while (!Directory.Exists(folder) && Path.GetDirectoryName(folder) is { } above)
        {
            folder = above;
        }

        if (view.Ports.Disk(folder) is not { } disk)
        {
            yield return Finding.Warn("disk.unseen", config.StateDirectory, "the kernel does not say how much is free", "check that its file system is mounted");
        }
        else if (disk.IsReadOnly)
        {
            yield return Finding.Fail("disk.read-only", config.StateDirectory,
                "its file system is read-only: so the kernel leaves a card after an error of it, or somebody mounted it so",
                "look for errors in 'dmesg' and restart the board, which checks the card; replace the card if it happens again");
        }
        else if (disk.Free <= config.FreeBytesMin)
        {
            yield return Finding.Fail("disk.full", config.StateDirectory,
                $"{StatusText.Size(disk.Free)} free; the agent leaves {StatusText.Size(config.FreeBytesMin)} free and gives up old data for it",
                "delete what is not needed (journalctl --vacuum-size=50M, apt-get clean), or fit a larger card");
        }
        else if (disk.Free < config.FreeBytesMin * 2)
        {
            yield return Finding.Warn("disk.low", config.StateDirectory, $"{StatusText.Size(disk.Free)} free", "delete what is not needed, or fit a larger card");
        }
        else
        {
            yield return Finding.Ok("disk.free", config.StateDirectory, $"{StatusText.Size(disk.Free)} of {StatusText.Size(disk.Total)} free");
        }

        if (Directory.Exists(config.StateDirectory))
        {
            var bytes = new DirectoryInfo(config.StateDirectory).EnumerateFiles("*", SearchOption.AllDirectories).Sum(static file => file.Length);
            yield return bytes > config.StateBytesMax * NearlyFull
                ? Finding.Warn("disk.cap", config.StateDirectory, $"{StatusText.Size(bytes)} stored of {StatusText.Size(config.StateBytesMax)} at most: the oldest data is given up next",
                    "see why nothing is delivered (findings of 'broker'), or raise state.bytesMax")
                : Finding.Ok("disk.state", config.StateDirectory, $"{StatusText.Size(bytes)} stored of {StatusText.Size(config.StateBytesMax)} at most");
        }
    }
}
