using System.Runtime.InteropServices;
using System.Security.Cryptography;
using FieldAgent.Core;
using FieldAgent.Devices.Linux;

namespace FieldAgent.Devices.Exec;

/// <summary>Admits a program by path and hash. Between the look at it and its start nobody but root and the agent's own user can change it: a file
/// or folder that others may write is refused.</summary>
internal static unsafe class AdmittedProgram
{
    private const int PathBytesMax = 4096;
    private const int WritableByOthers = 0x12;
    private const int Sticky = 0x200;

    /// <summary>Checks a program. Reads the whole file; at most <see cref="DeviceLimits.ExecProgramBytesMax"/>.</summary>
    /// <param name="path">The path of the configuration.</param>
    /// <param name="sha256">The hash of the configuration, hexadecimal.</param>
    /// <param name="user">Number of the agent's user; who asks when null.</param>
    /// <returns>The path to start, without symbolic links.</returns>
    /// <exception cref="SensorFault">Absent, changed, or open to change by others.</exception>
    public static string Admit(string path, string sha256, uint? user = null)
    {
        var real = Resolve(path);
        for (var at = real; at is not null; at = Path.GetDirectoryName(at))
        {
            CheckOwner(at, user ?? Libc.GetEUid());
        }

        var hash = Hash(real);
        return string.Equals(hash, sha256, StringComparison.OrdinalIgnoreCase)
            ? real
            : throw new SensorFault(
                SensorFaultKind.Refused, path, $"It is not the program that was admitted: its SHA-256 is {hash}. Put the admitted file back, or look at this "
                + "one and admit it by changing 'sha256'.");
    }

    /// <summary>A path without symbolic links.</summary>
    /// <exception cref="SensorFault">Absent, or out of reach.</exception>
    public static string Resolve(string path)
    {
        var buffer = stackalloc byte[PathBytesMax + 1];
        if (Libc.RealPath(path, buffer) is not null)
        {
            return Marshal.PtrToStringUTF8((nint)buffer)!;
        }

        throw Marshal.GetLastPInvokeError() is Libc.EACCES or Libc.EPERM
            ? Unreadable(path)
            : new SensorFault(SensorFaultKind.Absent, path, "It does not exist. Put it there, or correct its path in the configuration.");
    }

    private static void CheckOwner(string path, uint user)
    {
        var status = default(Libc.Status);
        if (Libc.Statx(Libc.AT_FDCWD, path, Libc.AT_SYMLINK_NOFOLLOW, Libc.StatxModeAndOwner, &status) != 0)
        {
            throw Unreadable(path);
        }

        // In a sticky folder (/tmp) others may make files of their own, and not replace this one.
        if ((status.Owner != 0 && status.Owner != user) || ((status.Mode & WritableByOthers) != 0 && (status.Mode & Sticky) == 0))
        {
            throw new SensorFault(
                SensorFaultKind.Refused, path, "Others may change it, and with it what is run: chown root and chmod go-w, for the program and every folder above it.");
        }
    }

    private static string Hash(string path)
    {
        try
        {
            using var file = new FileStream(path, new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.Read, BufferSize = 0 });
            return file.Length <= DeviceLimits.ExecProgramBytesMax
                ? Convert.ToHexStringLower(SHA256.HashData(file))
                : throw new SensorFault(SensorFaultKind.Malformed, path, $"It is larger than {DeviceLimits.ExecProgramBytesMax >> 20} MiB.");
        }
        catch (UnauthorizedAccessException)
        {
            // A folder, too.
            throw Unreadable(path);
        }
        catch (IOException e)
        {
            throw new SensorFault(SensorFaultKind.Io, path, "It cannot be read.", e);
        }
    }

    private static SensorFault Unreadable(string path) => new(
        SensorFaultKind.Refused, path, "It is nothing that the agent's user may read. Correct its mode (chmod 755) and that of its folders.");
}
