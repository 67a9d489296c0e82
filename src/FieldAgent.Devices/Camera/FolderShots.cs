using FieldAgent.Core;

namespace FieldAgent.Devices;

/// <summary>Takes the next JPEG file of a folder as a shot. What is no JPEG or too large is skipped and counted.</summary>
/// <param name="folder">The folder.</param>
internal sealed class FolderShots(string folder) : IShotSource
{
    private string _last = "";

    /// <inheritdoc/>
    public void Check() => List();

    /// <inheritdoc/>
    public Shot? Take(ISensorHost host, CancellationToken stop)
    {
        var files = List();
        var start = files.FindIndex(f => string.CompareOrdinal(f, _last) > 0);
        for (var i = 0; i < files.Count; i++)
        {
            var file = files[(Math.Max(0, start) + i) % files.Count];
            _last = file;
            var captured = host.Clock.Now();
            if (Read(host, file) is { } jpeg)
            {
                return new Shot(jpeg, captured);
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

            if (read == jpeg.Length && JpegFrame.Begins(jpeg))
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
