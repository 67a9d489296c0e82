using System.Reflection;
using System.Runtime.InteropServices;
using SQLitePCL;

namespace FieldAgent.Store.Sqlite;

/// <summary>Chooses the SQLite that the process uses: the distribution's where present (it syncs with <c>fdatasync</c>, a third of
/// the bytes on the card), the bundled one otherwise.</summary>
public static class SqliteLibrary
{
    // STRICT tables came with 3.37.
    private const int VersionMin = 3_037_000;
    private static readonly Lock s_lock = new();
    private static bool s_ready;
    private static bool s_system;

    /// <summary>Which library is in use and its version, for <c>status</c> and <c>version</c>; loads it when needed.</summary>
    public static string Description
    {
        get
        {
            Initialize(preferSystem: true);
            return $"SQLite {raw.sqlite3_libversion().utf8_to_string()} ({(s_system ? "libsqlite3.so.0 of the system" : "bundled")})";
        }
    }

    /// <summary>Binds the library, once a process.</summary>
    internal static void Initialize(bool preferSystem)
    {
        lock (s_lock)
        {
            if (s_ready)
            {
                return;
            }

            if (preferSystem)
            {
                NativeLibrary.SetDllImportResolver(typeof(SQLite3Provider_e_sqlite3).Assembly, Resolve);
            }

            raw.SetProvider(new SQLite3Provider_e_sqlite3());
            s_ready = true;
        }
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path)
    {
        if (name != "e_sqlite3" || !NativeLibrary.TryLoad("libsqlite3.so.0", out var library))
        {
            return 0;
        }

        if (NativeLibrary.TryGetExport(library, "sqlite3_libversion_number", out var export) && Version(export) >= VersionMin)
        {
            s_system = true;
            return library;
        }

        NativeLibrary.Free(library);
        return 0;
    }

    private static unsafe int Version(nint export) => ((delegate* unmanaged[Cdecl]<int>)export)();
}
