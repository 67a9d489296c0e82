using FieldAgent.Devices.Linux;

namespace FieldAgent.Devices.Gpio;

/// <summary>The resistor of an input.</summary>
internal enum GpioBias : byte
{
    /// <summary>As the board has it.</summary>
    AsIs,

    /// <summary>None.</summary>
    None,

    /// <summary>To the supply.</summary>
    PullUp,

    /// <summary>To ground.</summary>
    PullDown,
}

/// <summary>Which changes of a line are reported.</summary>
[Flags]
internal enum GpioEdges : byte
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>From inactive to active.</summary>
    Rising = 1,

    /// <summary>From active to inactive.</summary>
    Falling = 2,

    /// <summary>Both.</summary>
    Both = 3,
}

/// <summary>How an output is driven.</summary>
internal enum GpioDrive : byte
{
    /// <summary>To both levels.</summary>
    PushPull,

    /// <summary>To ground only.</summary>
    OpenDrain,

    /// <summary>To the supply only.</summary>
    OpenSource,
}

/// <summary>One line of a request.</summary>
/// <param name="Line">Its name (<c>GPIO17</c>), or its number on the chip.</param>
/// <param name="ActiveLow">True when a low level means active.</param>
/// <param name="Bias">Resistor.</param>
/// <param name="Debounce">Changes that do not last so long are no edges; zero: all are.</param>
/// <param name="Drive">How it is driven as an output.</param>
internal sealed record GpioLine(
    string Line, bool ActiveLow = false, GpioBias Bias = GpioBias.AsIs, TimeSpan Debounce = default, GpioDrive Drive = GpioDrive.PushPull);

/// <summary>Lines to be requested together; all on one chip.</summary>
/// <param name="Chip">Label (<c>pinctrl-rp1</c>), name (<c>gpiochip0</c>) or path of the chip; empty: the one that has the first line's
/// name.</param>
/// <param name="Lines">One to 64.</param>
/// <param name="Edges">What is reported; none for lines that are only read or written.</param>
/// <param name="Output">True for outputs, which begin as <paramref name="Initial"/> says; they have no edges and no debounce time.</param>
/// <param name="Initial">What outputs begin with; bit i is line i of the request, 1 is active.</param>
internal sealed record GpioRequest(
    string Chip, IReadOnlyList<GpioLine> Lines, GpioEdges Edges = GpioEdges.None, bool Output = false, ulong Initial = 0);

/// <summary>A change of a line.</summary>
/// <param name="MonotonicNs">When, by the kernel's CLOCK_MONOTONIC at the interrupt.</param>
/// <param name="Index">Which line of the request.</param>
/// <param name="IsActive">Active from then on.</param>
/// <param name="Sequence">Number of the event within the request, ascending by one from 1: a hole is a loss.</param>
internal readonly record struct GpioEdge(long MonotonicNs, int Index, bool IsActive, uint Sequence);

/// <summary>Lines that are held. One thread, but for <see cref="Write"/>.</summary>
internal interface IGpioLines : IDisposable
{
    /// <summary>Levels of all lines; bit i is line i of the request, 1 is active.</summary>
    /// <exception cref="Core.SensorFault">The chip is gone.</exception>
    ulong Read();

    /// <summary>Sets the outputs that <paramref name="mask"/> names. Any thread.</summary>
    /// <exception cref="Core.SensorFault">The chip is gone.</exception>
    void Write(ulong mask, ulong values);

    /// <summary>Waits for edges.</summary>
    Readiness Wait(StopEvent stop, int timeoutMs);

    /// <summary>Takes edges that wait, oldest first; does not block.</summary>
    /// <returns>How many.</returns>
    /// <exception cref="Core.SensorFault">The chip is gone.</exception>
    int ReadEdges(Span<GpioEdge> edges);
}

/// <summary>Gives out lines. Implemented over the kernel's character device, or over System.Device.Gpio.</summary>
internal interface IGpioController
{
    /// <summary>Takes lines for this program alone.</summary>
    /// <exception cref="Core.SensorFault">Absent: no such chip or line. Busy: somebody has it. Refused: no permission.</exception>
    IGpioLines Request(GpioRequest request);
}
