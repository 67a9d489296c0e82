using FieldAgent.Core;
using FieldAgent.Devices.Exec;
using FieldAgent.Devices.Linux;

namespace FieldAgent.Devices;

/// <summary>Why a program would not be run.</summary>
public enum ExecTroubleKind
{
    /// <summary>It, or what its first line names, is not there.</summary>
    Absent,

    /// <summary>Its hash is another than the configuration's.</summary>
    Changed,

    /// <summary>The agent may not run it, or others may change it.</summary>
    Refused,

    /// <summary>The kernel cannot confine it.</summary>
    Kernel,
}

/// <summary>What stands in the way of a program.</summary>
/// <param name="Kind">Kind.</param>
/// <param name="Text">What was found.</param>
/// <param name="Remedy">What to do.</param>
public sealed record ExecTrouble(ExecTroubleKind Kind, string Text, string Remedy);

/// <summary>Looks at a program as the agent does before it starts it.</summary>
public static class ExecSurvey
{
    private const int LineBytesMax = 256;

    /// <summary>Looks; reads the whole file, and runs nothing.</summary>
    /// <param name="program">Its path.</param>
    /// <param name="sha256">The admitted hash, hexadecimal.</param>
    /// <param name="user">Number of the user that the agent runs as; null where there is none yet.</param>
    /// <param name="groups">That user's groups.</param>
    /// <param name="mustConfine">It is run only where the kernel can confine it.</param>
    /// <returns>What stands in the way; null when nothing does.</returns>
    public static ExecTrouble? Look(string program, string sha256, uint? user, IReadOnlySet<uint> groups, bool mustConfine)
    {
        string real;
        try
        {
            real = AdmittedProgram.Admit(program, sha256, user);
        }
        catch (SensorFault fault)
        {
            // "What is wrong. What to do."
            var cut = fault.Remedy.IndexOf(". ", StringComparison.Ordinal);
            var (text, remedy) = cut > 0 ? (fault.Remedy[..cut], fault.Remedy[(cut + 2)..]) : (fault.Remedy, "see 'fieldagent check-config'");
            return new ExecTrouble(fault.Kind == SensorFaultKind.Absent ? ExecTroubleKind.Absent
                : text.Contains("SHA-256", StringComparison.Ordinal) ? ExecTroubleKind.Changed : ExecTroubleKind.Refused, text, remedy.TrimEnd('.'));
        }

        if (user is { } id && NodeAccess.Of(real) is { } access && !access.MayRun(id, groups))
        {
            return new ExecTrouble(ExecTroubleKind.Refused, "the agent's user may not run it", "chmod 755 it");
        }

        if (Interpreter(real) is { } interpreter && !File.Exists(interpreter))
        {
            return new ExecTrouble(ExecTroubleKind.Absent, $"its first line names {interpreter}, which is not there", "install it, or correct the first line and 'sha256'");
        }

        return mustConfine && ConfinedSpawn.LandlockVersion == 0
            ? new ExecTrouble(ExecTroubleKind.Kernel, "this kernel cannot keep it from files and devices (no Landlock)",
                "add 'landlock' to lsm= on the kernel's command line, or set \"confinement\": \"bestEffort\"")
            : null;
    }

    // execve(2): "#!interpreter [argument]".
    private static string? Interpreter(string program)
    {
        Span<byte> start = stackalloc byte[LineBytesMax];
        using var file = File.OpenHandle(program);
        start = start[..RandomAccess.Read(file, start, 0)];
        if (!start.StartsWith("#!"u8))
        {
            return null;
        }

        var line = System.Text.Encoding.UTF8.GetString(start[2..]).Split('\n')[0].Trim();
        return line.Split(' ')[0] is { Length: > 0 } interpreter ? interpreter : null;
    }
}
