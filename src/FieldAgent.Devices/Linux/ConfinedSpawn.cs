using System.Runtime.InteropServices;
using FieldAgent.Core;

namespace FieldAgent.Devices.Linux;

/// <summary>Starts a program that may touch next to nothing. The restrictions (no new privileges, Landlock, seccomp, low priority) belong to a
/// thread and are handed down to what it starts, so they are put on a thread that exists for that alone. They need no privilege.</summary>
/// <remarks>Sources: landlock(7), linux/landlock.h, seccomp(2), linux/seccomp.h, linux/filter.h, prctl(2). From the first restriction to the end
/// of the thread nothing but function pointers is called: the runtime could not open a file there.</remarks>
internal static unsafe class ConfinedSpawn
{
    private const nint LandlockCreate = 444;
    private const nint LandlockAdd = 445;
    private const nint LandlockRestrict = 446;
    private const int PathBeneath = 1;
    private const int VersionFlag = 1;

    private const ulong Execute = 1 << 0;
    private const ulong WriteFile = 1 << 1;
    private const ulong ReadFile = 1 << 2;
    private const ulong ReadDir = 1 << 3;

    /// <summary>The rights of each version of Landlock's interface: all of them are taken away.</summary>
    private static readonly ulong[] FileRights = [0, 0x1FFF, 0x3FFF, 0x7FFF, 0x7FFF, 0xFFFF];

    private const int PrSetNoNewPrivs = 38;
    private const int PrSetSeccomp = 22;
    private const int SeccompFilter = 2;
    private const int O_PATH = 0x200000;
    private const int LowPriority = 10;
    private const int ThreadStackBytes = 256 * 1024;

    private static readonly string[] SystemPaths =
    [
        "/usr", "/bin", "/sbin", "/lib", "/lib64", "/lib32", "/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime", "/etc/nsswitch.conf",
    ];

    private static readonly string[] HarmlessDevices = ["/dev/null", "/dev/zero", "/dev/urandom"];

    /// <summary>Version of Landlock's interface; 0 when the kernel has none or it is off.</summary>
    public static int LandlockVersion => Math.Max(0, (int)((delegate* unmanaged<nint, nint, nint, nint, nint>)Export("syscall"))(LandlockCreate, 0, 0, VersionFlag));

    /// <summary>Address of a function of the C library.</summary>
    public static nint Export(string name) => NativeLibrary.GetExport(NativeLibrary.GetMainProgramHandle(), name);

    /// <summary>Starts the program under <paramref name="confinement"/>.</summary>
    /// <param name="request">The program.</param>
    /// <param name="confinement">What it may touch.</param>
    /// <param name="id">Its process id.</param>
    /// <returns>0, or the errno of posix_spawn.</returns>
    /// <exception cref="SensorFault">The kernel cannot do what is required.</exception>
    public static int Run(SpawnRequest request, Confinement confinement, out int id)
    {
        var version = LandlockVersion;
        if (version == 0 && confinement.Required)
        {
            throw new SensorFault(
                SensorFaultKind.Refused, request.Path, "This kernel cannot keep programs from files and devices (no Landlock): add 'landlock' to lsm= on its "
                + "command line, or trust the program with what the agent's user may read: \"confinement\": \"bestEffort\".");
        }

        var filter = SocketFilter.ForThisProcessor();
        var ruleset = version > 0 ? Ruleset(version, confinement) : -1;
        try
        {
            fixed (SocketFilter.Instruction* code = filter)
            {
                var program = new SocketFilter.Program { Length = (ushort)filter.Length, Code = code };
                var native = request.Native;
                var work = new Work
                {
                    Prctl = (delegate* unmanaged<int, nint, nint, nint, nint, int>)Export("prctl"),
                    Syscall = (delegate* unmanaged<nint, nint, nint, nint, nint>)Export("syscall"),
                    SetPriority = (delegate* unmanaged<int, uint, int, int>)Export("setpriority"),
                    PosixSpawn = (delegate* unmanaged<int*, nint, nint, nint, nint, nint, int>)Export("posix_spawn"),
                    Ruleset = ruleset,
                    Filter = &program,
                    Path = native.Path,
                    Actions = native.Actions,
                    Attributes = native.Attributes,
                    Arguments = native.Arguments,
                    Environment = native.Environment,
                };
                var at = (nint)(&work);
                var thread = new Thread(() => Confine((Work*)at), ThreadStackBytes) { IsBackground = true, Name = "confined start" };
                thread.Start();
                thread.Join();
                id = work.Id;
                return work.Confined
                    ? work.Error
                    : throw new SensorFault(SensorFaultKind.Refused, request.Path, "The kernel refuses to confine programs. Take the program out of the configuration.");
            }
        }
        finally
        {
            if (ruleset >= 0)
            {
                _ = Libc.Close(ruleset);
            }
        }
    }

