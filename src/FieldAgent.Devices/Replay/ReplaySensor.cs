using System.Globalization;
using FieldAgent.Core;

namespace FieldAgent.Devices;

/// <summary>Plays a CSV file: the first line's time is now, the others keep their distance from it.</summary>
internal sealed class ReplaySensor(SensorSetup setup) : ISensor
{
    private readonly string _path = setup.FilePath(setup.Options.Get(ReplayKind.FileName));
    private readonly bool _isLive = setup.Options.Get(ReplayKind.Pace) == "live";
    private readonly bool _loop = setup.Options.Get(ReplayKind.Loop);

    /// <inheritdoc/>
    public string Name { get; } = setup.Name;

    /// <inheritdoc/>
    public IReadOnlyList<string> OpensFor { get; } = [setup.Options.Get(SensorOptions.Field)];

    /// <inheritdoc/>
    public void Run(ISensorHost host, CancellationToken stop)
    {
        try
        {
            using var lines = new LineReader(File.OpenHandle(_path), DeviceLimits.ReplayLineBytesMax);
            CheckHeader(lines);
            var streams = ReplayStreams.Declared(setup);
            if (streams.All.Length == 0)
            {
                lines.Rewind();
                streams = ReplayStreams.Discover(lines, _path, stop);
            }

            if (stop.IsCancellationRequested)
            {
                return;
            }

            var options = setup.Options;
            var writer = host.Declare(new StreamSet(
                Name, options.Get(SensorOptions.Field), streams.All, options.Get(ReplayKind.Interval).ToNs(),
                options.Get(SensorOptions.Urgent), options.ReadImportance()));
            new Player(host, lines, streams, writer, _isLive, stop).Play(_loop);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new SensorFault(SensorFaultKind.Refused, _path, "The file may not be read by this user. Correct its mode or owner.", e);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new SensorFault(SensorFaultKind.Absent, _path, "The file does not exist. Correct 'file'.", e);
        }
        catch (IOException e)
        {
            throw new SensorFault(SensorFaultKind.Io, _path, "The file cannot be read.", e);
        }
    }

    private void CheckHeader(LineReader lines)
    {
        if (!lines.TryRead(out var header) || !ReplayLine.IsHeader(header))
        {
            throw new SensorFault(SensorFaultKind.Malformed, $"{_path}:1", "The first line must be: time,stream,value");
        }
    }

    private sealed class Player(
        ISensorHost host, LineReader lines, ReplayStreams streams, SampleWriter writer, bool isLive, CancellationToken stop)
    {
        private readonly double[] _values = new double[streams.All.Length];
        private readonly double[] _scales = [.. streams.All.Select(static s => s.Scale)];
        private readonly List<long> _badLines = [];
        private ulong _present;
        private bool _hasRow;
        private long _rowNs;
        private long _shiftNs;

        public void Play(bool loop)
        {
            var startNs = host.Clock.BootNs;
            while (true)
            {
                lines.Rewind();
                lines.TryRead(out _);
                if (!PlayOnce(startNs, out var firstNs, out var lastNs, out var gapNs) || !loop)
                {
                    return;
                }

                // The repetition follows the last row as that one followed the row before it.
                startNs += lastNs - firstNs + (gapNs > 0 ? gapNs : ClockExtensions.NsPerSecond);
            }
        }

        /// <returns>False when stopped, or when there was no row at all.</returns>
        private bool PlayOnce(long startNs, out long firstNs, out long lastNs, out long gapNs)
        {
            var any = false;
            firstNs = lastNs = gapNs = 0;
            while (lines.TryRead(out var line))
            {
                var kind = ReplayLine.Parse(line, out var ns, out var stream, out var value);
                if (lines.IsOverlong || kind == ReplayLineKind.Malformed)
                {
                    Malformed(lines.IsOverlong ? "overlong" : "malformed");
                    continue;
                }

                if (kind == ReplayLineKind.Empty)
                {
                    continue;
                }

                var column = streams.IndexOf(stream);
                if (column < 0)
                {
                    host.Skipped("unknown-stream");
                    continue;
                }

                if (!any)
                {
                    any = true;
                    firstNs = lastNs = ns;
                    _shiftNs = startNs - ns;
                }
                else if (ns < lastNs)
                {
                    host.Skipped("time-backwards");
                    continue;
                }
                else if (ns > lastNs)
                {
                    if (!Flush())
                    {
                        return false;
                    }

                    gapNs = ns - lastNs;
                    lastNs = ns;
                }

                Put(ns, column, kind, value);
            }

            return Flush() && any;
        }

        private void Put(long ns, int column, ReplayLineKind kind, double value)
        {
            _hasRow = true;
            _rowNs = ns;
            if (kind == ReplayLineKind.Absent)
            {
                return;
            }

            if ((_present & (1UL << column)) != 0)
            {
                host.Skipped("duplicate");
            }

            _values[column] = _scales[column] > 0 ? Math.Round(value / _scales[column]) * _scales[column] : value;
            _present |= 1UL << column;
        }

        /// <returns>False when stopped.</returns>
        private bool Flush()
        {
            if (!_hasRow)
            {
                return !stop.IsCancellationRequested;
            }

            var bootNs = _rowNs + _shiftNs;
            var present = _present;
            _hasRow = false;
            _present = 0;
            if (isLive && !host.Clock.WaitUntil(bootNs, stop))
            {
                return false;
            }

            return present == 0 ? !stop.IsCancellationRequested : writer.Write(bootNs, _values, stop, present);
        }

        private void Malformed(string reason)
        {
            host.Skipped(reason);
            if (_badLines.Count < DeviceLimits.ReplayLinesNamedMax && !_badLines.Contains(lines.LineNumber))
            {
                _badLines.Add(lines.LineNumber);
                host.Describe(string.Create(CultureInfo.InvariantCulture,
                    $"lines that are not time,stream,value are skipped: {string.Join(", ", _badLines)}{(_badLines.Count == DeviceLimits.ReplayLinesNamedMax ? " …" : "")}"));
            }
        }
    }
}
