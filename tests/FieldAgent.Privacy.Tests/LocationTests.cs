using System.Reflection;
using FieldAgent.Core;

namespace FieldAgent.Privacy.Tests;

public sealed class LocationTests
{
    private const double MetresPerDegree = 111_194.9;

    public static TheoryData<Precision, double> Grids => new()
    {
        { Precision.Cell100m, 100 }, { Precision.Cell1km, 1_000 }, { Precision.Cell10km, 10_000 },
    };

    [Theory]
    [MemberData(nameof(Grids))]
    public void CellsAreAboutAsWideAsTheySayAtEveryLatitude(Precision precision, double metres)
    {
        var grid = LocationGrid.For(precision);
        Assert.InRange(grid.BandDegrees * MetresPerDegree, metres * 0.99, metres * 1.02);
        for (var row = 1; row < grid.Rows - 1; row += Math.Max(1, grid.Rows / 2_000))
        {
            var latitude = ((row + 0.5) * grid.BandDegrees) - 90;
            var width = 360.0 / grid.Columns(row) * MetresPerDegree * Math.Cos(double.DegreesToRadians(latitude));
            Assert.InRange(width, metres * 0.99, metres * 1.2);
        }

        Assert.InRange(360.0 / grid.Columns(1) * MetresPerDegree * Math.Sin(double.DegreesToRadians(1.5 * grid.BandDegrees)), metres * 0.99, metres * 1.2);
        Assert.Equal((1, 1), (grid.Columns(0), grid.Columns(grid.Rows - 1)));
    }

    [Theory]
    [MemberData(nameof(Grids))]
    [Promise("R45")]
    public void OnlyCentresOfTheGridComeOutAndReducingThemAgainChangesNothing(Precision precision, double metres)
    {
        var grid = LocationGrid.For(precision);
        var random = new Random(45);
        foreach (var (latitude, longitude) in Places(random, 20_000))
        {
            var cell = grid.CellOf(latitude, longitude);
            var centre = grid.CentreOf(cell);
            Assert.Equal(cell, grid.CellOf(centre.Latitude, centre.Longitude));
            Assert.Equal(centre, grid.CentreOf(grid.CellOf(centre.Latitude, centre.Longitude)));
            Assert.True(LocationGrid.IsPlace(centre.Latitude, centre.Longitude));
            Assert.InRange(Distance(latitude, longitude, centre), 0, metres * 1.6);
            Assert.True(grid.Holds(cell, latitude, longitude, 1e-9));

            // Whole steps of the declared scale, bit for bit, as the store wants them.
            Assert.Equal(centre.Latitude, Math.Round(centre.Latitude / grid.Scale) * grid.Scale);
            Assert.Equal(centre.Longitude, Math.Round(centre.Longitude / grid.Scale) * grid.Scale);
        }
    }

    [Fact]
    public void TheDateLineAndThePolesAreOrdinaryPlaces()
    {
        foreach (var precision in new[] { Precision.Cell100m, Precision.Cell1km, Precision.Cell10km })
        {
            var grid = LocationGrid.For(precision);
            Assert.Equal(grid.CellOf(10, -180), grid.CellOf(10, 180));
            Assert.Single(Enumerable.Range(-180, 361).Select(longitude => grid.CellOf(90, longitude)).Distinct());
            Assert.Single(Enumerable.Range(-180, 361).Select(longitude => grid.CellOf(-90, longitude)).Distinct());

            // A step over the date line is a step to the neighbour, and within the margin none at all.
            var east = grid.CellOf(10, 179.99999999);
            Assert.True(grid.Holds(east, 10, -180 + (0.1 * 360 / grid.Columns(east.Row)), 0.2));
            Assert.False(grid.Holds(east, 10, -180 + (0.3 * 360 / grid.Columns(east.Row)), 0.2));
        }
    }

    [Theory]
    [MemberData(nameof(Grids))]
    [Promise("R45")]
    public void TenThousandFixesAveragedLocateABoardNoBetterThanItsCell(Precision precision, double metres)
    {
        // The attacker knows the method and averages all that is published of a board standing still.
        const int sites = 30;
        var random = new Random(4_500);
        double byAverage = 0;
        double byCentre = 0;
        for (var site = 0; site < sites; site++)
        {
            var (latitude, longitude) = ((random.NextDouble() * 120) - 60, (random.NextDouble() * 360) - 180);
            var published = Publish(precision, Noisy(random, latitude, longitude, 5, 10_000));
            var average = (published.Average(static p => p.Latitude), published.Average(static p => p.Longitude));
            byAverage += Distance(latitude, longitude, average);
            byCentre += Distance(latitude, longitude, LocationGrid.For(precision).CentreOf(LocationGrid.For(precision).CellOf(latitude, longitude)));
        }

        Assert.InRange(byCentre / sites, metres * 0.25, metres * 0.55);
        Assert.InRange(byAverage, byCentre * 0.97, double.MaxValue);
    }

