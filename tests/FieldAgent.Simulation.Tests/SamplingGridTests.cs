using FieldAgent.Core;

namespace FieldAgent.Simulation.Tests;

public sealed class SamplingGridTests
{
    [Fact]
    public void Moments_stay_on_the_grid_and_every_one_is_used_or_counted()
    {
        var random = new Random(11);
        for (var round = 0; round < 500; round++)
        {
            var start = random.NextInt64(1L << 50);
            var interval = random.NextInt64(1, 1L << 34);
            var grid = new SamplingGrid(start, interval);
            var now = start;
            long used = 0, missed = 0;
            for (var i = 0; i < 200; i++)
            {
                now = Math.Max(now, grid.NextBootNs);
                missed += grid.Arrive(now);
                Assert.Equal(used + missed, grid.Index);
                Assert.Equal(start + (grid.Index * interval), grid.NextBootNs);
                Assert.True(now - grid.NextBootNs < interval);
                used++;
                now += random.NextInt64(3 * interval);
                grid.Advance();
            }
        }
    }
}
