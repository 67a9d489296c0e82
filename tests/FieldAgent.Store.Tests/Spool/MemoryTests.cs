using FieldAgent.Core;

namespace FieldAgent.Store.Tests;

/// <summary>What sensors keep over restarts.</summary>
public sealed class MemoryTests
{
    [Fact]
    public void Totals_become_durable_with_the_rows_they_belong_to()
    {
        using var folder = new TempFolder();
        using (var bench = new Bench(directory: folder.Path))
        {
            bench.Store.Memory.Of("meter").Remember("total", 41);
            bench.Fill(Bench.Set(), 1);
            bench.Store.Memory.Of("meter").Remember("total", 42);
            bench.Fill(Bench.Set(), 1);

            // never flushed: the rows that would belong to it are not there either
            bench.Store.Memory.Of("meter").Remember("total", 43);
        }

        using var again = new Bench(directory: folder.Path);
        Assert.Equal(42, again.Store.Memory.Of("meter").Recall("total"));
        Assert.Equal(0, again.Store.Memory.Of("other").Recall("total"));
    }
}
