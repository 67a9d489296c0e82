using System.Reflection;
using FieldAgent.Core;

namespace FieldAgent.Privacy.Tests;

public sealed class GeofenceTests
{
    // GeographicLib's GeodSolve (WGS-84), metres.
    [Theory]
    [InlineData(0, 0, 0, 1, 111_319.491)]
    [InlineData(0, 0, 1, 0, 110_574.389)]
    [InlineData(89, 0, 89, 180, 223_387.710)]
    [InlineData(52.2296756, 21.0122287, 52.406374, 16.9251681, 279_352.901)]
    [InlineData(10, 179.5, 10, -179.5, 109_639.359)]
    public void DistancesAreThoseOfTheEllipsoid(double y1, double x1, double y2, double x2, double metres)
    {
        Assert.Equal(metres, Geodesy.DistanceM(y1, x1, y2, x2), 0.6);
        Assert.Equal(Geodesy.DistanceM(y1, x1, y2, x2), Geodesy.DistanceM(y2, x2, y1, x1), 1e-3);
    }

    [Fact]
    public void DistancesAreZeroAtTheSamePlaceAndFiniteOnTheOppositeSide()
    {
        Assert.Equal(0, Geodesy.DistanceM(47, 8, 47, 8));
        Assert.InRange(Geodesy.DistanceM(0, 0, 0.3, 179.8), 19_800_000, 20_100_000);
        Assert.InRange(Geodesy.DistanceM(90, 0, -90, 0), 20_003_000, 20_005_000);
        Assert.Equal(0, Geodesy.DistanceM(90, 0, 90, 77), 1e-3);
    }

    [Fact]
    public void ACircleIsTheSameWhereverItIsTurnedTo()
    {
        // Property: the side does not hang on the longitude, and a place at r from the centre is on the line.
        var random = new Random(1);
        for (var i = 0; i < 5_000; i++)
        {
            var (latitude, longitude) = ((random.NextDouble() * 178) - 89, (random.NextDouble() * 360) - 180);
            var radius = 50 + (random.NextDouble() * 50_000);
            var angle = random.NextDouble() * Math.Tau;
            var part = random.NextDouble() * 2;
            var (north, east) = Geodesy.MetresPerDegree(latitude);
            var (dy, dx) = (radius * part * Math.Cos(angle) / north, radius * part * Math.Sin(angle) / east);
            if (Math.Abs(latitude + dy) > 90 || Math.Abs(dx) > 170)
            {
                continue;
            }

            var here = new FenceCircle(latitude, longitude, radius).DistanceM(latitude + dy, Geodesy.Wrap(longitude + dx));
            var turned = new FenceCircle(latitude, Geodesy.Wrap(longitude + 137.3), radius).DistanceM(latitude + dy, Geodesy.Wrap(longitude + dx + 137.3));
            Assert.Equal(here, turned, 1e-3);
            if (Math.Abs(latitude) < 60 && Math.Abs(part - 1) > 0.05)
            {
                Assert.Equal(part < 1, here < 0);
            }
        }
    }

    [Fact]
    public void APolygonIsTheSameWhereverItIsTurnedToAlsoOverTheDateLine()
    {
        var random = new Random(2);
        for (var i = 0; i < 2_000; i++)
        {
            var middle = (random.NextDouble() * 140) - 70;
            (double Latitude, double Longitude)[] shape = Star(random, middle, 0);
            var (latitude, longitude) = (middle + ((random.NextDouble() - 0.5) * 4), (random.NextDouble() - 0.5) * 4);
            var here = new FencePolygon(shape).DistanceM(latitude, longitude);
            foreach (var turn in new[] { 180, -180, 179.5, -90, 360 })
            {
                var turned = new FencePolygon([.. shape.Select(v => (v.Latitude, Geodesy.Wrap(v.Longitude + turn)))]);
                Assert.Equal(here, turned.DistanceM(latitude, Geodesy.Wrap(longitude + turn)), 1e-3);
            }

            // Where it begins and which way round it goes does not count.
            Assert.Equal(here, new FencePolygon([.. shape.Skip(3), .. shape.Take(3)]).DistanceM(latitude, longitude), 1e-3);
            Assert.Equal(here, new FencePolygon([.. shape.Reverse()]).DistanceM(latitude, longitude), 1e-3);
        }
    }

