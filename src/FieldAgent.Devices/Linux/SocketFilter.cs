using System.Runtime.InteropServices;
using FieldAgent.Core;

namespace FieldAgent.Devices.Linux;

/// <summary>A seccomp filter that takes sockets (the network, and the agent's own control socket), other processes' memory and descriptors, and
/// io_uring (which can do all of that) from a program: the calls answer EACCES. A program for another processor than this one is killed at its first
/// call, for its calls have other numbers.</summary>
/// <remarks>Sources: linux/seccomp.h, linux/bpf_common.h, linux/audit.h, arch/*/include/asm/unistd.h.</remarks>
internal static class SocketFilter
{
    private const ushort LoadWord = 0x20;
    private const ushort JumpEqual = 0x15;
    private const ushort JumpGreaterOrEqual = 0x35;
    private const ushort Return = 0x06;
    private const uint Allow = 0x7FFF_0000;
    private const uint Refuse = 0x0005_0000 | Libc.EACCES;
    private const uint KillProcess = 0x8000_0000;
    private const uint OffsetNumber = 0;
    private const uint OffsetProcessor = 4;

    /// <summary>Call numbers from here on belong to x86-64's 32-bit pointers; there are no others so high.</summary>
    private const uint X32Bit = 0x4000_0000;

    private const uint IoUringSetup = 425;
    private const uint PidfdGetFd = 438;

    /// <summary>struct sock_filter.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Instruction
    {
        public ushort Code;
        public byte IfTrue;
        public byte IfFalse;
        public uint Operand;
    }

    /// <summary>struct sock_fprog.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal unsafe struct Program
    {
        public ushort Length;
        public Instruction* Code;
    }

    /// <summary>The filter.</summary>
    /// <exception cref="SensorFault">The processor is not known here.</exception>
    public static Instruction[] ForThisProcessor()
    {
        // socket, ptrace, process_vm_readv, process_vm_writev.
        (uint processor, uint[] calls) = RuntimeInformation.ProcessArchitecture switch
        {
            Architecture.X64 => (0xC000_003Eu, new uint[] { 41, 101, 310, 311 }),
            Architecture.Arm64 => (0xC000_00B7u, new uint[] { 198, 117, 270, 271 }),
            Architecture.Arm => (0x4000_0028u, new uint[] { 281, 26, 376, 377 }),
            _ => throw new SensorFault(
                SensorFaultKind.Refused, RuntimeInformation.ProcessArchitecture.ToString(), "Programs can be confined on x86-64, arm64 and arm only."),
        };
        uint[] refused = [.. calls, IoUringSetup, PidfdGetFd];
        var code = new List<Instruction>
        {
            new() { Code = LoadWord, Operand = OffsetProcessor },
            new() { Code = JumpEqual, IfTrue = 1, Operand = processor },
            new() { Code = Return, Operand = KillProcess },
            new() { Code = LoadWord, Operand = OffsetNumber },
            new() { Code = JumpGreaterOrEqual, IfTrue = (byte)(refused.Length + 1), Operand = X32Bit },
        };
        for (var i = 0; i < refused.Length; i++)
        {
            code.Add(new Instruction { Code = JumpEqual, IfTrue = (byte)(refused.Length - i), Operand = refused[i] });
        }

        code.Add(new Instruction { Code = Return, Operand = Allow });
        code.Add(new Instruction { Code = Return, Operand = Refuse });
        return [.. code];
    }
}
