using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>A cell of a <see cref="LocationGrid"/>.</summary>
/// <param name="Row">Band of latitude, from the south pole.</param>
/// <param name="Column">Place in the band, eastwards from 180° W.</param>
internal readonly record struct LocationCell(int Row, int Column);

/// <summary>A fixed grid over the whole earth whose cells are about 100 m, 1 km or 10 km wide at every latitude.
/// Bands of equal latitude, each cut into as many equal parts as its circumference holds; the bands at the poles are one
/// round cell each. Sphere of 111.19 km a degree: the cells need a size, not a survey.</summary>
internal sealed class LocationGrid
{
    // Half a band is 45 steps of the decimal grid: 0.00045° at 1e-5, 0.0045° at 1e-4, 0.045° at 1e-3.
    private const int HalfBandSteps = 45;

    private readonly int _stepsPerDegree;
    private readonly double _bandDegrees;

    private LocationGrid(int stepsPerDegree, double scale)
    {
        _stepsPerDegree = stepsPerDegree;
        Scale = scale;
        _bandDegrees = 2.0 * HalfBandSteps / stepsPerDegree;
        Rows = 180 * stepsPerDegree / (2 * HalfBandSteps);
    }

    /// <summary>Centres are whole multiples of this many degrees.</summary>
    public double Scale { get; }

    /// <summary>Number of bands.</summary>
    public int Rows { get; }

    /// <summary>Height of a cell, degrees.</summary>
    public double BandDegrees => _bandDegrees;

    /// <summary>0.0009°, 100 m.</summary>
    public static LocationGrid Cell100m { get; } = new(100_000, 1e-5);

    /// <summary>0.009°, 1 km.</summary>
    public static LocationGrid Cell1km { get; } = new(10_000, 1e-4);

    /// <summary>0.09°, 10 km.</summary>
    public static LocationGrid Cell10km { get; } = new(1_000, 1e-3);

    /// <summary>The grid of a precision coarser than exact.</summary>
    public static LocationGrid For(Precision precision) => precision switch
    {
        Precision.Cell100m => Cell100m,
        Precision.Cell1km => Cell1km,
        Precision.Cell10km => Cell10km,
        _ => throw new ArgumentOutOfRangeException(nameof(precision), precision, "an exact position has no grid"),
    };

    /// <summary>True for a latitude and longitude that exist, in degrees.</summary>
    public static bool IsPlace(double latitude, double longitude) =>
        Math.Abs(latitude) <= 90 && Math.Abs(longitude) <= 180;

    /// <summary>Number of cells in a band.</summary>
    public int Columns(int row)
    {
        if (row == 0 || row == Rows - 1)
        {
            return 1;
        }

        var middle = ((row + 0.5) * _bandDegrees) - 90;
        return Math.Max(1, (int)(360 / _bandDegrees * Math.Cos(double.DegreesToRadians(middle))));
    }

    /// <summary>The cell of a place.</summary>
    public LocationCell CellOf(double latitude, double longitude)
    {
        var row = Math.Clamp((int)((latitude + 90) / _bandDegrees), 0, Rows - 1);
        var columns = Columns(row);

        // 180° E is 180° W.
        var column = (int)((longitude + 180) / 360 * columns) % columns;
        return new LocationCell(row, column);
    }

    /// <summary>The centre of a cell: the only thing that is ever published of it.</summary>
    public (double Latitude, double Longitude) CentreOf(LocationCell cell)
    {
        var latitude = (((2L * cell.Row) + 1) * HalfBandSteps) - (90L * _stepsPerDegree);
        var longitude = Math.Round(((cell.Column + 0.5) * 360 / Columns(cell.Row) - 180) * _stepsPerDegree);

        // Written as steps times scale, so that the store recognises whole steps.
        return (latitude * Scale, longitude * Scale);
    }

    /// <summary>True when a place lies in the cell or within <paramref name="margin"/> cell widths around it.</summary>
    public bool Holds(LocationCell cell, double latitude, double longitude, double margin)
    {
        var reach = 0.5 + margin;
        var middle = ((cell.Row + 0.5) * _bandDegrees) - 90;
        if (Math.Abs(latitude - middle) > reach * _bandDegrees)
        {
            return false;
        }

        var columns = Columns(cell.Row);
        var width = 360.0 / columns;
        var away = Math.Abs(longitude - (((cell.Column + 0.5) * width) - 180));
        return columns == 1 || Math.Min(away, 360 - away) <= reach * width;
    }
}
