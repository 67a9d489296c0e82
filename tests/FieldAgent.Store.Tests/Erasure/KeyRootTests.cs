using System.Security.Cryptography;
using FieldAgent.Core;
using FieldAgent.Store.Keys;

namespace FieldAgent.Store.Tests;

/// <summary>Half of what wraps the keys in a memory that can be overwritten in place.</summary>
public class KeyRootTests
{
    private static readonly Permit s_other = Admit.Permit("diagnostics", "instrument.measurement");

    [Theory]
    [InlineData(56)]
    [InlineData(32 << 10)]
    [Promise("R65")]
    public void A_copy_of_an_erased_key_that_the_flash_kept_opens_with_nothing_that_is_left(int bytes)
    {
        var memory = new FakeMemory(bytes);
        using var bench = new Bench(o => o with { KeyRoot = memory });
        bench.Fill(Bench.Set(), 3);
        bench.Fill(Bench.Set(), 3, permit: s_other);
        var old = memory.Content.ToArray();
        using var flash = new TempFolder();
        OpenTests.Copy(bench.Options.Directory, flash.Path);
        var report = bench.Store.Eraser.Erase([new ErasureScope("telemetry", ErasureScope.Any)], GapReason.ConsentWithdrawn, "withdrawn");
        Assert.Contains("overwritten in place", report.Method, StringComparison.Ordinal);
        Assert.DoesNotContain(report.NotProved, static note => note.Contains("flash", StringComparison.Ordinal));
        for (var at = 0; at + 12 <= old.Length && at < 100; at += 4)
        {
            var part = old.AsSpan(at, 12);
            Assert.True(!part.ContainsAnyExcept((byte)0) || memory.Content.AsSpan().IndexOf(part) < 0, $"old bytes at {at} are still there");
        }

        Assert.Equal(3, bench.ReadAll().Count(static got => got.Kind == SpoolItemKind.Block));

        // all of the card as it was, with the memory as it is: the erased and the kept are both beyond reach
        using (var thief = new Bench(o => o with { KeyRoot = new FakeMemory(memory.Content.ToArray()) }, directory: flash.Path))
        {
            Assert.Equal(1, thief.Counters["store.key-root-lost"]);
            Assert.DoesNotContain(thief.ReadAll(), static got => got.Kind == SpoolItemKind.Block);
        }

        // and with the memory as it was it would have opened: the memory is what made the difference
        using var before = new Bench(o => o with { KeyRoot = new FakeMemory(old) }, directory: flash.Path);
        Assert.Empty(before.Store.Eraser.Reports());
    }

    [Fact]
    public void Power_lost_at_any_byte_of_the_memory_loses_no_key_that_stays_and_keeps_none_that_goes()
    {
        var whole = new FakeMemory(56);
        var total = 0;
        using (var bench = new Bench(o => o with { KeyRoot = whole }))
        {
            Fill(bench);
            var start = whole.Written;
            bench.Store.Eraser.Erase([new ErasureScope("telemetry", ErasureScope.Any)], GapReason.ConsentWithdrawn, "withdrawn");
            total = whole.Written - start;
        }

        Assert.Equal(56, total);
        for (var cut = 0; cut < total; cut++)
        {
            var memory = new FakeMemory(56);
            using var folder = new TempFolder();
            using (var bench = new Bench(o => o with { KeyRoot = memory }))
            {
                Fill(bench);
                memory.PowerFor = cut;
                Assert.Throws<StoreFault>(() =>
                    bench.Store.Eraser.Erase([new ErasureScope("telemetry", ErasureScope.Any)], GapReason.ConsentWithdrawn, "withdrawn"));
                OpenTests.Copy(bench.Options.Directory, folder.Path);
                memory.PowerFor = int.MaxValue;
            }

            using var after = new Bench(o => o with { KeyRoot = new FakeMemory(memory.Content.ToArray()) }, directory: folder.Path);
            Assert.Equal(0, after.Counters["store.key-root-lost"]);
            Assert.Equal(ErasureState.Verified, after.Store.Eraser.Reports()[0].State);
            Assert.Equal(["diagnostics", "diagnostics"], after.ReadAll().Where(static got => got.Kind == SpoolItemKind.Block).Select(static got => got.Function));
            Assert.Equal(0, after.Counters["dropped.unreadable"]);
        }
    }

    [Fact]
    public void A_memory_can_be_added_later_and_is_asked_for_when_it_is_missing()
    {
        using var bench = new Bench();
        Fill(bench);
        var memory = new FakeMemory(56);
        bench.Reopen(o => o with { KeyRoot = memory });
        Assert.Equal(4, bench.ReadAll().Count);
        var fault = Assert.Throws<StoreFault>(() => bench.Reopen(static o => o with { KeyRoot = null }));
        Assert.Contains("state.keyRoot", fault.Message, StringComparison.Ordinal);
        Assert.Equal(StoreFaultKind.Refused, fault.Kind);
        bench.Reopen(o => o with { KeyRoot = memory });
        Assert.Equal(4, bench.ReadAll().Count);
        Assert.Throws<StoreFault>(() => bench.Reopen(static o => o with { KeyRoot = new FakeMemory(40) }));
        bench.Reopen(o => o with { KeyRoot = memory });

        // a clock chip without its battery: what it knew is gone, and that is said
        Array.Clear(memory.Content);
        bench.Reopen();
        Assert.Equal(1, bench.Counters["store.key-root-lost"]);
        Assert.DoesNotContain(bench.ReadAll(), static got => got.Kind == SpoolItemKind.Block);
        bench.Fill(Bench.Set(), 1);
        Assert.Contains(bench.ReadAll(), static got => got.Kind == SpoolItemKind.Block);
    }

    [Fact]
    public void A_reader_goes_on_through_an_erasure_of_another_function()
    {
        using var bench = new Bench(o => o with { KeyRoot = new FakeMemory(56) });
        Fill(bench);
        bench.Fill(Bench.Set(), 200, permit: s_other);
        using var reader = bench.Spool.OpenReader("vendor");
        var item = new SpoolItem();
        Assert.True(reader.TryRead(item));
        bench.Store.Eraser.Erase([new ErasureScope("telemetry", ErasureScope.Any)], GapReason.ConsentWithdrawn, "withdrawn");
        Assert.Equal(202, Bench.ReadAll(reader).Count(static got => got.Function == "diagnostics" && got.Kind == SpoolItemKind.Block));
        Assert.Equal(0, bench.Counters["dropped.unreadable"]);
    }

    private static void Fill(Bench bench)
    {
        bench.Fill(Bench.Set(), 2);
        bench.Fill(Bench.Set(), 2, permit: s_other);
    }
}