    [Theory]
    [MemberData(nameof(Grids))]
    [Promise("R45")]
    public void ABoardStandingAtAnEdgeDoesNotFlap(Precision precision, double metres)
    {
        Assert.True(metres > 0);
        var grid = LocationGrid.For(precision);
        var random = new Random(451);
        foreach (var (latitude, longitude) in Places(random, 40).Where(static p => Math.Abs(p.Latitude) < 85))
        {
            // On the corner of four cells.
            var cell = grid.CellOf(latitude, longitude);
            var corner = ((cell.Row * grid.BandDegrees) - 90, ((cell.Column + 1) * 360.0 / grid.Columns(cell.Row)) - 180);
            var published = Publish(precision, Noisy(random, corner.Item1, corner.Item2, 3, 1_000));
            Assert.Single(published.Distinct());
        }
    }

    [Fact]
    public void ABoardThatTravelsIsFollowed()
    {
        // 30 km to the north in steps of 50 m.
        var published = Publish(Precision.Cell1km, [.. Enumerable.Range(0, 600).Select(static i => (46.0 + (i * 0.00045), 7.5))]);
        Assert.InRange(published.Distinct().Count(), 28, 32);
        Assert.Equal(published, published.OrderBy(static p => p.Latitude));
    }

    [Fact]
    [Promise("R45")]
    public void WhatCouldRefineThePlaceIsDroppedAndTimesStay()
    {
        var house = Granted("1km");
        var sink = new Sink();
        var rows = House.Positions((47.1234567, 8.7654321), (47.1234568, 8.7654322));
        rows.Columns.Append(3, [47.1, 8.7, 0, 0], 0b1101);
        rows.Columns.Append(4, [double.NaN, 8.7, 0, 0], 0b1111);
        rows.Columns.Append(5, [91, 8.7, 0, 0], 0b0011);
        Assert.Equal(1, house.Gate.Admit(rows, sink));
        var taken = Assert.Single(sink.All);
        Assert.Equal(["latitude", "longitude"], taken.Set.Streams.Select(static s => s.Name));
        Assert.All(taken.Set.Streams, static s => Assert.Equal(("deg", 1e-4), (s.Unit, s.Scale)));
        Assert.Equal(("gnss", "location.position"), (taken.Set.Name, taken.Set.Field));
        Assert.Equal([1L, 2L], taken.BootNs);
        Assert.Equal(Precision.Cell1km, taken.Permit.Precision);
        Assert.True(taken.Permit.Personal);
        Assert.Equal(2, house.Counters["dropped.position-invalid"]);
        Assert.Equal(rows.Columns.Readings - 4 - 4, house.Counters["reduced.position"]);
    }

    [Fact]
    [Promise("R45")]
    public void TheGatesOwnCopyIsWipedAfterUse()
    {
        var house = Granted("100m");
        RowColumns? own = null;
        house.Gate.Admit(House.Positions((47.1234567, 8.7654321), (47.1234567, 8.7654321)), new Sink { OnTake = rows => own = ColumnsOf(rows) });

        // The same memory, looked at as rows that nobody has filled.
        Assert.Equal(0, own!.Count);
        own.AppendRow(1, 0b11);
        own.AppendRow(2, 0b11);
        Assert.Equal([0d, 0d, 0d, 0d], [.. own.Values(0), .. own.Values(1)]);
    }

    [Fact]
    public void AnExactGrantPassesEverythingUncopied()
    {
        var house = Granted("exact");
        var rows = House.Positions((47.1234567, 8.7654321));
        var same = false;
        Assert.Equal(1, house.Gate.Admit(rows, new Sink { OnTake = taken => same = taken.Values(1).Overlaps(rows.Columns.Values(1)) }));
        Assert.True(same);
    }

