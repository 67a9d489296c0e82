using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace FieldAgent.Privacy;

/// <summary>A line round a place.</summary>
public abstract class FenceShape
{
    /// <summary>Metres to the line: below 0 inside. Exact near the line, where it decides; far from it only the sign counts.</summary>
    internal abstract double DistanceM(double latitude, double longitude);

    /// <summary>The shape as text, to be hashed: another shape under the same id begins anew.</summary>
    internal abstract string Describe();
}

/// <summary>All places within a geodesic distance of a centre, on WGS-84.</summary>
/// <param name="latitude">Degrees.</param>
/// <param name="longitude">Degrees.</param>
/// <param name="radiusM">Metres.</param>
public sealed class FenceCircle(double latitude, double longitude, double radiusM) : FenceShape
{
    /// <summary>Metres.</summary>
    public double RadiusM => radiusM;

    internal override double DistanceM(double atLatitude, double atLongitude) =>
        Geodesy.DistanceM(latitude, longitude, atLatitude, atLongitude) - radiusM;

    internal override string Describe() => string.Create(CultureInfo.InvariantCulture, $"circle {latitude:R} {longitude:R} {radiusM:R}");
}

/// <summary>A polygon whose edges are straight in latitude and longitude, as maps draw them. May cross the date line; one that goes once round
/// the earth encloses the pole that is nearer to its vertices.</summary>
public sealed class FencePolygon : FenceShape
{
    private readonly double[] _latitudes;

    // Without jumps at the date line: may reach beyond 180.
    private readonly double[] _longitudes;
    private readonly int _boundary;

    /// <summary>A polygon.</summary>
    /// <param name="vertices">Latitude and longitude of at least three vertices, degrees; the last is joined to the first.</param>
    public FencePolygon(IReadOnlyList<(double Latitude, double Longitude)> vertices)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(vertices.Count, 3);
        var latitudes = vertices.Select(static v => v.Latitude).ToList();
        var longitudes = new List<double> { vertices[0].Longitude };
        for (var i = 1; i < vertices.Count; i++)
        {
            longitudes.Add(longitudes[^1] + Geodesy.Wrap(vertices[i].Longitude - vertices[i - 1].Longitude));
        }

        _boundary = vertices.Count;
        var end = longitudes[^1] + Geodesy.Wrap(vertices[0].Longitude - vertices[^1].Longitude);
        var turns = Math.Round((end - longitudes[0]) / 360);
        if (turns != 0)
        {
            // Round a pole: the area is closed beyond it, so that it lies inside, and that seam is no boundary.
            var pole = latitudes.Average() >= 0 ? 91.0 : -91.0;
            latitudes.AddRange([latitudes[0], pole, pole]);
            longitudes.AddRange([end, end, longitudes[0]]);
        }

        _latitudes = [.. latitudes];
        _longitudes = [.. longitudes];
    }

    internal override double DistanceM(double latitude, double longitude)
    {
        var (north, east) = Geodesy.MetresPerDegree(latitude);
        var nearest = double.MaxValue;
        var inside = false;
        var from = _longitudes.Min();

        // The one copy of the place that is not west of the polygon; a place exactly on its western end has one on each side.
        var x = from + Positive(longitude - from);
        for (var i = 0; i < _latitudes.Length; i++)
        {
            var next = i + 1 == _latitudes.Length ? 0 : i + 1;
            var (y1, x1, y2, x2) = (_latitudes[i], _longitudes[i], _latitudes[next], _longitudes[next]);
            if ((y1 > latitude) != (y2 > latitude) && x < x1 + ((latitude - y1) / (y2 - y1) * (x2 - x1)))
            {
                inside = !inside;
            }

            if (i < _boundary)
            {
                // The seam over a pole joins the last vertex to the first one's copy.
                nearest = Math.Min(nearest, ToEdge(latitude, longitude, y1, x1, y2, x2, north, east));
            }
        }

        return inside ? -nearest : nearest;
    }

    internal override string Describe() => "polygon " + string.Join(' ',
        _latitudes.Zip(_longitudes, static (y, x) => string.Create(CultureInfo.InvariantCulture, $"{y:R},{x:R}")));

    private static double Positive(double degrees) => degrees - (360 * Math.Floor(degrees / 360));

    // In the plane that touches the ellipsoid at the place: right to first order in the distance.
    private static double ToEdge(double latitude, double longitude, double y1, double x1, double y2, double x2, double north, double east)
    {
        var ax = Geodesy.Wrap(x1 - longitude) * east;
        var ay = (y1 - latitude) * north;
        var dx = (x2 - x1) * east;
        var dy = (y2 - y1) * north;
        var length = (dx * dx) + (dy * dy);
        var nearest = ToSegment(ax, ay, dx, dy, length);

        // An edge longer than half the earth's circumference has a nearer copy.
        return Math.Abs(x2 - x1) > 90
            ? Math.Min(nearest, Math.Min(ToSegment(ax + (360 * east), ay, dx, dy, length), ToSegment(ax - (360 * east), ay, dx, dy, length)))
            : nearest;
    }

    private static double ToSegment(double ax, double ay, double dx, double dy, double length)
    {
        var t = length == 0 ? 0 : Math.Clamp(-((ax * dx) + (ay * dy)) / length, 0, 1);
        var (x, y) = (ax + (t * dx), ay + (t * dy));
        return Math.Sqrt((x * x) + (y * y));
    }
}

/// <summary>A geofence (R46). Its place stays on the board: all that leaves is its id, and in or out.</summary>
public sealed class Fence
{
    /// <summary>A fence.</summary>
    /// <param name="id">Its name outside: a name that says nothing of the place.</param>
    /// <param name="shape">The line.</param>
    /// <param name="hysteresisM">Metres beyond the line before the other side counts.</param>
    public Fence(string id, FenceShape shape, double hysteresisM = FenceLimits.HysteresisM)
    {
        Id = id;
        Shape = shape;
        HysteresisM = hysteresisM;
        Fingerprint = SHA256.HashData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{shape.Describe()} {hysteresisM:R}")))[..8];
    }

    /// <summary>Its name.</summary>
    public string Id { get; }

    /// <summary>The line.</summary>
    public FenceShape Shape { get; }

    /// <summary>Metres beyond the line before the other side counts.</summary>
    public double HysteresisM { get; }

    /// <summary>Tells shapes apart.</summary>
    internal byte[] Fingerprint { get; }
}

/// <summary>Limits of geofences, each with its reason.</summary>
public static class FenceLimits
{
    /// <summary>Metres beyond the line: four times the scatter of an ordinary receiver, so that a board that stands on the line goes over it
    /// once in 30,000 fixes at most, and does not come back.</summary>
    public const double HysteresisM = 20;

    /// <summary>Least hysteresis, m: a receiver with corrections from a base scatters that much.</summary>
    public const double HysteresisMinM = 1;

    /// <summary>Greatest hysteresis, m.</summary>
    public const double HysteresisMaxM = 10_000;

    /// <summary>Least radius, m: smaller ones are within the scatter.</summary>
    public const double RadiusMinM = 10;

    /// <summary>Greatest radius, m: a quarter of the earth's circumference; the inverse formula converges within it.</summary>
    public const double RadiusMaxM = 10_000_000;

    /// <summary>Fences of a board: each fix is held against each.</summary>
    public const int FencesMax = 32;

    /// <summary>Vertices of a polygon.</summary>
    public const int VerticesMax = 256;
}
