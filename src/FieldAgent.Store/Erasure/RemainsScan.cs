using FieldAgent.Store.Files;
using FieldAgent.Store.Keys;
using Microsoft.Win32.SafeHandles;

namespace FieldAgent.Store.Erasure;

/// <summary>What a scan found.</summary>
/// <param name="Files">Files read.</param>
/// <param name="Bytes">Bytes in them.</param>
/// <param name="Remains">Marks beyond those that must be there.</param>
/// <param name="Place">The first file that has any; null when there are none.</param>
internal sealed record ScanFinding(int Files, long Bytes, int Remains, string? Place);

/// <summary>Reads every byte of the state directory and counts the marks of given keys. One pass whatever their number: all marks begin
/// alike, and that beginning is looked for with vector instructions.</summary>
internal static class RemainsScan
{
    private const int ChunkBytes = 1 << 20;

    /// <summary>Scans.</summary>
    /// <param name="folder">The state directory.</param>
    /// <param name="prefix">What all marks begin with.</param>
    /// <param name="expected">The marks looked for, with how often each must be there; 0 for a key that is destroyed.</param>
    /// <param name="open">The descriptor to read a file through when it is open already: closing another one would drop the locks that
    /// SQLite holds on it (POSIX locks belong to the process).</param>
    /// <exception cref="IOException">A file cannot be read: nothing is proved.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public static ScanFinding Scan(
        StateFolder folder, ReadOnlySpan<byte> prefix, IReadOnlyDictionary<ulong, long> expected, Func<string, SafeFileHandle?> open)
    {
        var counts = expected.Keys.ToDictionary(static mark => mark, static _ => 0L);
        var places = new Dictionary<ulong, string>();
        var buffer = new byte[ChunkBytes + Canary.Bytes];
        var (files, bytes) = (0, 0L);
        foreach (var path in folder.AllFiles())
        {
            files++;
            if (open(path) is { } held)
            {
                bytes += Count(held, prefix, counts, places, path, buffer);
                continue;
            }

            using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, FileOptions.SequentialScan);
            bytes += Count(file, prefix, counts, places, path, buffer);
        }

        var remains = 0L;
        string? place = null;
        foreach (var (mark, count) in counts)
        {
            if (count > expected[mark])
            {
                remains += count - expected[mark];
                place ??= places[mark];
            }
        }

        return new ScanFinding(files, bytes, (int)Math.Min(int.MaxValue, remains), place);
    }

    private static long Count(
        SafeFileHandle file, ReadOnlySpan<byte> prefix, Dictionary<ulong, long> counts, Dictionary<ulong, string> places, string path, byte[] buffer)
    {
        long offset = 0;
        var kept = 0;
        while (RandomAccess.Read(file, buffer.AsSpan(kept, ChunkBytes), offset) is > 0 and var read)
        {
            offset += read;
            var content = buffer.AsSpan(0, kept + read);
            var at = 0;
            while (content[at..].IndexOf(prefix) is >= 0 and var found && at + found + Canary.Bytes <= content.Length)
            {
                at += found;
                var mark = Canary.Read(content[at..]);
                if (counts.TryGetValue(mark, out var count))
                {
                    counts[mark] = count + 1;
                    places[mark] = path;
                }

                at++;
            }

            // a mark may lie across two chunks; one that was counted is not in what is kept
            kept = Math.Min(Canary.Bytes - 1, content.Length);
            content[^kept..].CopyTo(buffer);
        }

        return offset;
    }
}
