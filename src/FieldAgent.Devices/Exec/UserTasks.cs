using System.Globalization;
using FieldAgent.Devices.Linux;

namespace FieldAgent.Devices.Exec;

/// <summary>Counts what RLIMIT_NPROC counts: all processes and threads of this user.</summary>
internal static unsafe class UserTasks
{
    /// <summary>Counts them now; reads /proc.</summary>
    public static int Count()
    {
        var user = Libc.GetEUid();
        var count = 0;
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            var status = default(Libc.Status);
            if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out _)
                && Libc.Statx(Libc.AT_FDCWD, folder, 0, Libc.StatxModeAndOwner, &status) == 0 && status.Owner == user)
            {
                try
                {
                    count += Directory.EnumerateDirectories(Path.Join(folder, "task")).Count();
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    // It has ended meanwhile.
                }
            }
        }

        return count;
    }
}
