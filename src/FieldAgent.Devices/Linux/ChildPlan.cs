namespace FieldAgent.Devices.Linux;

/// <summary>A program to be started. It gets arguments and never a shell, an environment of two fixed variables, an empty standard input,
/// the root folder to work in, a session of its own, and no descriptor but its two outputs.</summary>
/// <param name="Program">Absolute path.</param>
/// <param name="Arguments">Its arguments, without its name.</param>
internal sealed record ChildPlan(string Program, IReadOnlyList<string> Arguments)
{
    /// <summary>What it may use; null: as much as this program.</summary>
    public ChildLimits? Limits { get; init; }

    /// <summary>What it may touch; null: as much as this program.</summary>
    public Confinement? Confinement { get; init; }
}

/// <summary>Limits of a program and of each that it starts: prlimit(1).</summary>
/// <param name="MemoryBytes">Address space.</param>
/// <param name="CpuSeconds">Processor time in its life; it is killed then.</param>
/// <param name="Files">Descriptors.</param>
/// <param name="Tasks">Processes and threads of this user, its own among them.</param>
internal sealed record ChildLimits(long MemoryBytes, long CpuSeconds, int Files, int Tasks);

/// <summary>What a program of somebody else may touch: files below <see cref="Readable"/> and the system's own programs and libraries, to read
/// and run; three harmless devices; no socket, no other process, no privilege. See landlock(7), seccomp(2).</summary>
/// <param name="Readable">Absolute paths of files and folders that it may read and run.</param>
/// <param name="Required">True: where the kernel cannot hold files back, it is not started.</param>
internal sealed record Confinement(IReadOnlyList<string> Readable, bool Required);

/// <summary>How a program ended.</summary>
/// <param name="Code">Exit code, when <paramref name="Signal"/> is 0.</param>
/// <param name="Signal">The signal that ended it, or 0.</param>
internal readonly record struct ChildExit(int Code, int Signal)
{
    /// <summary>From waitpid's status.</summary>
    public static ChildExit FromStatus(int status) => new((status >> 8) & 0xFF, status & 0x7F);

    /// <summary>As a technician reads it.</summary>
    public override string ToString() => Signal switch
    {
        0 => FormattableString.Invariant($"exit code {Code}"),
        4 => "signal 4 (illegal instruction: is it for this processor?)",
        6 => "signal 6 (aborted)",
        7 => "signal 7 (bus error)",
        Libc.SIGKILL => "signal 9 (killed: out of memory?)",
        11 => "signal 11 (segmentation fault)",
        15 => "signal 15 (terminated)",
        24 => "signal 24 (its processor time is used up)",
        31 => "signal 31 (it made a call that is not allowed)",
        _ => FormattableString.Invariant($"signal {Signal}"),
    };
}
