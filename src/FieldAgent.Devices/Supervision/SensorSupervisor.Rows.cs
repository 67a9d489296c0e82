using FieldAgent.Core;

namespace FieldAgent.Devices;

/// <content>What comes from the sensor's thread.</content>
public sealed partial class SensorSupervisor
{
    internal SampleWriter Declare(SensorSession session, StreamSet set)
    {
        lock (_lock)
        {
            var isCurrent = _session == session;
            var kept = new List<SampleWriter>(_writers.Length + 1);
            SampleWriter? same = null;
            foreach (var writer in _writers)
            {
                if (isCurrent && same is null && writer.Set.Fingerprint == set.Fingerprint && !writer.IsClosed)
                {
                    same = writer;
                }
                else if (isCurrent && writer.Set.Name == set.Name)
                {
                    // The device came back with other channels: what it sampled before is still taken.
                    writer.Close(forget: false);
                }

                if (writer.IsDrained)
                {
                    Retire(writer);
                }
                else
                {
                    kept.Add(writer);
                }
            }

            if (same is null)
            {
                same = new SampleWriter(set, _due, _rowsMax);
                if (isCurrent)
                {
                    kept.Add(same);
                }
                else
                {
                    same.Close(forget: true);
                }
            }

            _writers = [.. kept];
            return same;
        }
    }

    internal void Deliver(SensorSession session, RawImage image)
    {
        lock (_lock)
        {
            if (!TakeSign(session))
            {
                _counters.Add("dropped.late-image");
                return;
            }

            _images++;
        }

        _deliver(image);
    }

    internal void Tell(SensorSession session, RawFact fact)
    {
        lock (_lock)
        {
            if (!TakeSign(session))
            {
                _counters.Add("dropped.late-fact");
                return;
            }
        }

        _tell(fact);
    }

    // True when what a session hands over is taken; of the present one it is a sign of life.
    private bool TakeSign(SensorSession session)
    {
        if (_session == session)
        {
            Live(delivers: true);
            return true;
        }

        return _ending == session;
    }

    internal void Describe(SensorSession session, string text)
    {
        lock (_lock)
        {
            if (_session == session)
            {
                _description = text;
            }
        }
    }

    internal void CountSkipped(string reason, long count)
    {
        _counters.Add("skipped." + reason, count);
        lock (_lock)
        {
            _skipped[reason] = _skipped.GetValueOrDefault(reason) + count;
        }
    }

    private void Close(bool forget)
    {
        foreach (var writer in _writers)
        {
            writer.Close(forget);
        }
    }

    private void Retire(SampleWriter writer)
    {
        _pastRows += writer.Rows;
        _pastWaits += writer.Waits;
        _lastRowBootNs = Math.Max(_lastRowBootNs, writer.LastBootNs);
    }

    private void Totals(out long rows, out long waits, out long lastBootNs)
    {
        rows = _pastRows;
        waits = _pastWaits;
        lastBootNs = _lastRowBootNs;
        foreach (var writer in _writers)
        {
            rows += writer.Rows;
            waits += writer.Waits;
            lastBootNs = Math.Max(lastBootNs, writer.LastBootNs);
        }
    }
}