    [Fact]
    public void APolygonAgreesWithAHandMadeOne()
    {
        var square = new FencePolygon([(47, 8), (47, 9), (48, 9), (48, 8)]);
        Assert.True(square.DistanceM(47.5, 8.5) < 0);
        Assert.True(square.DistanceM(46.9, 8.5) > 0);
        var (north, east) = Geodesy.MetresPerDegree(47.5);
        Assert.Equal(-0.1 * east, square.DistanceM(47.5, 8.1), 1);
        Assert.Equal(0.1 * east, square.DistanceM(47.5, 7.9), 1);
        Assert.Equal(0.01 * Geodesy.MetresPerDegree(48.01).Latitude, square.DistanceM(48.01, 8.5), 1);
        Assert.True(north > 111_000);

        // A notch, over the date line.
        var notched = new FencePolygon([(0, 179), (0, -179), (2, -179), (1, 180), (2, 179)]);
        Assert.True(notched.DistanceM(0.5, 179.99) < 0);
        Assert.True(notched.DistanceM(0.5, -179.99) < 0);
        Assert.True(notched.DistanceM(1.5, 180) > 0);
        Assert.True(notched.DistanceM(1.5, -179.2) < 0);
        Assert.True(notched.DistanceM(0.5, 0) > 0);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public void APolygonRoundAPoleHoldsThePole(int side)
    {
        var ring = new FencePolygon([(side * 80, 0), (side * 80, 90), (side * 80, 180), (side * 80, -90)]);
        foreach (var longitude in new double[] { 0, 45, 179.9, -179.9, -91 })
        {
            Assert.True(ring.DistanceM(side * 90, longitude) < 0);
            Assert.True(ring.DistanceM(side * 85, longitude) < 0);
            Assert.True(ring.DistanceM(side * 79, longitude) > 0);
            Assert.True(ring.DistanceM(-side * 85, longitude) > 0);

            // The seam along which the area was closed is no line.
            Assert.True(ring.DistanceM(side * 89, longitude) < -500_000);
        }
    }

    [Fact]
    [Promise("R46")]
    public void OnlyTheIdAndInOrOutLeaveTheGate()
    {
        var house = Watching(new MemoryValues(), out var fence);
        var sink = new Sink();
        Feed(house, sink, fence, -500, -100, -30, 10, 30, 100, 500, 30, 10, -10, -30);
        Assert.All(sink.All, static taken =>
        {
            Assert.Equal(("geofence.yard", "geofence.transition", true), (taken.Set.Name, taken.Set.Field, taken.Set.Urgent));
            Assert.Equal(["inside"], taken.Set.Streams.Select(static s => s.Name));
            Assert.Equal(["vendor"], taken.Permit.Recipients);
        });
        Assert.Equal([1.0, 0.0, 1.0], sink.All.Select(static taken => taken.Values[0][0]));
        Assert.DoesNotContain(sink.All, static taken => taken.Set.Field == "location.position");

        // There is no place in what the keeper tells, and none could be put there.
        Assert.DoesNotContain(typeof(FenceTransition).GetFields(BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public),
            static f => f.FieldType == typeof(double) || f.FieldType == typeof(float) || !f.FieldType.IsPrimitive);
    }

    [Fact]
    [Promise("R46")]
    public void ABoardOnTheLineDoesNotFlap()
    {
        var random = new Random(3);
        var house = Watching(new MemoryValues(), out var fence);
        var sink = new Sink();
        for (var i = 0; i < 10_000; i++)
        {
            Feed(house, sink, fence, 5 * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(random.NextDouble() * Math.Tau));
        }

        Assert.InRange(sink.All.Count, 0, 1);
    }

    [Fact]
    [Promise("R46")]
    public void ARestartKeepsTheSideAndAPowerCutBeforeTheFlushTellsAgainAndLosesNothing()
    {
        var values = new MemoryValues();
        var ledger = Granted();
        var first = Watching(values, out var fence, ledger);
        var sink = new Sink();
        Feed(first, sink, fence, -100);
        Assert.Single(sink.All);

        // Cut before the flush: not settled.
        var second = Watching(values, out _, ledger);
        Feed(second, sink, fence, -100);
        Assert.Equal(2, sink.All.Count);
        second.Gate.Settle();

        var third = Watching(values, out _, ledger);
        Assert.True(third.Gate.FenceState.Single().Inside);
        Feed(third, sink, fence, -100, 15, -15);
        Assert.Equal(2, sink.All.Count);

        // Carried out while it was off.
        var fourth = Watching(values, out _, ledger);
        Feed(fourth, sink, fence, 300);
        Assert.Equal([1.0, 1.0, 0.0], sink.All.Select(static taken => taken.Values[0][0]));
        fourth.Gate.Settle();

        // Another line under the same id begins anew.
        var moved = new House(parts: new GateParts { Values = values, Fences = [new Fence("yard", new FenceCircle(47, 8, 2_000))] }, ledger: ledger);
        Assert.Null(moved.Gate.FenceState.Single().Inside);
    }

    [Fact]
    [Promise("R41", "R46")]
    public void WithoutItsConsentNoReceiverIsOpenedForFencesAndTheSideIsForgotten()
    {
        var values = new MemoryValues();
        var ledger = new MemoryLedger();
        var house = Watching(values, out var fence, ledger);
        Assert.False(house.Gate.MayCollect("location.position"));
        var sink = new Sink();
        Feed(house, sink, fence, -100);
        Assert.Empty(sink.All);
        ledger.Grant("geofence", "location.position", "exact");
        ledger.Grant("geofence", "geofence.transition");
        house.Gate.Refresh();
        Assert.True(house.Gate.MayCollect("location.position"));
        Feed(house, sink, fence, -100);
        house.Gate.Settle();
        Assert.Single(values.Names("geofence/"));
        ledger.Withdraw("geofence", "location.position");
        house.Gate.Refresh();
        Assert.False(house.Gate.MayCollect("location.position"));
        Assert.Empty(values.Names("geofence/"));
    }

    [Fact]
    [Promise("R45")]
    public void AFenceIsWatchedNoFinerThanItsConsentAllows()
    {
        var ledger = new MemoryLedger();
        ledger.Grant("geofence", "location.position", "1km");
        ledger.Grant("geofence", "geofence.transition");
        var centre = LocationGrid.Cell1km.CentreOf(LocationGrid.Cell1km.CellOf(47, 8));

        // A fence of 50 m at the other end of the cell: the board stands in it, and the gate knows the cell's centre only.
        var house = new House(parts: new GateParts { Fences = [new Fence("spot", new FenceCircle(centre.Latitude + 0.004, centre.Longitude, 50))] }, ledger: ledger);
        var sink = new Sink();
        house.Gate.Admit(House.Positions((centre.Latitude + 0.004, centre.Longitude)), sink);
        Assert.Empty(sink.All);
        Assert.False(house.Gate.FenceState.Single().Inside);
    }

    [Fact]
    [Promise("R48")]
    public void PlausibilityIsOneBitAChangeAndJumpsSpeedsAndStuckReceiversAreNot()
    {
        var house = new House();
        house.Ledger.Grant("fleet-location", "location.position", "10km");
        house.Ledger.Grant("fleet-location", "location.plausible");
        house.Gate.Refresh();
        var sink = new Sink();
        var second = 0;
        void At(double latitude, double longitude, double speed)
        {
            var rows = new RawRows(new StreamSet("gnss.position", "location.position", [new("latitude", "deg"), new("longitude", "deg"), new("speed", "m/s")]));
            rows.Columns.Append(++second * 1_000_000_000L, [latitude, longitude, speed], 0b111);
            house.Gate.Admit(rows, sink);
        }

        double[] Told() => [.. sink.All.Where(static t => t.Set.Field == "location.plausible").Select(static t => t.Values[0][0])];
        for (var i = 0; i < 50; i++)
        {
            At(47 + (i * 1e-4), 8, 11);
        }

        Assert.Equal([1.0], Told());
        At(48, 8, 11);
        Assert.Equal([1.0, 0.0], Told());
        At(48, 8.00001, 1);
        Assert.Equal([1.0, 0.0, 1.0], Told());
        At(48, 8.00001, 400);
        Assert.Equal([1.0, 0.0, 1.0, 0.0], Told());
        for (var i = 0; i < 30; i++)
        {
            At(48, 8, 20);
        }

        // After the leap back it was plausible until it had stood still too often.
        Assert.Equal(0.0, Told()[^1]);
        Assert.All(sink.All.Where(static t => t.Set.Field == "location.plausible"), static t => Assert.Equal(["plausible"], t.Set.Streams.Select(static s => s.Name)));
    }

    private static MemoryLedger Granted()
    {
        var ledger = new MemoryLedger();
        ledger.Grant("geofence", "location.position", "exact");
        ledger.Grant("geofence", "geofence.transition");
        return ledger;
    }

    private static House Watching(MemoryValues values, out Fence fence, MemoryLedger? ledger = null)
    {
        fence = new Fence("yard", new FenceCircle(47, 8, 1_000));
        return new House(parts: new GateParts { Values = values, Fences = [fence] }, ledger: ledger ?? Granted());
    }

    // Places so many metres beyond the line, to the north.
    private static void Feed(House house, Sink sink, Fence fence, params double[] beyondM)
    {
        var north = Geodesy.MetresPerDegree(47).Latitude;
        foreach (var metres in beyondM)
        {
            house.Gate.Admit(House.Positions((47 + ((((FenceCircle)fence.Shape).RadiusM + metres) / north), 8)), sink);
        }
    }

    private static (double, double)[] Star(Random random, double latitude, double longitude) =>
        [.. Enumerable.Range(0, 7).Select(i =>
        {
            var radius = 0.5 + random.NextDouble();
            return (latitude + (radius * Math.Sin(i * Math.Tau / 7)), longitude + (radius * Math.Cos(i * Math.Tau / 7)));
        })];
}
