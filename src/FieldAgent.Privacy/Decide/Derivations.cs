using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>What the gate needs to make something of readings instead of passing them on. All optional: without it nothing is made.</summary>
public sealed record GateParts
{
    /// <summary>Where the memories of the gate lie; null: in memory only.</summary>
    public ISealedValues? Values { get; init; }

    /// <summary>The fences to watch.</summary>
    public IReadOnlyList<Fence> Fences { get; init; } = [];

    /// <summary>Where anonymous windows go; null: none are made.</summary>
    public IAnonymousOutbox? Anonymous { get; init; }

    /// <summary>Time; needed for windows.</summary>
    public IClock? Clock { get; init; }

    /// <summary>Length of a window.</summary>
    public TimeSpan Window { get; init; } = AnalyticsLimits.WindowMin;

    /// <summary>Seed of the samples that percentiles are estimated from.</summary>
    public int Seed { get; init; }
}

/// <summary>Makes of readings what may leave in their place: coarse positions, transitions of fences, a word on plausibility, anonymous
/// windows. Reached from the gate alone. One thread, but for <see cref="Settle"/>, <see cref="Changed"/> and
/// <see cref="Fences"/>.</summary>
internal sealed class Derivations
{
    private readonly ISealedValues? _values;
    private readonly Aggregator? _windows;
    private readonly PlausibilityWatch _plausibility = new();
    private readonly CoarseWatch _coarse;
    private int _forget;

    public Derivations(GateParts parts, Counters counters)
    {
        _values = parts.Values;
        Places = new LocationReducer(counters, parts.Values);
        Fences = new FenceKeeper(parts.Fences, parts.Values, counters);
        _coarse = new CoarseWatch(Fences);
        if (parts is { Anonymous: { } outbox, Clock: { } clock })
        {
            _windows = new Aggregator(parts.Window, clock, outbox, parts.Values, counters, parts.Seed);
            _windows.CountLost();
        }
    }

    private enum Part
    {
        Places = 1,
        Fences = 2,
        Windows = 4,
    }

    /// <summary>Makes positions coarse.</summary>
    public LocationReducer Places { get; }

    /// <summary>Watches fences.</summary>
    public FenceKeeper Fences { get; }

    /// <summary>True when readings that <paramref name="function"/> may use end in the gate, whatever the rule's recipients.</summary>
    public static bool Ends(string function) => function == Vocabulary.GeofenceFunction;

    /// <summary>To be called with each batch: forgets what was decided to be forgotten, closes windows whose time is over.</summary>
    public void Tick()
    {
        var forget = _forget == 0 ? 0 : Interlocked.Exchange(ref _forget, 0);
        if ((forget & (int)Part.Places) != 0)
        {
            Places.ForgetSites();
            _plausibility.Forget();
        }

        if ((forget & (int)Part.Fences) != 0)
        {
            Fences.Forget();
        }

        if ((forget & (int)Part.Windows) != 0)
        {
            _windows?.Forget();
        }

        _windows?.Tick();
    }

    /// <summary>Sums up readings of the instrument for those who may have anonymous windows. Places have no mean, and their extremes are
    /// places: no other field is summed up.</summary>
    public void SumUp(RawRows rows, Permit window) => _windows?.Admit(rows, window);

    /// <summary>True for rows that windows are made of.</summary>
    public bool SumsUp(StreamSet set) => _windows is not null && set.Field.StartsWith("instrument.", StringComparison.Ordinal);

    /// <summary>Takes positions that end here.</summary>
    /// <param name="rows">The positions.</param>
    /// <param name="permit">On what grounds.</param>
    /// <param name="transition">What may be told of fences, or null.</param>
    /// <param name="sink">Gets transitions.</param>
    /// <returns>True when the sink got something.</returns>
    public bool Admit(RawRows rows, Permit permit, Permit? transition, IAdmittedSink sink)
    {
        if (permit.Precision != Precision.Exact)
        {
            // Whoever granted the function a cell gets fences as coarse as that.
            _ = Places.Admit(rows, permit, _coarse, out _);
        }
        else if (Find(rows.Set, out var latitude, out var longitude, out _))
        {
            var columns = rows.Columns;
            Fences.Watch(
                columns.BootNs, columns.Values(latitude), columns.Values(longitude), columns.Present, (1UL << latitude) | (1UL << longitude));
        }

        return Fences.Emit(transition, sink);
    }

    /// <summary>Looks whether positions are plausible, and says so to each function that may know.</summary>
    /// <returns>How many functions were told something.</returns>
    public int Judge(RawRows rows, ReadOnlySpan<TableEntry> entries, in Stamp now, IAdmittedSink sink)
    {
        if (entries.IsEmpty || !Find(rows.Set, out var latitude, out var longitude, out var speed))
        {
            return 0;
        }

        var told = 0;
        _plausibility.Watch(rows, latitude, longitude, speed);
        foreach (var entry in entries)
        {
            told += entry.Answer(Ask(Stage.Admit, entry, now)).Permit is { } permit && _plausibility.Emit(rows, permit, sink) ? 1 : 0;
        }

        return told;
    }

    /// <summary>Writes down what must outlive a restart, once a flush has stored what belongs to it. Any thread.</summary>
    public void Settle() => Fences.Settle();

    /// <summary>Decisions have changed: what nobody may know any more, not just for now, is forgotten, on disk now and in memory with the next batch. Any
    /// thread.</summary>
    public void Changed(DecisionTable table, in Stamp now)
    {
        var places = Keeps(table, Vocabulary.LocationPosition, now) || Keeps(table, Vocabulary.ImageLocation, now);
        var fences = table.Find(Vocabulary.GeofenceFunction, Vocabulary.LocationPosition) is { } fence
            && fence.Answer(Ask(Stage.Collect, fence, now)).Keeps;
        var windows = Keeps(table, Vocabulary.AnalyticsWindow, now);

        Interlocked.Or(ref _forget, (places ? 0 : (int)Part.Places) | (fences ? 0 : (int)Part.Fences) | (windows ? 0 : (int)Part.Windows));
        try
        {
            foreach (var name in _values?.Names("") ?? [])
            {
                if ((!places && name.StartsWith(SiteMemory.Prefix, StringComparison.Ordinal))
                    || (!fences && name.StartsWith(FenceKeeper.Prefix, StringComparison.Ordinal)))
                {
                    _values!.Remove(name);
                }
            }
        }
        catch (StoreFault)
        {
            // the next batch tries again
        }
    }

    private static Question Ask(Stage stage, TableEntry entry, in Stamp now) =>
        new(stage, entry.Rule.Function.Name, entry.Rule.Field.Name, now.WallUnixNs, now.Quality);

    private static bool Keeps(DecisionTable table, string field, in Stamp now)
    {
        foreach (var entry in table.ByField(field))
        {
            if (!Ends(entry.Rule.Function.Name) && entry.Answer(Ask(Stage.Admit, entry, now)).Keeps)
            {
                return true;
            }
        }

        return false;
    }

    private static bool Find(StreamSet set, out int latitude, out int longitude, out int speed)
    {
        latitude = LocationReducer.Find(set, "latitude", "deg");
        longitude = LocationReducer.Find(set, "longitude", "deg");
        speed = LocationReducer.Find(set, "speed", "m/s");
        return set.Field == Vocabulary.LocationPosition && latitude >= 0 && longitude >= 0;
    }

    private sealed class CoarseWatch(FenceKeeper fences) : IAdmittedSink
    {
        public void Take(in AdmittedRows rows) => fences.Watch(rows.BootNs, rows.Values(0), rows.Values(1), rows.Present, 0b11);
    }
}
