using FieldAgent.Core;

namespace FieldAgent.Privacy.Tests;

/// <summary>One answer a site, over restarts and whoever asks.</summary>
public sealed class SiteMemoryTests
{
    private const double MetresPerDegree = 111_194.9;

    [Theory]
    [InlineData(Precision.Cell100m)]
    [InlineData(Precision.Cell1km)]
    [InlineData(Precision.Cell10km)]
    [Promise("R45")]
    public void ARestartNearAnEdgeOrACornerDoesNotDrawTheCellAnew(Precision precision)
    {
        var grid = LocationGrid.For(precision);
        var random = new Random(45);
        for (var site = 0; site < 20; site++)
        {
            var cell = grid.CellOf((random.NextDouble() * 120) - 60, (random.NextDouble() * 360) - 180);
            var (latitude, longitude) = site % 2 == 0 ? Corner(grid, cell) : Edge(grid, cell);
            var values = new MemoryValues();
            var published = new HashSet<(double, double)>();

            // 10,000 fixes with 5 m of noise, and a restart after every tenth.
            var ledger = new MemoryLedger();
            ledger.Grant("fleet-location", "location.position", precision.Word());
            for (var restart = 0; restart < 1_000; restart++)
            {
                var house = new House(parts: new GateParts { Values = values }, ledger: ledger);
                var sink = new Sink();
                house.Gate.Admit(House.Positions([.. Enumerable.Range(0, 10).Select(_ => Noisy(random, latitude, longitude, 5))]), sink);
                published.UnionWith(sink.All.SelectMany(static taken => taken.Values[0].Zip(taken.Values[1])));
            }

            Assert.Single(published);
            Assert.Equal(1, values.Writes);
        }
    }

    [Fact]
    [Promise("R45")]
    public void TwoReceiversAndAPhotographOfOneSiteGetOneAnswer()
    {
        var grid = LocationGrid.Cell1km;
        var random = new Random(46);
        for (var site = 0; site < 50; site++)
        {
            var (latitude, longitude) = Corner(grid, grid.CellOf((random.NextDouble() * 120) - 60, (random.NextDouble() * 360) - 180));
            var reducer = new LocationReducer(new Counters());
            var permit = Admit.Permit("fleet-location", "location.position", personal: true) with { Precision = Precision.Cell1km };
            var sink = new Sink();
            foreach (var name in new[] { "a", "b", "c" })
            {
                var rows = new RawRows(new StreamSet(name, "location.position", [new("latitude", "deg"), new("longitude", "deg")]));
                var (y, x) = Noisy(random, latitude, longitude, 5);
                rows.Columns.Append(1, [y, x], 0b11);
                reducer.Admit(rows, permit, sink, out _);
            }

            var (photoY, photoX) = Noisy(random, latitude, longitude, 5);
            var answers = sink.All.Select(static taken => (taken.Values[0][0], taken.Values[1][0])).Append(reducer.Reduce(photoY, photoX, Precision.Cell1km));
            Assert.Single(answers.Distinct());
        }
    }

    [Fact]
    [Promise("R45")]
    public void ABoardThatComesBackGetsTheAnswerItHad()
    {
        var grid = LocationGrid.Cell1km;
        var cell = grid.CellOf(47, 8);
        var (latitude, longitude) = Edge(grid, cell);
        var random = new Random(47);
        var reducer = new LocationReducer(new Counters());
        var permit = Admit.Permit("fleet-location", "location.position", personal: true) with { Precision = Precision.Cell1km };
        var home = new HashSet<(double, double)>();
        for (var trip = 0; trip < 200; trip++)
        {
            // Ten kilometres away in any direction, and back at one bound.
            var sink = new Sink();
            var angle = random.NextDouble() * Math.Tau;
            reducer.Admit(House.Positions((latitude + (0.1 * Math.Sin(angle)), longitude + (0.15 * Math.Cos(angle)))), permit, new Sink(), out _);
            reducer.Admit(House.Positions(Noisy(random, latitude, longitude, 5)), permit, sink, out _);
            home.Add((sink.All[0].Values[0][0], sink.All[0].Values[1][0]));
        }

        // The far places push the oldest cells out of the memory; home is asked for each time and stays.
        Assert.Single(home);
    }

    [Fact]
    [Promise("R10")]
    public void WithTheLastConsentTheMemoryGoes()
    {
        var values = new MemoryValues();
        var house = new House(parts: new GateParts { Values = values });
        house.Desk.Grant("fleet-location", "location.position", "1km", "subject", "cli");
        house.Gate.Admit(House.Positions((47, 8)), new Sink());
        Assert.Equal(["place/1km"], values.Names("place/"));
        house.Desk.Withdraw("fleet-location", "location.position", "subject", "cli");
        Assert.Empty(values.Names("place/"));
        house.Gate.Admit(House.Positions((47, 8)), new Sink());
        Assert.Empty(values.Names("place/"));
    }

    [Fact]
    public void ABoardUnderWayWritesAtMostOnceAMinute()
    {
        var values = new MemoryValues();
        var reducer = new LocationReducer(new Counters(), values);
        var permit = Admit.Permit("fleet-location", "location.position", personal: true) with { Precision = Precision.Cell100m };
        var set = new StreamSet("gnss", "location.position", [new("latitude", "deg"), new("longitude", "deg")]);
        for (var second = 0; second < 600; second += 10)
        {
            var rows = new RawRows(set);
            rows.Columns.Append(second * 1_000_000_000L, [47 + (second * 0.0002), 8], 0b11);
            reducer.Admit(rows, permit, new Sink(), out _);
        }

        Assert.InRange(values.Writes, 9, 11);
    }

    private static (double Latitude, double Longitude) Corner(LocationGrid grid, LocationCell cell) =>
        ((cell.Row * grid.BandDegrees) - 90, ((cell.Column + 1) * 360.0 / grid.Columns(cell.Row)) - 180);

    private static (double Latitude, double Longitude) Edge(LocationGrid grid, LocationCell cell) =>
        (((cell.Row + 0.5) * grid.BandDegrees) - 90, ((cell.Column + 1) * 360.0 / grid.Columns(cell.Row)) - 180);

    private static (double Latitude, double Longitude) Noisy(Random random, double latitude, double longitude, double sigmaM)
    {
        var radius = sigmaM * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) / MetresPerDegree;
        var angle = random.NextDouble() * Math.Tau;
        return (latitude + (radius * Math.Cos(angle)),
            Geodesy.Wrap(longitude + (radius * Math.Sin(angle) / Math.Cos(double.DegreesToRadians(latitude)))));
    }
}