    [Fact]
    [Promise("R45")]
    public void ASetThatCannotBeReducedIsDroppedNotPassedOn()
    {
        var house = Granted("10km");
        var sink = new Sink();
        foreach (var set in new[]
        {
            new StreamSet("a", "location.position", [new("altitude", "m")]),
            new StreamSet("b", "location.position", [new("latitude", "rad"), new("longitude", "rad")]),
            new StreamSet("c", "location.position", [new("lat", "deg"), new("lon", "deg")]),
        })
        {
            var rows = new RawRows(set);
            rows.Columns.Append(1, new double[set.Streams.Length], set.AllPresent);
            Assert.Equal(0, house.Gate.Admit(rows, sink));
        }

        Assert.Empty(sink.All);
        Assert.Equal(5, house.Counters["denied.admit.unreadable"]);
    }

    [Fact]
    public void TwoReceiversHaveTheirOwnCells()
    {
        var house = Granted("1km");
        var sink = new Sink();
        var second = new RawRows(new StreamSet("other", "location.position", [new("longitude", "deg"), new("latitude", "deg")]));
        second.Columns.Append(1, [8.0, 47.0], 0b11);
        house.Gate.Admit(House.Positions((-33, 151)), sink);
        house.Gate.Admit(second, sink);
        Assert.Equal(-33, sink.All[0].Values[0][0], 0.01);
        Assert.Equal(47, sink.All[1].Values[0][0], 0.01);
        Assert.Equal(8, sink.All[1].Values[1][0], 0.02);
    }

    [Fact]
    public void ReducingAllocatesNothingOnceWarm()
    {
        var reducer = new LocationReducer(new Counters());
        var rows = House.Positions((47, 8), (47, 8), (48, 9));
        var permit = Admit.Permit("fleet-location", "location.position", personal: true) with { Precision = Precision.Cell1km };
        var sink = new CountingSink();
        reducer.Admit(rows, permit, sink, out _);
        reducer.Admit(rows, permit, sink, out _);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
        {
            reducer.Admit(rows, permit, sink, out _);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(102 * 3, sink.Rows);
    }

    private static RowColumns ColumnsOf(AdmittedRows rows) =>
        (RowColumns)typeof(AdmittedRows).GetField("_columns", BindingFlags.NonPublic | BindingFlags.Instance)!.GetValue(rows)!;

    private static House Granted(string scope)
    {
        var house = new House();
        house.GrantPlace(scope);
        return house;
    }

    private static List<(double Latitude, double Longitude)> Publish(Precision precision, IReadOnlyList<(double Latitude, double Longitude)> fixes)
    {
        var house = Granted(precision.Word());
        var sink = new Sink();
        foreach (var part in fixes.Chunk(100))
        {
            house.Gate.Admit(House.Positions(part), sink);
        }

        return [.. sink.All.SelectMany(static taken => taken.Values[0].Zip(taken.Values[1]))];
    }

    private static List<(double Latitude, double Longitude)> Noisy(Random random, double latitude, double longitude, double sigmaMetres, int count)
    {
        var fixes = new List<(double, double)>(count);
        for (var i = 0; i < count; i++)
        {
            var radius = sigmaMetres * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) / MetresPerDegree;
            var angle = random.NextDouble() * Math.Tau;
            var east = longitude + (radius * Math.Sin(angle) / Math.Cos(double.DegreesToRadians(latitude)));
            fixes.Add((latitude + (radius * Math.Cos(angle)), east >= 180 ? east - 360 : east < -180 ? east + 360 : east));
        }

        return fixes;
    }

    private static IEnumerable<(double Latitude, double Longitude)> Places(Random random, int count)
    {
        double[] edges = [0, 90, -90, 89.9999, -89.9999, 45, 1e-12];
        double[] meridians = [0, 180, -180, 179.9999999, -179.9999999, 90];
        foreach (var latitude in edges)
        {
            foreach (var longitude in meridians)
            {
                yield return (latitude, longitude);
            }
        }

        for (var i = 0; i < count; i++)
        {
            yield return ((random.NextDouble() * 180) - 90, (random.NextDouble() * 360) - 180);
        }
    }

    private static double Distance(double latitude, double longitude, (double Latitude, double Longitude) other)
    {
        var (a, b) = (double.DegreesToRadians(latitude), double.DegreesToRadians(other.Latitude));
        var half = Math.Sin(double.DegreesToRadians(other.Longitude - longitude) / 2);
        var sine = Math.Sin((b - a) / 2);
        return 2 * Math.Asin(Math.Min(1, Math.Sqrt((sine * sine) + (Math.Cos(a) * Math.Cos(b) * half * half)))) * MetresPerDegree * 180 / Math.PI;
    }
}
