using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>Makes anonymous windows of readings (R5, R35, R117): the readings themselves end here. Windows are of boot-time, so that a clock
/// that is set does not bend them; they are named by the wall time at their end. One thread.</summary>
internal sealed class Aggregator(TimeSpan window, IClock clock, IAnonymousOutbox outbox, ISealedValues? values, Counters counters, int seed)
{
    private const string OpenMark = "analytics/open";
    private readonly Dictionary<(string Set, int Stream), Entry> _sums = [];
    private readonly Random _random = new(seed);
    private readonly long _lengthNs = window.ToNs();
    private Permit? _permit;
    private long _endNs = long.MinValue;

    /// <summary>What an earlier run left open was lost with it: counts it.</summary>
    public void CountLost()
    {
        if (values?.Get(OpenMark) is not null)
        {
            counters.Add("dropped.analytics-window");
            Mark(open: false);
        }
    }

    /// <summary>Takes readings.</summary>
    public void Admit(RawRows rows, Permit permit)
    {
        if (_endNs == long.MinValue)
        {
            _endNs = clock.BootNs + _lengthNs;
            Mark(open: true);
        }

        _permit = permit;
        var columns = rows.Columns;
        for (var stream = 0; stream < columns.Width; stream++)
        {
            if (SumOf(rows.Set, stream) is not { } sum)
            {
                counters.Add("dropped.analytics-streams", columns.Count);
                continue;
            }

            var readings = columns.Values(stream);
            for (var row = 0; row < readings.Length; row++)
            {
                if ((columns.Present[row] >> stream & 1) == 1)
                {
                    sum.Add(readings[row]);
                }
            }
        }
    }

    /// <summary>Closes the window when its time is over. Cheap.</summary>
    public void Tick()
    {
        if (_endNs != long.MinValue && clock.BootNs >= _endNs)
        {
            Close();
        }
    }

    /// <summary>Forgets the open window: its consent has ended.</summary>
    public void Forget()
    {
        if (_endNs != long.MinValue)
        {
            counters.Add("dropped.analytics-window");
            End();
        }
    }

    private void Close()
    {
        var now = clock.Now();
        var lengthS = _lengthNs / ClockExtensions.NsPerSecond;
        var from = (_endNs - _lengthNs + clock.WallOffsetNs) / _lengthNs * lengthS;
        foreach (var (field, stream, sum) in _sums.Values)
        {
            if (sum.Count == 0)
            {
                continue;
            }

            if (now.Quality == ClockQuality.Unsynced)
            {
                counters.Add("dropped.analytics-unsynced");
            }
            else if (sum.Count < AnalyticsLimits.ReadingsMin)
            {
                counters.Add("dropped.analytics-short");
            }
            else
            {
                Put(new AnonymousWindow(
                    _permit!.Function, _permit.Purpose, _permit.PolicyVersion, field, stream, from, from + lengthS, sum.Figures()));
            }
        }

        End();
    }

    private void Put(AnonymousWindow done)
    {
        try
        {
            outbox.Put(done, _permit!.Recipients);
        }
        catch (StoreFault)
        {
            counters.Add("dropped.analytics-window");
        }
    }

    private void End()
    {
        foreach (var (_, _, sum) in _sums.Values)
        {
            sum.Clear();
        }

        _endNs = long.MinValue;
        Mark(open: false);
    }

    private WindowSum? SumOf(StreamSet set, int stream)
    {
        if (!_sums.TryGetValue((set.Fingerprint, stream), out var entry) && _sums.Count < AnalyticsLimits.StreamsMax)
        {
            _sums[(set.Fingerprint, stream)] = entry = new Entry(set.Field, set.Streams[stream], new WindowSum(_random));
        }

        return entry?.Sum;
    }

    private void Mark(bool open)
    {
        try
        {
            if (open)
            {
                values?.Set(OpenMark, "1"u8);
            }
            else
            {
                values?.Remove(OpenMark);
            }
        }
        catch (StoreFault)
        {
            counters.Add("store.memory-not-kept");
        }
    }

    private sealed record Entry(string Field, StreamInfo Stream, WindowSum Sum);
}
