using System.Globalization;
using System.Runtime.InteropServices;

namespace FieldAgent.Agent.Hosting;

/// <summary>Gives back the memory that only the start needed. A started agent has touched nearly every page of its program, and a
/// board that is never short of memory would keep them all resident for ever.</summary>
internal static partial class StartupMemory
{
    private const int MadvDontNeed = 4;

    /// <summary>Compacts the heap, and lets go of the program's clean, read-only pages: those that are still used come back from the page
    /// cache as they are used (madvise(2), MADV_DONTNEED). Takes some milliseconds. Does nothing where /proc is not there.</summary>
    public static void Release()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        _ = MallocTrim(0);
        try
        {
            ReleaseCleanPages();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            // Memory is all that is lost.
        }
    }

    // proc(5), smaps: a header line "from-to perms offset dev inode path", then "Name: n kB" lines. Only mappings of files that cannot
    // be written to and hold no page of their own (Anonymous: 0) are released: their content is the file's, nothing can be lost.
    private static void ReleaseCleanPages()
    {
        var (from, to, isCandidate) = (0UL, 0UL, false);
        foreach (var line in File.ReadAllLines("/proc/self/smaps"))
        {
            if (IsHeader(line))
            {
                isCandidate = TryReadHeader(line, out from, out to);
            }
            else if (isCandidate && line.StartsWith("Anonymous:", StringComparison.Ordinal))
            {
                if (line.EndsWith(" 0 kB", StringComparison.Ordinal))
                {
                    _ = Advise((nuint)from, (nuint)(to - from), MadvDontNeed);
                }

                isCandidate = false;
            }
        }
    }

    private static bool IsHeader(string line) => line.Length > 0 && char.IsAsciiHexDigitLower(line[0]) && line.Contains('-', StringComparison.Ordinal);

    private static bool TryReadHeader(string line, out ulong from, out ulong to)
    {
        var parts = line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries);
        var dash = parts[0].IndexOf('-', StringComparison.Ordinal);
        from = ulong.Parse(parts[0].AsSpan(0, dash), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        to = ulong.Parse(parts[0].AsSpan(dash + 1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        return parts.Length == 6 && parts[5].StartsWith('/') && !parts[5].StartsWith("/memfd", StringComparison.Ordinal)
            && parts[1][0] == 'r' && parts[1][1] == '-';
    }

    [LibraryImport("libc", EntryPoint = "madvise", SetLastError = true)]
    private static partial int Advise(nuint address, nuint length, int advice);

    [LibraryImport("libc", EntryPoint = "malloc_trim", SetLastError = true)]
    private static partial int MallocTrim(nuint pad);
}
