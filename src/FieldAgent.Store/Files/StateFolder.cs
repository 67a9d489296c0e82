using System.Globalization;
using FieldAgent.Core;
using Microsoft.Win32.SafeHandles;

namespace FieldAgent.Store.Files;

/// <summary>The state directory: its names, modes and lock, and what its files weigh.</summary>
internal sealed class StateFolder : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const string LockName = "lock";
    private readonly FileStream? _lock;

    private StateFolder(string path, FileStream? held)
    {
        Path = path;
        _lock = held;
    }

    public string Path { get; }

    public string Database => At("state.db");

    public string Images => At("images");

    public string Identity => At("identity");

    public string RootKey => At("root.key");

    public string Reserve => At("reserve");

    /// <summary>Is there when the agent could not start for want of its key.</summary>
    public string KeyWasMissing => At("key-was-missing");

    /// <summary>The descriptor of the lock's file, which cannot be opened a second time; null for any other.</summary>
    public SafeFileHandle? Held(string path) => path == At(LockName) ? _lock?.SafeFileHandle : null;

    /// <summary>Makes the folder where needed and takes its lock.</summary>
    /// <exception cref="StoreFault">Busy: another process uses it. Refused: permissions or a read-only file system.</exception>
    public static StateFolder Open(string path)
    {
        path = System.IO.Path.GetFullPath(path);
        try
        {
            const UnixFileMode mode = OwnerOnly | UnixFileMode.UserExecute;
            Directory.CreateDirectory(path, mode);
            Directory.CreateDirectory(System.IO.Path.Join(path, "images"), mode);
            File.SetUnixFileMode(path, mode);
            return new StateFolder(path, TakeLock(System.IO.Path.Join(path, LockName)));
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw Faults.From(fault, $"state directory {path}");
        }
    }

    /// <summary>The names of a folder that another process may be using: for reading only.</summary>
    public static StateFolder Peek(string path) => new(System.IO.Path.GetFullPath(path), null);

    /// <summary>A file's full path.</summary>
    public string At(string name) => System.IO.Path.Join(Path, name);

    /// <summary>The file of a stored picture.</summary>
    public string Image(string name) => System.IO.Path.Join(Images, name + ".img");

    /// <summary>Opens a new file that only the owner may read.</summary>
    public static FileStream Create(string path, long preallocate = 0) =>
        new(path, new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.ReadWrite,
            Share = FileShare.Read,
            UnixCreateMode = OwnerOnly,
            PreallocationSize = preallocate,
            BufferSize = 0,
        });

    /// <summary>Writes a small file so that after a power cut it is either the old or the new one: temporary name, fsync, rename,
    /// fsync of the folder.</summary>
    public static void WriteAtomically(string path, ReadOnlySpan<byte> content)
    {
        var temporary = path + ".new";
        using (var file = Create(temporary))
        {
            file.Write(content);
            file.Flush(flushToDisk: true);
        }

        File.Move(temporary, path, overwrite: true);
        Posix.SyncFolder(System.IO.Path.GetDirectoryName(path)!);
    }

    /// <summary>Bytes of a file, 0 when it is not there.</summary>
    public static long Weigh(string path)
    {
        var file = new FileInfo(path);
        return file.Exists ? file.Length : 0;
    }

    /// <summary>Bytes of everything in the folder but the database, its log and the pictures.</summary>
    public long WeighOthers()
    {
        long bytes = 0;
        foreach (var file in new DirectoryInfo(Path).EnumerateFiles())
        {
            if (!file.Name.StartsWith("state.db", StringComparison.Ordinal) || IsAside(file.Name))
            {
                bytes += file.Length;
            }
        }

        return bytes;
    }

    /// <summary>All files, at any depth. Where the folder is a file system of its own, fsck's <c>lost+found</c> is root's and left out.</summary>
    public IEnumerable<string> AllFiles() => Directory.EnumerateFiles(Path).Concat(
        Directory.EnumerateDirectories(Path).Where(static folder => System.IO.Path.GetFileName(folder) != "lost+found")
            .SelectMany(static folder => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)));

    /// <summary>Free bytes of the file system for this user; <see cref="long.MaxValue"/> when the kernel does not say.</summary>
    public long FreeBytes()
    {
        try
        {
            return new DriveInfo(Path).AvailableFreeSpace;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return long.MaxValue;
        }
    }

    /// <summary>Bytes of the file system; <see cref="long.MaxValue"/> when the kernel does not say.</summary>
    public long TotalBytes()
    {
        try
        {
            return new DriveInfo(Path).TotalSize;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return long.MaxValue;
        }
    }

    /// <summary>Databases set aside, oldest first, by the name of their main file.</summary>
    public List<string> Asides() =>
        [.. Directory.EnumerateFiles(Path, "state.db.aside-*")
            .Where(static path => !path.EndsWith("-wal", StringComparison.Ordinal) && !path.EndsWith("-shm", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)];

    /// <summary>Renames the database with its log, so that they stay together. The rename is durable. The log's index is made
    /// again by whoever reads it, and the reserve makes room for the new database beside the old one.</summary>
    /// <returns>The new path of the main file.</returns>
    public string SetAside(long wallUnixNs)
    {
        var stamp = ClockExtensions.ToDate(wallUnixNs).ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
        var aside = $"{Database}.aside-{stamp}";
        for (var i = 2; File.Exists(aside); i++)
        {
            aside = $"{Database}.aside-{stamp}-{i:D3}";
        }

        File.Delete(Reserve);
        File.Delete(Database + "-shm");
        foreach (var part in new[] { "-wal", "" })
        {
            if (File.Exists(Database + part))
            {
                File.Move(Database + part, aside + part);
            }
        }

        Posix.SyncFolder(Path);
        return aside;
    }

    /// <summary>Deletes a database that was set aside.</summary>
    public static void DeleteAside(string path)
    {
        foreach (var part in new[] { "-wal", "-shm", "" })
        {
            File.Delete(path + part);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_lock is { SafeFileHandle.IsClosed: false } held)
        {
            Posix.Unlock(held.SafeFileHandle);
            held.Dispose();
        }
    }

    private static bool IsAside(string name) => name.StartsWith("state.db.aside-", StringComparison.Ordinal);

    private static FileStream TakeLock(string path)
    {
        var file = new FileStream(Posix.OpenForLock(path), FileAccess.ReadWrite, bufferSize: 0);
        var error = Posix.TryLock(file.SafeFileHandle);
        if (error == 0)
        {
            file.SetLength(0);
            file.Write(System.Text.Encoding.ASCII.GetBytes(Environment.ProcessId.ToString(CultureInfo.InvariantCulture)));
            return file;
        }

        Span<byte> holder = stackalloc byte[20];
        var length = file.Read(holder);
        file.Dispose();
        if (error != Posix.WouldBlock)
        {
            throw new IOException($"cannot lock {path}: errno {error}");
        }

        var id = long.TryParse(holder[..length], NumberStyles.None, CultureInfo.InvariantCulture, out var process)
            ? $"process {process.ToString(CultureInfo.InvariantCulture)}"
            : "another process";
        throw new StoreFault(StoreFaultKind.Busy,
            $"state directory {System.IO.Path.GetDirectoryName(path)} is in use by {id}: stop that one, or give this one a directory of its own",
            retry: true);
    }
}
