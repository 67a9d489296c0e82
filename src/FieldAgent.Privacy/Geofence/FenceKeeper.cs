using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>What a fence says: that the board went in, or out, and when. Holds no place, and nothing that one could be put into.</summary>
/// <param name="Fence">Number of the fence in the keeper's list.</param>
/// <param name="Inside">True: in; false: out.</param>
/// <param name="BootNs">When, boot-time ns.</param>
internal readonly record struct FenceTransition(int Fence, bool Inside, long BootNs);

/// <summary>Holds each position against the fences, on the board; only transitions leave it (R46). A side that is known outlives a restart.
/// Watching and <see cref="Emit"/> belong to one thread, <see cref="Settle"/> and <see cref="Forget"/> to any.</summary>
internal sealed class FenceKeeper
{
    /// <summary>What the names of these values begin with.</summary>
    public const string Prefix = "geofence/";

    private readonly IReadOnlyList<Fence> _fences;
    private readonly ISealedValues? _values;
    private readonly Counters _counters;
    private readonly Lock _lock = new();
    private readonly bool?[] _inside;
    private readonly bool[] _unsaved;
    private readonly StreamSet[] _sets;
    private readonly RowColumns _row = new(1);
    private readonly List<FenceTransition> _transitions = [];

    public FenceKeeper(IReadOnlyList<Fence> fences, ISealedValues? values, Counters counters)
    {
        _fences = fences;
        _values = values;
        _counters = counters;
        _inside = new bool?[fences.Count];
        _unsaved = new bool[fences.Count];
        _sets = [.. fences.Select(static fence => new StreamSet(
            "geofence." + fence.Id, Vocabulary.GeofenceTransition, [new StreamInfo("inside", "1", 1)], urgent: true, importance: Importance.High))];
        for (var i = 0; i < fences.Count; i++)
        {
            if (values?.Get(Prefix + fences[i].Id) is { Length: 9 } known && known.AsSpan(0, 8).SequenceEqual(fences[i].Fingerprint))
            {
                _inside[i] = known[8] == 1;
            }
        }
    }

    /// <summary>Which side of each fence the board is on; null while not known.</summary>
    public IReadOnlyList<(string Id, bool? Inside)> State
    {
        get
        {
            lock (_lock)
            {
                return [.. _fences.Select((fence, i) => (fence.Id, _inside[i]))];
            }
        }
    }

    /// <summary>Looks at positions.</summary>
    /// <param name="bootNs">When, boot-time ns.</param>
    /// <param name="latitudes">Degrees; a row that is no place on earth is left out.</param>
    /// <param name="longitudes">Degrees.</param>
    /// <param name="present">Which values each row has.</param>
    /// <param name="both">The bits of latitude and longitude in it.</param>
    public void Watch(
        ReadOnlySpan<long> bootNs, ReadOnlySpan<double> latitudes, ReadOnlySpan<double> longitudes, ReadOnlySpan<ulong> present, ulong both)
    {
        lock (_lock)
        {
            for (var row = 0; row < bootNs.Length; row++)
            {
                if ((present[row] & both) == both && LocationGrid.IsPlace(latitudes[row], longitudes[row]))
                {
                    Look(latitudes[row], longitudes[row], bootNs[row]);
                }
            }
        }
    }

    /// <summary>Passes on what watching found.</summary>
    /// <returns>True when there was something.</returns>
    public bool Emit(Permit? permit, IAdmittedSink sink)
    {
        var any = _transitions.Count > 0 && permit is not null;
        foreach (var transition in _transitions)
        {
            if (permit is not null)
            {
                _row.Clear();
                _row.Append(transition.BootNs, [transition.Inside ? 1 : 0], 1);
                sink.Take(new AdmittedRows(_sets[transition.Fence], permit, _row));
            }
        }

        _transitions.Clear();
        return any;
    }

    /// <summary>Writes down the sides that are known, once what told of them is stored: a power cut before repeats a transition, and
    /// loses none.</summary>
    public void Settle()
    {
        for (var i = 0; i < _fences.Count; i++)
        {
            byte[] value;
            lock (_lock)
            {
                if (!_unsaved[i] || _inside[i] is not { } inside || _values is null)
                {
                    continue;
                }

                value = [.. _fences[i].Fingerprint, inside ? (byte)1 : (byte)0];
                _unsaved[i] = false;
            }

            try
            {
                _values.Set(Prefix + _fences[i].Id, value);
            }
            catch (StoreFault)
            {
                _unsaved[i] = true;
                _counters.Add("store.memory-not-kept");
            }
        }
    }

    /// <summary>Forgets all sides, also on disk: no consent is left.</summary>
    public void Forget()
    {
        lock (_lock)
        {
            Array.Clear(_inside);
            Array.Clear(_unsaved);
        }

        try
        {
            foreach (var name in _values?.Names(Prefix) ?? [])
            {
                _values!.Remove(name);
            }
        }
        catch (StoreFault)
        {
            _counters.Add("store.memory-not-kept");
        }
    }

    private void Look(double latitude, double longitude, long bootNs)
    {
        for (var i = 0; i < _fences.Count; i++)
        {
            var fence = _fences[i];
            var distance = fence.Shape.DistanceM(latitude, longitude);
            var inside = _inside[i] switch
            {
                true => distance <= fence.HysteresisM,
                false => distance < -fence.HysteresisM,
                null => distance < 0,
            };
            if (_inside[i] == inside)
            {
                continue;
            }

            // To be outside at first is no transition.
            if (_inside[i] is not null || inside)
            {
                _transitions.Add(new FenceTransition(i, inside, bootNs));
            }

            _inside[i] = inside;
            _unsaved[i] = true;
        }
    }
}
