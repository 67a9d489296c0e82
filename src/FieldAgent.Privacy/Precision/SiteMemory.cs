using System.Buffers.Binary;
using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>The cells that were answered lately, for one precision: one answer a site, whoever asks, over restarts. Without it a board
/// near an edge would draw its cell anew at each start, and the share of the answers would tell how near the edge is (R45).
/// It holds what was published and nothing finer. One thread.</summary>
internal sealed class SiteMemory
{
    /// <summary>What the names of these values begin with.</summary>
    public const string Prefix = "place/";

    private const int BytesPerCell = 8;

    private readonly ISealedValues? _values;
    private readonly Counters _counters;
    private readonly string _name;
    private readonly LocationGrid _grid;
    private readonly List<LocationCell> _cells = new(LocationLimits.CellsMax);
    private bool _isDirty;
    private long _writtenNs;

    /// <summary>The memory of <paramref name="precision"/>; in memory only without <paramref name="values"/>.</summary>
    public SiteMemory(Precision precision, ISealedValues? values, Counters counters)
    {
        _values = values;
        _counters = counters;
        _name = Prefix + precision.Word();
        _grid = LocationGrid.For(precision);
        _writtenNs = long.MinValue / 2;
        var bytes = values?.Get(_name) ?? [];
        for (var at = 0; at + BytesPerCell <= bytes.Length && _cells.Count < LocationLimits.CellsMax; at += BytesPerCell)
        {
            _cells.Add(new LocationCell(
                BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(at)), BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(at + 4))));
        }
    }

    /// <summary>Grid of the cells.</summary>
    public LocationGrid Grid => _grid;

    /// <summary>The cell of a place for one that stands in <paramref name="current"/> (null: in none yet): the same while the board has not
    /// clearly left it; then one that was answered before and holds the place; then the place's own.</summary>
    public LocationCell Answer(LocationCell? current, double latitude, double longitude)
    {
        if (current is { } same && _grid.Holds(same, latitude, longitude, LocationLimits.MarginCells))
        {
            return same;
        }

        for (var i = _cells.Count - 1; i >= 0; i--)
        {
            if (_grid.Holds(_cells[i], latitude, longitude, LocationLimits.MarginCells))
            {
                return Newest(i, _cells[i]);
            }
        }

        var cell = _grid.CellOf(latitude, longitude);
        if (_cells.Count == LocationLimits.CellsMax)
        {
            _cells.RemoveAt(0);
        }

        _cells.Add(cell);
        _isDirty = true;
        return cell;
    }

    /// <summary>Writes what changed: at once when nothing was written for a while, else later, so that a board under way wears out
    /// no card.</summary>
    /// <param name="bootNs">Now, or when the last fix came.</param>
    public void Save(long bootNs)
    {
        if (!_isDirty || _values is null || bootNs - _writtenNs < LocationLimits.SaveEveryNs)
        {
            return;
        }

        var bytes = new byte[_cells.Count * BytesPerCell];
        for (var i = 0; i < _cells.Count; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(i * BytesPerCell), _cells[i].Row);
            BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan((i * BytesPerCell) + 4), _cells[i].Column);
        }

        _writtenNs = bootNs;
        try
        {
            _values.Set(_name, bytes);
            _isDirty = false;
        }
        catch (StoreFault)
        {
            _counters.Add("store.memory-not-kept");
        }
    }

    /// <summary>Forgets all, also on disk: no consent is left.</summary>
    public void Forget()
    {
        if (_cells.Count == 0)
        {
            return;
        }

        _cells.Clear();
        try
        {
            _values?.Remove(_name);
            _isDirty = false;
        }
        catch (StoreFault)
        {
            // written over with the next save
            _isDirty = true;
            _counters.Add("store.memory-not-kept");
        }
    }

    private LocationCell Newest(int index, LocationCell cell)
    {
        if (index != _cells.Count - 1)
        {
            _cells.RemoveAt(index);
            _cells.Add(cell);
            _isDirty = true;
        }

        return cell;
    }
}
