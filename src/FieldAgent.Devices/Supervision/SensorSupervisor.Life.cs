using FieldAgent.Core;

namespace FieldAgent.Devices;

/// <content>Whether the sensor lives.</content>
public sealed partial class SensorSupervisor
{
    /// <summary>Looks whether the sensor still gives signs of life. Cheap; to be called every second or so. <see cref="Status"/> does
    /// it as well.</summary>
    public void Watch()
    {
        lock (_lock)
        {
            if (_session is not { HasBegun: true } session || _retryBootNs != 0 || _state == SensorState.Stopped)
            {
                return;
            }

            var now = _clock.BootNs;
            Totals(out var rows, out _, out _);
            var count = rows + session.Signs;
            if (count != _lastLifeCount || session.IsWaiting || IsAnyFull())
            {
                _lastLifeCount = count;
                _lastLifeNs = now;
                Live(rows > _rowsBefore);
            }
            else if (_state != SensorState.Stalled && now - _lastLifeNs > StalledAfterNs())
            {
                _counters.Add("sensor.stalled");
                Enter(SensorState.Stalled, "It is inside a call that does not return. Check the device's bus and power.");
                Say(SensorState.Stalled, "call");
            }
        }
    }

    /// <summary>The sensor begins to wait: a good moment to see that it delivers, or is ready to.</summary>
    internal void Rests(SensorSession session, bool ready)
    {
        lock (_lock)
        {
            if (_session == session && _state != SensorState.Running && _state != SensorState.Stopped)
            {
                Totals(out var rows, out _, out _);
                Live(ready || rows > _rowsBefore);
            }
        }
    }

    /// <summary>Rows or pictures come, or nothing hangs any more.</summary>
    private void Live(bool delivers)
    {
        if (_state == SensorState.Running || _retryBootNs != 0 || (!delivers && _state != SensorState.Stalled))
        {
            return;
        }

        Enter(delivers ? SensorState.Running : SensorState.Opening, "");
        if (delivers)
        {
            _runningSinceNs = _clock.BootNs;
            Say(SensorState.Running, "");
        }
    }

    /// <summary>What the sensor says that its device may take is its own affair; from then on it is judged as any other.</summary>
    private long StalledAfterNs()
    {
        long longest = 0;
        foreach (var writer in _writers)
        {
            longest = Math.Max(longest, writer.Set.IntervalNs);
        }

        return _sensor.CallLimit.ToNs() + Math.Max(_limits.StalledAfterMin.ToNs(), _limits.StalledAfterIntervals * longest);
    }

    private bool IsAnyFull()
    {
        foreach (var writer in _writers)
        {
            if (writer.IsFull)
            {
                return true;
            }
        }

        return false;
    }
}