    private struct Work
    {
        public delegate* unmanaged<int, nint, nint, nint, nint, int> Prctl;
        public delegate* unmanaged<nint, nint, nint, nint, nint> Syscall;
        public delegate* unmanaged<int, uint, int, int> SetPriority;
        public delegate* unmanaged<int*, nint, nint, nint, nint, nint, int> PosixSpawn;
        public int Ruleset;
        public SocketFilter.Program* Filter;
        public nint Path;
        public nint Actions;
        public nint Attributes;
        public nint Arguments;
        public nint Environment;
        public bool Confined;
        public int Error;
        public int Id;
    }

    private static void Confine(Work* work)
    {
        _ = work->SetPriority(0, 0, LowPriority);
        work->Confined = work->Prctl(PrSetNoNewPrivs, 1, 0, 0, 0) == 0
            && (work->Ruleset < 0 || work->Syscall(LandlockRestrict, work->Ruleset, 0, 0) == 0)
            && work->Prctl(PrSetSeccomp, SeccompFilter, (nint)work->Filter, 0, 0) == 0;
        if (work->Confined)
        {
            work->Error = work->PosixSpawn(&work->Id, work->Path, work->Actions, work->Attributes, work->Arguments, work->Environment);
        }
    }

    private static int Ruleset(int version, Confinement confinement)
    {
        var rights = FileRights[Math.Min(version, FileRights.Length - 1)];
        // From version 4 on TCP, from version 6 on abstract sockets and signals to others can be taken away too.
        var attributes = stackalloc ulong[3];
        attributes[0] = rights;
        attributes[1] = version >= 4 ? 3UL : 0;
        attributes[2] = version >= 6 ? 3UL : 0;
        var bytes = version >= 6 ? 24 : version >= 4 ? 16 : 8;
        var ruleset = (int)((delegate* unmanaged<nint, nint, nint, nint, nint>)Export("syscall"))(LandlockCreate, (nint)attributes, bytes, 0);
        if (ruleset < 0)
        {
            throw new SensorFault(SensorFaultKind.Refused, "Landlock", "The kernel does not take the rules for programs.");
        }

        foreach (var path in SystemPaths.Concat(confinement.Readable))
        {
            Allow(ruleset, path, Execute | ReadFile | (Directory.Exists(path) ? ReadDir : 0));
        }

        foreach (var path in HarmlessDevices)
        {
            Allow(ruleset, path, ReadFile | WriteFile);
        }

        return ruleset;
    }

    private static void Allow(int ruleset, string path, ulong rights)
    {
        var fd = Libc.Open(path, O_PATH | Libc.O_CLOEXEC);
        if (fd < 0)
        {
            return;
        }

        // struct landlock_path_beneath_attr is packed: eight bytes of rights, four of descriptor.
        var rule = stackalloc byte[12];
        *(ulong*)rule = rights;
        *(int*)(rule + 8) = fd;
        _ = ((delegate* unmanaged<nint, nint, nint, nint, nint, nint>)Export("syscall"))(LandlockAdd, ruleset, PathBeneath, (nint)rule, 0);
        _ = Libc.Close(fd);
    }
}
