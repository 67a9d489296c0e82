using System.Globalization;
using System.Runtime.InteropServices;
using FieldAgent.Core;

namespace FieldAgent.Devices.Linux;

/// <summary>Everything that posix_spawn(3) takes, in memory that C can read.</summary>
internal sealed unsafe class SpawnRequest : IDisposable
{
    private const string Limiter = "/usr/bin/prlimit";

    /// <summary>The whole environment of a child: nothing of the service's own (sockets, credentials, paths) gets through.</summary>
    private static readonly string[] Environment = ["PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C"];

    private readonly byte* _path;
    private readonly byte** _arguments;
    private readonly byte** _environment;
    private readonly byte* _actions = (byte*)NativeMemory.AllocZeroed(Libc.SpawnStructBytes);
    private readonly byte* _attributes = (byte*)NativeMemory.AllocZeroed(Libc.SpawnStructBytes);

    /// <summary>Prepares to start <paramref name="plan"/>.</summary>
    /// <param name="plan">What.</param>
    /// <param name="output">Descriptor that becomes its standard output.</param>
    /// <param name="errors">Descriptor that becomes its standard error.</param>
    /// <exception cref="SensorFault">The C library is too old.</exception>
    public SpawnRequest(ChildPlan plan, int output, int errors)
    {
        string[] limited = plan.Limits is { } limits
            ? [Limiter, .. Write(limits), "--", plan.Program, .. plan.Arguments]
            : [plan.Program, .. plan.Arguments];
        Path = limited[0];
        _path = (byte*)Marshal.StringToCoTaskMemUTF8(Path);
        _arguments = Texts(limited);
        _environment = Texts(Environment);
        try
        {
            Prepare(output, errors);
        }
        catch (EntryPointNotFoundException e)
        {
            Dispose();
            throw new SensorFault(SensorFaultKind.Refused, plan.Program, "The C library cannot start programs without inheritance; glibc 2.34 (Debian 12) can.", e);
        }
    }

    /// <summary>The file that is executed: the program, or the one that limits it.</summary>
    public string Path { get; }

    /// <summary>The arguments of posix_spawn after the process id, for who must call it without the runtime's help.</summary>
    public (nint Path, nint Actions, nint Attributes, nint Arguments, nint Environment) Native =>
        ((nint)_path, (nint)_actions, (nint)_attributes, (nint)_arguments, (nint)_environment);

    /// <summary>Starts the program.</summary>
    /// <returns>0, or the errno.</returns>
    public int Run(out int id)
    {
        var started = 0;
        var error = ((delegate* unmanaged<int*, nint, nint, nint, nint, nint, int>)ConfinedSpawn.Export("posix_spawn"))(
            &started, Native.Path, Native.Actions, Native.Attributes, Native.Arguments, Native.Environment);
        id = started;
        return error;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _ = Libc.SpawnActionsDestroy(_actions);
        _ = Libc.SpawnAttrDestroy(_attributes);
        NativeMemory.Free(_actions);
        NativeMemory.Free(_attributes);
        Marshal.FreeCoTaskMem((nint)_path);
        Free(_arguments);
        Free(_environment);
    }

    private static string[] Write(ChildLimits limits) =>
    [
        string.Create(CultureInfo.InvariantCulture, $"--as={limits.MemoryBytes}"),
        string.Create(CultureInfo.InvariantCulture, $"--cpu={limits.CpuSeconds}"),
        string.Create(CultureInfo.InvariantCulture, $"--nofile={limits.Files}"),
        string.Create(CultureInfo.InvariantCulture, $"--nproc={limits.Tasks}"),
        "--core=0",
    ];

    private void Prepare(int output, int errors)
    {
        _ = Libc.SpawnActionsInit(_actions);
        _ = Libc.SpawnAttrInit(_attributes);
        _ = Libc.SpawnActionsAddOpen(_actions, 0, "/dev/null", Libc.O_RDONLY, 0);
        _ = Libc.SpawnActionsAddDup2(_actions, output, 1);
        _ = Libc.SpawnActionsAddDup2(_actions, errors, 2);
        _ = Libc.SpawnActionsAddCloseFrom(_actions, 3);
        _ = Libc.SpawnActionsAddChdir(_actions, "/");

        // The runtime ignores SIGPIPE and blocks others: a child begins with the defaults.
        var signals = stackalloc byte[Libc.SpawnStructBytes];
        new Span<byte>(signals, Libc.SpawnStructBytes).Clear();
        _ = Libc.SpawnAttrSetSigMask(_attributes, signals);
        _ = Libc.SigFillSet(signals);
        _ = Libc.SpawnAttrSetSigDefault(_attributes, signals);
        _ = Libc.SpawnAttrSetFlags(_attributes, Libc.SpawnSetSid | Libc.SpawnSetSigDef | Libc.SpawnSetSigMask);
    }

    private static byte** Texts(string[] texts)
    {
        var list = (byte**)NativeMemory.AllocZeroed((nuint)(texts.Length + 1), (nuint)sizeof(byte*));
        for (var i = 0; i < texts.Length; i++)
        {
            list[i] = (byte*)Marshal.StringToCoTaskMemUTF8(texts[i]);
        }

        return list;
    }

    private static void Free(byte** list)
    {
        for (var i = 0; list[i] is not null; i++)
        {
            Marshal.FreeCoTaskMem((nint)list[i]);
        }

        NativeMemory.Free(list);
    }
}
