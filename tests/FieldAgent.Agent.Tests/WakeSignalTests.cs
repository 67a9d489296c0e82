using FieldAgent.Agent.Hosting;

namespace FieldAgent.Agent.Tests;

public sealed class WakeSignalTests
{
    [Fact]
    public void It_is_kept_until_somebody_waits_and_a_stop_comes_first()
    {
        using var signal = new WakeSignal();
        using var stop = new CancellationTokenSource();
        signal.Set();
        Assert.True(signal.Wait(Timeout.InfiniteTimeSpan, stop.Token));
        Assert.True(signal.Wait(TimeSpan.Zero, stop.Token));
        signal.Set();
        stop.Cancel();
        Assert.False(signal.Wait(Timeout.InfiniteTimeSpan, stop.Token));
    }

    [Fact]
    public void Who_calls_after_the_end_meets_nothing()
    {
        var signal = new WakeSignal();
        signal.Dispose();
        signal.Set();
        signal.Dispose();
    }
}
