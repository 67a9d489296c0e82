using FieldAgent.Core;

namespace FieldAgent.Devices.Linux;

/// <summary>Why the run of a program is over.</summary>
internal enum OneShotEnd : byte
{
    /// <summary>It ended by itself.</summary>
    Exited,

    /// <summary>It took too long and was killed.</summary>
    TimedOut,

    /// <summary>It gave more than it may and was killed.</summary>
    TooMuch,

    /// <summary>The sensor was stopped.</summary>
    Stopped,
}

/// <summary>What came of the run of a program.</summary>
/// <param name="End">Why it is over.</param>
/// <param name="Exit">How it ended; null when it hangs inside the kernel and could not be killed yet.</param>
/// <param name="Output">Its standard output.</param>
/// <param name="Errors">The beginning of its standard error. May hold names and numbers of devices: to be searched, never to be said.</param>
internal sealed record OneShotResult(OneShotEnd End, ChildExit? Exit, ReadOnlyMemory<byte> Output, string Errors)
{
    /// <summary>The program that hangs inside the kernel, with what it has open; null when it is gone.</summary>
    public ChildRemains? Remains { get; init; }
}

/// <summary>Runs a program to its end and takes its output.</summary>
internal static class OneShot
{
    private const int FirstBytes = 256 << 10;
    private const int ErrorsBytesMax = 4096;

    /// <summary>Longest time that ending a program takes after its own time is over.</summary>
    public static readonly TimeSpan EndingMax = TimeSpan.FromSeconds(1);

    /// <summary>Runs a program. When this returns, it is gone and all it started has been killed. Blocks for at most <paramref name="limit"/> and
    /// <see cref="EndingMax"/>.</summary>
    /// <param name="plan">The program.</param>
    /// <param name="outputBytesMax">More output than that ends it.</param>
    /// <param name="limit">Longest time.</param>
    /// <param name="stop">Ends it at once.</param>
    /// <param name="outputBegins">Called when the first byte of output is there.</param>
    /// <exception cref="SensorFault">It could not be started.</exception>
    public static OneShotResult Run(ChildPlan plan, int outputBytesMax, TimeSpan limit, CancellationToken stop, Action? outputBegins = null)
    {
        using var stopEvent = new StopEvent(stop);
        var endsMs = Environment.TickCount64 + (long)limit.TotalMilliseconds;
        using var child = ChildProgram.Start(plan);
        var output = new byte[Math.Min(FirstBytes, outputBytesMax + 1)];
        var errors = new byte[ErrorsBytesMax];
        var beyond = new byte[ErrorsBytesMax];
        var length = 0;
        var errorsLength = 0;
        OneShotEnd? end = null;
        while (end is null)
        {
            var leftMs = endsMs - Environment.TickCount64;
            var events = leftMs > 0 ? child.Wait(stopEvent, (int)leftMs) : ChildEvents.None;
            end = events.HasFlag(ChildEvents.Stopped) ? OneShotEnd.Stopped
                : leftMs <= 0 ? OneShotEnd.TimedOut
                : events.HasFlag(ChildEvents.Exited) ? OneShotEnd.Exited
                : null;

            // What it started may hold the pipes open after its end: what is there by then is all that counts.
            while (child.ReadOutput(output.AsSpan(length)) is > 0 and var read)
            {
                if (length == 0)
                {
                    outputBegins?.Invoke();
                }

                length += read;
                if (length > outputBytesMax)
                {
                    end = OneShotEnd.TooMuch;
                    break;
                }

                if (length == output.Length)
                {
                    Array.Resize(ref output, (int)Math.Min(2L * length, outputBytesMax + 1L));
                }
            }

            for (var i = 0; i < 16; i++)
            {
                var into = errorsLength < errors.Length ? errors.AsSpan(errorsLength) : beyond;
                var read = child.ReadErrors(into);
                if (read == 0)
                {
                    break;
                }

                errorsLength = Math.Min(errors.Length, errorsLength + (errorsLength < errors.Length ? read : 0));
            }
        }

        var exit = child.End();
        return new OneShotResult(end.Value, exit, output.AsMemory(0, length), System.Text.Encoding.Latin1.GetString(errors, 0, errorsLength))
        {
            Remains = exit is null ? child.TakeRemains() : null,
        };
    }
}
