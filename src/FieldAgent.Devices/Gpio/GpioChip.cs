using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using FieldAgent.Core;
using FieldAgent.Devices.Linux;

namespace FieldAgent.Devices.Gpio;

/// <summary>One GPIO chip, opened.</summary>
internal sealed unsafe class GpioChip : IDisposable
{
    private readonly FileDescriptor _descriptor;

    private GpioChip(string path, FileDescriptor descriptor)
    {
        Path = path;
        _descriptor = descriptor;
        GpioUapi.ChipInfo info;
        Call(GpioUapi.GetChipInfo, &info);
        Label = Text(info.Label);
        Name = Text(info.Name);
        Lines = (int)info.Lines;
    }

    /// <summary>Its device node.</summary>
    public string Path { get; }

    /// <summary>The driver's name for it: the same on every boot, unlike the number in <see cref="Name"/>.</summary>
    public string Label { get; }

    /// <summary>The kernel's name: <c>gpiochip0</c>.</summary>
    public string Name { get; }

    /// <summary>Number of lines.</summary>
    public int Lines { get; }

    /// <summary>The descriptor's number.</summary>
    public int Fd => _descriptor.Number;

    /// <summary>Opens one device node.</summary>
    /// <exception cref="SensorFault">It is absent, refused, or no GPIO chip.</exception>
    public static GpioChip Open(string path)
    {
        var descriptor = FileDescriptor.OpenRead(path);
        try
        {
            return new GpioChip(path, descriptor);
        }
        catch
        {
            descriptor.Dispose();
            throw;
        }
    }

    /// <summary>Opens the chip of that label, name or path; where none is named, the one that has <paramref name="line"/>.</summary>
    /// <param name="dev">The folder of device nodes.</param>
    /// <param name="chip">Label, name, path, or empty.</param>
    /// <param name="line">A line's name.</param>
    /// <exception cref="SensorFault">None matches, or none may be opened.</exception>
    public static GpioChip Find(string dev, string chip, string line)
    {
        if (chip.Contains('/', StringComparison.Ordinal))
        {
            return Open(chip);
        }

        SensorFault? refused = null;
        var seen = new List<string>();
        foreach (var path in Nodes(dev))
        {
            GpioChip candidate;
            try
            {
                candidate = Open(path);
            }
            catch (SensorFault fault)
            {
                refused ??= fault;
                continue;
            }

            seen.Add($"{candidate.Name} ({candidate.Label})");
            if (chip.Length > 0 ? candidate.Label == chip || candidate.Name == chip : candidate.OffsetOf(line) >= 0)
            {
                return candidate;
            }

            candidate.Dispose();
        }

        if (seen.Count == 0 && refused is not null)
        {
            throw refused;
        }

        var what = chip.Length > 0 ? $"GPIO chip '{chip}'" : $"GPIO line '{line}'";
        throw new SensorFault(SensorFaultKind.Absent, what, seen.Count == 0
            ? $"There is no GPIO chip in {dev}: enable the board's GPIO driver."
            : $"The chips here are: {string.Join(", ", seen)}. Correct 'chip' or 'line'.");
    }

    /// <summary>The number of the line of that name, or with that number; −1 when the chip does not have it.</summary>
    public int OffsetOf(string line)
    {
        if (int.TryParse(line, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return number < Lines ? number : -1;
        }

        for (var offset = 0; offset < Lines; offset++)
        {
            if (InfoOf(offset).Name == line)
            {
                return offset;
            }
        }

        return -1;
    }

    /// <summary>The numbers of lines.</summary>
    /// <exception cref="SensorFault">Absent: the chip does not have one of them.</exception>
    public uint[] OffsetsOf(IReadOnlyList<GpioLine> lines)
    {
        var offsets = new uint[lines.Count];
        for (var i = 0; i < offsets.Length; i++)
        {
            var offset = OffsetOf(lines[i].Line);
            offsets[i] = offset >= 0 ? (uint)offset : throw new SensorFault(
                SensorFaultKind.Absent, $"line '{lines[i].Line}' of {Name} ({Label})",
                $"The chip has {Lines} lines and none of that name. Correct 'line'.");
        }

        return offsets;
    }

    /// <summary>The fault of the first line that somebody holds; null when none is held.</summary>
    public SensorFault? HolderFault(IReadOnlyList<GpioLine> lines, uint[] offsets)
    {
        for (var i = 0; i < offsets.Length; i++)
        {
            var (_, consumer, isUsed) = InfoOf((int)offsets[i]);
            if (isUsed)
            {
                return new SensorFault(
                    SensorFaultKind.Busy, $"line '{lines[i].Line}' of {Name} ({Label})",
                    $"It is held by '{consumer}': free it there, or use another line.");
            }
        }

        return null;
    }

    /// <summary>Name, holder and state of a line.</summary>
    /// <returns>Name (may be empty), the program or driver that holds it (empty: nobody), and whether it is in use.</returns>
    public (string Name, string Consumer, bool IsUsed) InfoOf(int offset)
    {
        var info = new GpioUapi.LineInfo { Offset = (uint)offset };
        Call(GpioUapi.GetLineInfo, &info);
        return (Text(info.Name), Text(info.Consumer), (info.Flags & GpioUapi.FlagUsed) != 0);
    }

    /// <inheritdoc/>
    public void Dispose() => _descriptor.Dispose();

    /// <summary>The device nodes of GPIO chips, in the order of their numbers.</summary>
    public static IEnumerable<string> Nodes(string dev) =>
        Directory.Exists(dev)
            ? Directory.EnumerateFileSystemEntries(dev, "gpiochip*").OrderBy(static p => p.Length).ThenBy(static p => p, StringComparer.Ordinal)
            : [];

    private static string Text(byte* bytes)
    {
        var span = new ReadOnlySpan<byte>(bytes, GpioUapi.NameBytes);
        var end = span.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? span : span[..end]);
    }

    private void Call(nuint request, void* argument)
    {
        if (Libc.Ioctl(Fd, request, (nint)argument) < 0)
        {
            var error = Marshal.GetLastPInvokeError();
            throw error == Libc.ENOTTY
                ? new SensorFault(SensorFaultKind.Malformed, Path, "It is no GPIO chip with the version 2 interface (Linux 5.10 or newer).")
                : FileDescriptor.Fault(Path, error);
        }
    }
}
