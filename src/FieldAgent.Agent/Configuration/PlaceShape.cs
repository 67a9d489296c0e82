using System.Globalization;
using FieldAgent.Core.Configuration;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.Configuration;

/// <summary>The options of identity, geofences and analytics, and how they are read.</summary>
internal static class PlaceShape
{
    private static readonly Option<string> Supplement = Opt.Choice(
        "supplement", "Something of the hardware.", null, required: false, [.. Supplements.All.Select(static s => s.Name)]);

    private static readonly Option<IReadOnlyList<string>> SupplementsOption = Opt.List(
        "supplements",
        "Hardware identifiers that go into the pseudonym's input, so that a re-flash keeps it; needs a root key that is provisioned "
        + "(state.rootKeyFile or a credential). None when not given; no hardware identifier is read then.",
        Supplement, Supplements.All.Count);

    /// <summary>How the board's pseudonyms are made.</summary>
    public static readonly Option<ConfigSection?> Identity = Opt.Section("identity", "How the board's pseudonyms are made.",
        new ConfigShape("How the board's pseudonyms are made.", SupplementsOption));

    private static readonly Option<string> FenceId =
        Opt.Name("id", "Name of the fence, as it is published: one that says nothing of the place.", required: true);

    private static readonly Option<double> Latitude = Opt.Number("latitude", "Degrees, north positive.", 0, -90, 90, required: true);

    private static readonly Option<double> Longitude = Opt.Number("longitude", "Degrees, east positive.", 0, -180, 180, required: true);

    private static readonly Option<double> RadiusM =
        Opt.Number("radiusM", "Metres, along the ellipsoid (WGS-84).", 0, FenceLimits.RadiusMinM, FenceLimits.RadiusMaxM, required: true);

    private static readonly Option<ConfigSection?> Circle = Opt.Section("circle", "All within a distance of a centre.",
        new ConfigShape("All within a distance of a centre.", Latitude, Longitude, RadiusM));

    private static readonly Option<IReadOnlyList<ConfigNode>> Polygon = Opt.RawList(
        "polygon", "Vertices [latitude, longitude], degrees; the last is joined to the first. Edges are straight on a map.",
        FenceLimits.VerticesMax,
        static () => """{"type":"array","minItems":2,"maxItems":2,"items":{"type":"number"}}""");

    private static readonly Option<double> Hysteresis = Opt.Number(
        "hysteresisM", "Metres beyond the line before the other side counts: four times the scatter of the receiver.", FenceLimits.HysteresisM,
        FenceLimits.HysteresisMinM, FenceLimits.HysteresisMaxM);

    /// <summary>The fences.</summary>
    public static readonly Option<IReadOnlyList<ConfigSection>> Geofences = Opt.Sections(
        "geofences", "Places watched on the board; only the fence's id and enter or leave are published.",
        new ConfigShape("A place, as a circle or a polygon.", FenceId, Circle, Polygon, Hysteresis), FenceLimits.FencesMax);

    private static readonly Option<TimeSpan> Window = Opt.Duration(
        "window", "Length of an anonymous window.", AnalyticsLimits.WindowMin, AnalyticsLimits.WindowMin, AnalyticsLimits.WindowMax);

    /// <summary>Anonymous windows.</summary>
    public static readonly Option<ConfigSection?> Analytics = Opt.Section("analytics", "Anonymous figures, where that function is granted.",
        new ConfigShape("Anonymous figures, where that function is granted.", Window));

    /// <summary>The names of the supplements that are on.</summary>
    public static IReadOnlyList<string> ReadSupplements(ConfigSection root) =>
        root.Get(Identity) is { } identity && identity.Has(SupplementsOption) ? [.. identity.Get(SupplementsOption).Distinct()] : [];

    /// <summary>The length of a window.</summary>
    public static TimeSpan ReadWindow(ConfigSection root) => root.Get(Analytics)?.Get(Window) ?? AnalyticsLimits.WindowMin;

    /// <summary>The fences; adds to <paramref name="errors"/> what the shape cannot say.</summary>
    public static List<Fence> ReadFences(ConfigSection root, ConfigErrors errors)
    {
        var fences = new List<Fence>();
        var names = new GivenNames("geofence", FenceId, errors);
        foreach (var one in root.Get(Geofences))
        {
            names.Note(one.Node);
            var id = one.Get(FenceId);
            var before = errors.Count;
            var circle = one.Get(Circle);
            if (circle is null == !one.Has(Polygon))
            {
                errors.Add(one.Node, "a geofence is either a circle or a polygon: give one of the two");
                continue;
            }

            var hysteresis = one.Get(Hysteresis);
            FenceShape? shape = null;
            if (circle is not null)
            {
                shape = new FenceCircle(circle.Get(Latitude), circle.Get(Longitude), circle.Get(RadiusM));
                if (hysteresis >= circle.Get(RadiusM))
                {
                    errors.Add(one.NodeOf(Hysteresis), "must be less than the radius, or the board is never inside");
                }
            }
            else
            {
                shape = ReadPolygon(one.Get(Polygon), one.Node, errors);
            }

            // A circle with an error of its own has defaults in it.
            if (shape is not null && id.Length > 0 && errors.Count == before)
            {
                fences.Add(new Fence(id, shape, hysteresis));
            }
        }

        return fences;
    }

    private static FencePolygon? ReadPolygon(IReadOnlyList<ConfigNode> nodes, ConfigNode place, ConfigErrors errors)
    {
        if (nodes.Count < 3)
        {
            errors.Add(place, "a polygon has three vertices or more");
            return null;
        }

        var vertices = new List<(double, double)>();
        foreach (var node in nodes)
        {
            if (node.Items is [var latitude, var longitude] && Degrees(latitude, 90) is { } north && Degrees(longitude, 180) is { } east)
            {
                vertices.Add((north, east));
            }
            else
            {
                errors.Add(node, "must be [latitude, longitude] in degrees: −90 to 90, −180 to 180");
            }
        }

        return vertices.Count == nodes.Count ? new FencePolygon(vertices) : null;
    }

    private static double? Degrees(ConfigNode node, double max) =>
        node.Kind == ConfigNodeKind.Number && double.TryParse(node.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
        && Math.Abs(value) <= max ? value : null;
}
