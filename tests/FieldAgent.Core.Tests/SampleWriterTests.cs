namespace FieldAgent.Core.Tests;

public sealed class SampleWriterTests
{
    private static readonly StreamSet Set = new("box", "instrument.measurement", [new("a", "1"), new("b", "1")]);
    private static readonly StreamSet Alarm = new("alarm", "instrument.measurement", [new("a", "1")], urgent: true);

    [Fact]
    public void RowsAreTakenOnceAndInOrder()
    {
        using var signal = new FlushSignal(1_000);
        using var writer = new SampleWriter(Set, signal, 100);
        Assert.True(writer.Write(1, [1, 2], default));
        Assert.True(writer.Write(2, [3, 4], default, 0b10));
        var rows = writer.Take();
        Assert.Same(Set, rows.Set);
        Assert.Equal((2, 3L), (rows.Columns.Count, rows.Columns.Readings));
        Assert.Equal((2L, 2L), (writer.Rows, writer.LastBootNs));
        writer.Write(3, [5, 6], default);
        var next = writer.Take();
        Assert.Equal(3, Assert.Single(next.Columns.BootNs.ToArray()));
        Assert.Equal(0, writer.Take().Columns.Count);
    }

    [Fact]
    public void AFlushIsDueAfterSoManyReadingsOrAtOnceForAnAlarm()
    {
        using var signal = new FlushSignal(5);
        using var writer = new SampleWriter(Set, signal, 100);
        writer.Write(0, [1, 2], default);
        Assert.True(signal.IsDue, "the very first reading is stored at once");
        signal.Reset();
        writer.Write(1, [1, 2], default);
        writer.Write(2, [1, 2], default);
        Assert.False(signal.IsDue);
        Assert.Equal(4, signal.Pending);
        writer.Write(3, [1, 2], default);
        Assert.True(signal.IsDue);
        signal.Reset();
        Assert.Equal((false, 0L), (signal.IsDue, signal.Pending));
        using var alarm = new SampleWriter(Alarm, signal, 100);
        alarm.Write(4, [1], default);
        Assert.True(signal.IsDue);
    }

    [Fact]
    public void AFullBufferMakesTheSensorWaitAndLosesNothing()
    {
        const int rows = 20_000;
        using var signal = new FlushSignal(1_000_000);
        using var writer = new SampleWriter(Set, signal, 64);
        var sensor = new Thread(() =>
        {
            for (var i = 0; i < rows; i++)
            {
                writer.Write(i, [i, i], default);
            }
        });
        sensor.Start();
        var seen = new List<long>();
        Eventually.True(
            () =>
            {
                var taken = writer.Take();
                Assert.InRange(taken.Columns.Count, 0, 64);
                seen.AddRange(taken.Columns.BootNs.ToArray());
                return seen.Count == rows;
            },
            "all rows arrive",
            120);
        sensor.Join();
        Assert.Equal(Enumerable.Range(0, rows).Select(static i => (long)i), seen);
        Assert.Equal(rows, writer.Rows);
    }

    [Fact]
    public void AWaitingSensorIsFreedByStopAndByClose()
    {
        using var signal = new FlushSignal(1_000_000);
        using var writer = new SampleWriter(Set, signal, 1);
        using var stop = new CancellationTokenSource();
        writer.Write(1, [1, 2], default);
        var first = true;
        var stopped = new Thread(() => first = writer.Write(2, [1, 2], stop.Token));
        stopped.Start();
        Eventually.True(() => writer.Waits > 0, "the sensor waits");
        Eventually.True(() => signal.IsDue, "a flush is asked for");
        stop.Cancel();
        stopped.Join();
        Assert.False(first);

        var second = true;
        var waits = writer.Waits;
        var closed = new Thread(() => second = writer.Write(3, [1, 2], default));
        closed.Start();
        Eventually.True(() => writer.Waits > waits, "the sensor waits again");
        writer.Close(forget: false);
        closed.Join();
        Assert.False(second);
        Assert.Equal(1, writer.Take().Columns.Count);
    }

    [Fact]
    [Promise("R10")]
    public void ClosingForAWithdrawalWipesWhatHasGathered()
    {
        using var signal = new FlushSignal(1_000_000);
        using var writer = new SampleWriter(Set, signal, 10);
        writer.Write(1, [42, 43], default);
        writer.Close(forget: true);
        Assert.False(writer.Write(2, [1, 2], default));
        var rows = writer.Take();
        Assert.Equal(0, rows.Columns.Count);
        rows.Columns.AppendRow(1, 0b11);
        Assert.Equal((0d, 0d), (rows.Columns.Values(0)[0], rows.Columns.Values(1)[0]));
    }
}
