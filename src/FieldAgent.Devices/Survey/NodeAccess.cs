using System.Runtime.InteropServices;

namespace FieldAgent.Devices;

/// <summary>Owner, group and mode of a file.</summary>
/// <param name="User">Number of its owner.</param>
/// <param name="Group">Number of its group.</param>
/// <param name="Mode">Permission bits.</param>
public readonly partial record struct NodeAccess(uint User, uint Group, UnixFileMode Mode)
{
    // struct statx has one layout everywhere: uid at 20, gid at 24, mode at 28 (statx(2)).
    private const int StatxBytes = 256;
    private const int CurrentFolder = -100;
    private const uint BasicStats = 0x7FF;

    /// <summary>Reads them; follows links. Null when the file is not there or cannot be seen.</summary>
    public static unsafe NodeAccess? Of(string path)
    {
        var buffer = stackalloc byte[StatxBytes];
        return Statx(CurrentFolder, path, 0, BasicStats, buffer) == 0
            ? new NodeAccess(*(uint*)(buffer + 20), *(uint*)(buffer + 24), (UnixFileMode)(*(ushort*)(buffer + 28) & 0xFFF))
            : null;
    }

    /// <summary>True when a user of these groups may read and write the file.</summary>
    /// <param name="user">Number of the user; 0 may everything.</param>
    /// <param name="groups">Numbers of the user's groups.</param>
    public bool Admits(uint user, IReadOnlySet<uint> groups)
    {
        const UnixFileMode owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        const UnixFileMode group = UnixFileMode.GroupRead | UnixFileMode.GroupWrite;
        const UnixFileMode other = UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
        var needs = user == User ? owner : groups.Contains(Group) ? group : other;
        return user == 0 || (Mode & needs) == needs;
    }

    /// <summary>True when a user of these groups may read the file.</summary>
    /// <param name="user">Number of the user; 0 may everything.</param>
    /// <param name="groups">Numbers of the user's groups.</param>
    public bool MayRead(uint user, IReadOnlySet<uint> groups) => user == 0 || Mode.HasFlag(
        user == User ? UnixFileMode.UserRead : groups.Contains(Group) ? UnixFileMode.GroupRead : UnixFileMode.OtherRead);

    /// <summary>True when a user of these groups may run the file, or enter the folder.</summary>
    /// <param name="user">Number of the user.</param>
    /// <param name="groups">Numbers of the user's groups.</param>
    public bool MayRun(uint user, IReadOnlySet<uint> groups) => Mode.HasFlag(
        user == User ? UnixFileMode.UserExecute : groups.Contains(Group) ? UnixFileMode.GroupExecute : UnixFileMode.OtherExecute);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int Statx(int folder, string path, int flags, uint mask, byte* buffer);
}
