using System.Collections.Immutable;
using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>Limits of the reduction of places, each with its reason.</summary>
internal static class LocationLimits
{
    /// <summary>A fix must be this part of a cell outside before the board is said to have left the cell: 30 m of 100 m is six
    /// times the scatter of an ordinary receiver (5 m). With four times, ten thousand fixes beside an edge hold one that jumps over,
    /// and their average tells how near the edge is.</summary>
    public const double MarginCells = 0.3;

    /// <summary>Sets with a remembered cell; a board has a handful of receivers. Beyond it all is forgotten and begins anew.</summary>
    public const int TracksMax = 256;

    /// <summary>Cells that are remembered of each precision: the sites that a board comes back to. Few, because they are a record of where it
    /// was, coarse as they are.</summary>
    public const int CellsMax = 16;

    /// <summary>Shortest time between two writings of them, ns: a board on a road at 20 m/s enters a 100 m cell each 5 s. What a power cut
    /// takes is the cells of the last minute.</summary>
    public const long SaveEveryNs = 60 * ClockExtensions.NsPerSecond;
}

/// <summary>Makes positions coarser before anything is written: publishes the centre of the cell, stays with a cell until the
/// board has clearly left it, and drops whatever could refine the place (altitude, speed, track). One thread.</summary>
internal sealed class LocationReducer(Counters counters, ISealedValues? values = null)
{
    private readonly Dictionary<Precision, SiteMemory> _sites = [];
    private readonly Dictionary<(string Set, string Function), Track> _tracks = [];

    /// <summary>Passes on what of <paramref name="rows"/> may be known.</summary>
    /// <param name="rows">Raw positions.</param>
    /// <param name="permit">Grounds, with a precision coarser than exact.</param>
    /// <param name="sink">Gets the reduced rows, which are wiped when it returns.</param>
    /// <param name="reason"><see cref="DenyReason.Unreadable"/> when the set has no latitude and longitude in degrees: it is never
    /// passed on as it is.</param>
    /// <returns>True when the sink got rows.</returns>
    public bool Admit(RawRows rows, Permit permit, IAdmittedSink sink, out DenyReason reason)
    {
        var track = TrackOf(rows.Set, permit);
        if (track.Set is null)
        {
            reason = DenyReason.Unreadable;
            return false;
        }

        reason = DenyReason.None;
        try
        {
            Reduce(rows.Columns, track);
            if (track.Columns.Count == 0)
            {
                return false;
            }

            sink.Take(new AdmittedRows(track.Set, permit, track.Columns));
            track.Sites.Save(track.Columns.BootNs[^1]);
            return true;
        }
        finally
        {
            track.Columns.Clear(wipe: true);
        }
    }

    /// <summary>Forgets the cell of a set: its consent has ended. With the last one all sites are forgotten.</summary>
    public void Forget(string set, string function)
    {
        if (_tracks.Count > 0 && _tracks.Remove((set, function)) && _tracks.Count == 0)
        {
            ForgetSites();
        }
    }

    /// <summary>Forgets all sites, also those that an earlier run wrote down.</summary>
    public void ForgetSites()
    {
        _tracks.Clear();
        foreach (var precision in (ReadOnlySpan<Precision>)[Precision.Cell100m, Precision.Cell1km, Precision.Cell10km])
        {
            SitesOf(precision).Forget();
        }
    }

    /// <summary>A single place made coarse, with the answer that everybody else gets.</summary>
    public (double Latitude, double Longitude) Reduce(double latitude, double longitude, Precision precision)
    {
        var sites = SitesOf(precision);
        return sites.Grid.CentreOf(sites.Answer(null, latitude, longitude));
    }

    /// <summary>The column of a stream with this name and unit, or −1.</summary>
    public static int Find(StreamSet set, string name, string unit)
    {
        for (var i = 0; i < set.Streams.Length; i++)
        {
            if (set.Streams[i].Name == name && set.Streams[i].Unit == unit)
            {
                return i;
            }
        }

        return -1;
    }

    private SiteMemory SitesOf(Precision precision)
    {
        if (!_sites.TryGetValue(precision, out var sites))
        {
            _sites[precision] = sites = new SiteMemory(precision, values, counters);
        }

        return sites;
    }

    private void Reduce(RowColumns raw, Track track)
    {
        var latitudes = raw.Values(track.LatitudeColumn);
        var longitudes = raw.Values(track.LongitudeColumn);
        var times = raw.BootNs;
        var present = raw.Present;
        var both = (1UL << track.LatitudeColumn) | (1UL << track.LongitudeColumn);
        Span<double> centre = stackalloc double[2];
        long invalid = 0;
        for (var row = 0; row < raw.Count; row++)
        {
            if ((present[row] & both) != both)
            {
                continue;
            }

            if (!LocationGrid.IsPlace(latitudes[row], longitudes[row]))
            {
                invalid++;
                continue;
            }

            (centre[0], centre[1]) = track.Publish(latitudes[row], longitudes[row]);
            track.Columns.Append(times[row], centre, 0b11);
        }

        if (invalid > 0)
        {
            counters.Add("dropped.position-invalid", invalid);
        }

        var dropped = raw.Readings - track.Columns.Readings - (2 * invalid);
        if (dropped > 0)
        {
            counters.Add("reduced.position", dropped);
        }
    }

    private Track TrackOf(StreamSet set, Permit permit)
    {
        var key = (set.Name, permit.Function);
        if (_tracks.TryGetValue(key, out var track) && track.Precision == permit.Precision)
        {
            if (!ReferenceEquals(track.Source, set))
            {
                track.ReadFrom(set);
            }

            return track;
        }

        if (_tracks.Count >= LocationLimits.TracksMax)
        {
            _tracks.Clear();
        }

        track = new Track(permit.Precision, SitesOf(permit.Precision));
        track.ReadFrom(set);
        _tracks[key] = track;
        return track;
    }

    /// <summary>What is remembered of one set for one function: the cell last published, and buffers.</summary>
    private sealed class Track(Precision precision, SiteMemory sites)
    {
        private readonly LocationGrid _grid = sites.Grid;
        private LocationCell? _cell;

        public SiteMemory Sites => sites;

        public Precision Precision { get; } = precision;

        public RowColumns Columns { get; } = new(2);

        public StreamSet? Source { get; private set; }

        /// <summary>The set as it is passed on; null when the source has no position.</summary>
        public StreamSet? Set { get; private set; }

        public int LatitudeColumn { get; private set; }

        public int LongitudeColumn { get; private set; }

        public void ReadFrom(StreamSet source)
        {
            Source = source;
            Set = null;
            LatitudeColumn = Find(source, "latitude", "deg");
            LongitudeColumn = Find(source, "longitude", "deg");
            if (source.Field == Vocabulary.LocationPosition && LatitudeColumn >= 0 && LongitudeColumn >= 0)
            {
                Set = new StreamSet(
                    source.Name,
                    source.Field,
                    ImmutableArray.Create(
                        new StreamInfo("latitude", "deg", _grid.Scale), new StreamInfo("longitude", "deg", _grid.Scale)),
                    source.IntervalNs,
                    source.Urgent,
                    source.Importance);
            }
        }

        public (double Latitude, double Longitude) Publish(double latitude, double longitude)
        {
            var cell = sites.Answer(_cell, latitude, longitude);
            _cell = cell;
            return _grid.CentreOf(cell);
        }
    }
}
