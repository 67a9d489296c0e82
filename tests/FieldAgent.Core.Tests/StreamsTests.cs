using System.Collections.Immutable;

namespace FieldAgent.Core.Tests;

public sealed class StreamsTests
{
    private static readonly StreamSet Two = new("box", "instrument.measurement", [new("a", "1", 0.1), new("b", "Pa")], 1_000);

    [Fact]
    public void ASetIsKnownByItsFingerprint()
    {
        Assert.Equal(Two.Fingerprint, new StreamSet("box", "instrument.measurement", [new("a", "1", 0.1), new("b", "Pa")], 1_000).Fingerprint);
        StreamSet[] others =
        [
            new("box2", "instrument.measurement", [new("a", "1", 0.1), new("b", "Pa")], 1_000),
            new("box", "location.position", [new("a", "1", 0.1), new("b", "Pa")], 1_000),
            new("box", "instrument.measurement", [new("a", "1", 0.2), new("b", "Pa")], 1_000),
            new("box", "instrument.measurement", [new("a", "1", 0.1), new("b", "hPa")], 1_000),
            new("box", "instrument.measurement", [new("a", "1", 0.1)], 1_000),
            new("box", "instrument.measurement", [new("a", "1", 0.1), new("b", "Pa")], 2_000),
        ];
        Assert.All(others, static other => Assert.NotEqual(Two.Fingerprint, other.Fingerprint));
    }

    [Fact]
    public void ASetHasOneToSixtyFourStreams()
    {
        Assert.Throws<ArgumentException>(static () => new StreamSet("x", "f.f", []));
        Assert.Throws<ArgumentException>(static () => new StreamSet("x", "f.f", default));
        Assert.Throws<ArgumentException>(static () => new StreamSet("x", "f.f", Streams(65)));
        Assert.Equal(ulong.MaxValue, new StreamSet("x", "f.f", Streams(64)).AllPresent);
        Assert.Equal(0b11UL, Two.AllPresent);
        Assert.Equal(0, new StreamSet("x", "f.f", Streams(1), -5).IntervalNs);
    }

    [Fact]
    public void RowsGoInAndComeOutAsTheyWere()
    {
        var columns = new RowColumns(2);
        for (var i = 0; i < 1_000; i++)
        {
            columns.Append(i * 10, [i, -i], i % 4 == 0 ? 0b01UL : 0b11UL);
        }

        Assert.Equal((1_000, 2, 1_750L, false), (columns.Count, columns.Width, columns.Readings, columns.IsDense));
        Assert.Equal(9_990, columns.BootNs[999]);
        Assert.Equal(-999, columns.Values(1)[999]);
        Assert.Equal(0b01UL, columns.Present[996]);
        columns.Set(1, 999, 7);
        Assert.Equal(7, columns.Values(1)[999]);
        Assert.Throws<ArgumentException>(() => columns.Append(0, [1], 1));
    }

    [Fact]
    public void ClearingForgetsAndWipingOverwrites()
    {
        var columns = new RowColumns(1);
        columns.Append(1, [42], 1);
        columns.Clear();
        Assert.Equal((0, 0L), (columns.Count, columns.Readings));
        columns.AppendRow(2, 1);
        Assert.Equal(42, columns.Values(0)[0]);
        columns.Clear(wipe: true);
        columns.AppendRow(3, 1);
        Assert.Equal(0, columns.Values(0)[0]);
    }

    [Fact]
    public void DecodersFillDenseColumns()
    {
        var columns = new RowColumns(3);
        var times = columns.ResizeDense(200, 0b111);
        times.Fill(5);
        columns.Writable(2).Fill(1.5);
        Assert.Equal((200, 600L, true), (columns.Count, columns.Readings, columns.IsDense));
        Assert.Equal((5L, 0b111UL, 1.5), (columns.BootNs[199], columns.Present[199], columns.Values(2)[199]));
    }

    [Fact]
    public void ASliceOfAdmittedRowsCountsItsOwnReadings()
    {
        var columns = new RowColumns(2);
        for (var i = 0; i < 10; i++)
        {
            columns.Append(i, [i, i], i < 5 ? 0b11UL : 0b01UL);
        }

        var rows = Admit.Rows(Two, columns);
        Assert.Equal((10, 15L), (rows.Count, rows.Readings));
        var slice = rows.Slice(4, 3);
        Assert.Equal((3, 4L, 4L), (slice.Count, slice.Readings, slice.BootNs[0]));
        Assert.Equal(5, slice.Slice(1, 1).Values(1)[0]);
        Assert.Throws<ArgumentOutOfRangeException>(() => Admit.Rows(Two, columns).Slice(8, 3));
    }

    private static ImmutableArray<StreamInfo> Streams(int count) =>
        [.. Enumerable.Range(0, count).Select(static i => new StreamInfo($"s{i}", "1"))];
}
