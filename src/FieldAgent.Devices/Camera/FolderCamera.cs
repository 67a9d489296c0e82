using FieldAgent.Core;

namespace FieldAgent.Devices;

/// <summary>Takes the next JPEG file of a folder as a shot. What is no JPEG or too large is skipped and counted.</summary>
/// <param name="name">The sensor's name.</param>
/// <param name="folder">The folder.</param>
/// <param name="interval">Time between shots; zero: only on command.</param>
internal sealed class FolderCamera(string name, string folder, TimeSpan interval) : ISensor
{
    private const string Field = "image.photo";

    /// <inheritdoc/>
    public string Name { get; } = name;

    /// <inheritdoc/>
    public IReadOnlyList<string> OpensFor { get; } = [Field];

    /// <inheritdoc/>
    public void Run(ISensorHost host, CancellationToken stop)
    {
        // Tells a technician at once that there is nothing to take, and not at the first shot.
        List();
        var intervalNs = interval.ToNs();
        var grid = new SamplingGrid(intervalNs > 0 ? host.Clock.BootNs + intervalNs : long.MaxValue, intervalNs);
        var last = "";
        while (!stop.IsCancellationRequested)
        {
            var asked = host.WaitForTrigger(grid.NextBootNs, stop, out var requestId);
            if (stop.IsCancellationRequested)
            {
                return;
            }

            Shoot(host, ref last, requestId);
            if (!asked)
            {
                var missed = grid.Arrive(host.Clock.BootNs);
                if (missed > 0)
                {
                    host.Skipped("overrun", missed);
                }

                grid.Advance();
            }
        }
    }

    private void Shoot(ISensorHost host, ref string last, string? requestId)
    {
        var files = List();
        var after = last;
        var start = files.FindIndex(f => string.CompareOrdinal(f, after) > 0);
        for (var i = 0; i < files.Count; i++)
        {
            var file = files[(Math.Max(0, start) + i) % files.Count];
            last = file;
            var captured = host.Clock.Now();
            if (Read(host, file) is { } jpeg)
            {
                host.Deliver(new RawImage(Name, Field, jpeg, captured, requestId));
                return;
            }
        }

        throw new SensorFault(SensorFaultKind.Malformed, folder, "None of its .jpg files is a JPEG of at most 16 MiB. Put photographs there.");
    }

    private static byte[]? Read(ISensorHost host, string file)
    {
        try
        {
            using var handle = File.OpenHandle(file);
            var length = RandomAccess.GetLength(handle);
            if (length > DeviceLimits.PhotoBytesMax)
            {
                host.Skipped("photo-too-large");
                return null;
            }

            var jpeg = new byte[length];
            var read = 0;
            while (read < jpeg.Length)
            {
                var n = RandomAccess.Read(handle, jpeg.AsSpan(read), read);
                if (n == 0)
                {
                    break;
                }

                read += n;
            }

            // Start of image, then the first marker: ITU-T T.81, annex B.
            if (read == jpeg.Length && jpeg.AsSpan().StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]))
            {
                return jpeg;
            }

            host.Skipped("not-jpeg");
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            host.Skipped("photo-unreadable");
            return null;
        }
    }

    private List<string> List()
    {
        try
        {
            var files = Directory.EnumerateFiles(folder)
                .Where(static f => f.EndsWith(".jpg", StringComparison.OrdinalIgnoreCase) || f.EndsWith(".jpeg", StringComparison.OrdinalIgnoreCase))
                .Take(DeviceLimits.PhotoFilesMax)
                .Order(StringComparer.Ordinal)
                .ToList();
            return files.Count > 0
                ? files
                : throw new SensorFault(SensorFaultKind.Absent, folder, "The folder has no .jpg file. Put photographs there.");
        }
        catch (UnauthorizedAccessException e)
        {
            throw new SensorFault(SensorFaultKind.Refused, folder, "The folder may not be read by this user. Correct its mode or owner.", e);
        }
        catch (IOException e)
        {
            throw new SensorFault(SensorFaultKind.Absent, folder, "The folder does not exist. Correct 'folder'.", e);
        }
    }
}
