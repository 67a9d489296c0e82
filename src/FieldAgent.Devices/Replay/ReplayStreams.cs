using System.Collections.Immutable;
using System.Text;
using FieldAgent.Core;

namespace FieldAgent.Devices;

/// <summary>The streams of a replayed file: which column a name means. No allocation a look-up.</summary>
internal sealed class ReplayStreams
{
    private readonly byte[][] _names;
    private int _guess;

    public ReplayStreams(ImmutableArray<StreamInfo> streams)
    {
        All = streams;
        _names = [.. streams.Select(static s => Encoding.UTF8.GetBytes(s.Name))];
    }

    /// <summary>The streams in column order.</summary>
    public ImmutableArray<StreamInfo> All { get; }

    /// <summary>The declared streams.</summary>
    public static ReplayStreams Declared(SensorSetup setup) => new(
    [
        .. setup.Options.Get(ReplayKind.Streams).Select(static s =>
            new StreamInfo(s.Get(ReplayKind.StreamName), s.Get(ReplayKind.Unit), s.Get(ReplayKind.Scale))),
    ]);

    /// <summary>The streams that the file names, in order of appearance; a first pass over a bounded number of lines.</summary>
    /// <exception cref="SensorFault">It names none, or too many.</exception>
    public static ReplayStreams Discover(LineReader lines, string path, CancellationToken stop)
    {
        var names = new List<string>();
        var known = new ReplayStreams([]);
        lines.TryRead(out _);
        while (lines.LineNumber < DeviceLimits.ReplayDiscoverLinesMax && !stop.IsCancellationRequested && lines.TryRead(out var line))
        {
            if (lines.IsOverlong
                || ReplayLine.Parse(line, out _, out var stream, out _) is not (ReplayLineKind.Value or ReplayLineKind.Absent)
                || known.IndexOf(stream) >= 0)
            {
                continue;
            }

            if (names.Count == StreamSet.StreamsMax)
            {
                throw new SensorFault(SensorFaultKind.Malformed, $"{path}:{lines.LineNumber}",
                    $"The file has more than {StreamSet.StreamsMax} streams. Split it, or declare those that are wanted under 'streams'.");
            }

            names.Add(Encoding.UTF8.GetString(stream));
            known = new ReplayStreams([.. names.Select(static n => new StreamInfo(n, "1"))]);
        }

        return known.All.Length > 0 || stop.IsCancellationRequested
            ? known
            : throw new SensorFault(SensorFaultKind.Malformed, path, "No line reads time,stream,value. Correct the file.");
    }

    /// <summary>The column of <paramref name="name"/>, or −1.</summary>
    public int IndexOf(ReadOnlySpan<byte> name)
    {
        // Files repeat their streams in the same order: the next one is nearly always right.
        for (var i = 0; i < _names.Length; i++)
        {
            var at = _guess + i;
            at = at >= _names.Length ? at - _names.Length : at;
            if (name.SequenceEqual(_names[at]))
            {
                _guess = at + 1 == _names.Length ? 0 : at + 1;
                return at;
            }
        }

        return -1;
    }
}
