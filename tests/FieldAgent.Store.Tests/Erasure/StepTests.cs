using FieldAgent.Core;

namespace FieldAgent.Store.Tests;

/// <summary>Erasures that are cut off, held up, or look for remains.</summary>
public class StepTests
{
    private static readonly StreamSet s_places = new(
        "gnss", "location.position", [new StreamInfo("lat", "deg", 1e-7), new StreamInfo("lon", "deg", 1e-7)], 1_000_000_000);

    private static readonly Permit s_location = Admit.Permit("fleet-location", "location.position", personal: true);

    private static readonly ErasureScope[] s_scopes = [new("fleet-location", "location.position"), new("photo", "image.photo")];

    [Theory]
    [InlineData(0)]
    [InlineData(56)]
    [InlineData(32 << 10)]
    [Promise("R10", "R65", "R87", "R91")]
    public void Cut_off_at_any_step_it_is_unreadable_at_once_and_finished_at_the_next_start(int memoryBytes)
    {
        using var copies = new TempFolder();
        var memory = memoryBytes == 0 ? null : new FakeMemory(memoryBytes);
        var steps = new List<(string Name, string Path, byte[] Memory)>();
        Bench bench = null!;
        void At(string step)
        {
            var path = copies.File($"{steps.Count}-{step}");
            OpenTests.Copy(bench.Options.Directory, path);
            steps.Add((step, path, memory?.Content.ToArray() ?? []));
            Assert.DoesNotContain(bench.ReadAll(), got => got.Kind != SpoolItemKind.Gap && got.Function != "telemetry");
            Assert.Equal(step == "verified", bench.Store.Eraser.Reports()[0].State == ErasureState.Verified);
        }

        bench = new Bench(o => o with
        {
            AtErasureStep = step => At(step), KeyRoot = memory, Limits = new StoreLimits { WalBytes = 64 << 10 },
        });
        Fill(bench);
        var marks = Marks(bench, "field <> 'instrument.measurement'");
        Assert.Equal(2, marks.Count);
        Assert.All(marks, mark => Assert.True(ErasureTests.Occurs(bench, mark)));
        var report = bench.Store.Eraser.Erase(s_scopes, GapReason.ConsentWithdrawn, "withdrawn");
        Assert.Equal((ErasureState.Verified, 60 + 5 + 2, (60 * 10) + 50, 2, 0),
            (report.State, report.Items, report.Readings, report.KeysDestroyed, report.RemainsFound));
        Assert.Equal(memory is null, report.NotProved.Any(static note => note.Contains("flash", StringComparison.Ordinal)));
        bench.Dispose();
        Assert.Equal(
            ["begun", "secret-prepared", "keys-deleted", "keys-checkpointed", "keys-destroyed", "rows-deleted", "deleted", "truncated", "scanned", "verified"],
            steps.Select(static step => step.Name).Distinct());

        foreach (var (step, path, content) in steps)
        {
            using var cut = new Bench(o => o with { KeyRoot = memory is null ? null : new FakeMemory(content) }, directory: path);
            var resumed = Assert.Single(cut.Store.Eraser.Reports());
            Assert.True(resumed.State == ErasureState.Verified, $"after {step}: {resumed.State}");
            Assert.Equal((report.Items, report.Readings, report.KeysDestroyed), (resumed.Items, resumed.Readings, resumed.KeysDestroyed));
            Assert.All(marks, mark => Assert.False(ErasureTests.Occurs(cut, mark), $"remains after {step}"));
            Assert.Empty(Directory.GetFiles(Path.Join(path, "images")));
            var got = cut.ReadAll();
            Assert.Equal(20, got.Count(static g => g.Kind == SpoolItemKind.Block));
            var gaps = got.Where(static g => g.Kind == SpoolItemKind.Gap).ToDictionary(static g => g.Function, static g => g.Gap!);
            Assert.Equal((1, 65, 65, 650), (gaps["fleet-location"].FromSequence, gaps["fleet-location"].ToSequence, gaps["fleet-location"].Blocks, gaps["fleet-location"].Readings));
            Assert.Equal((2, GapReason.ConsentWithdrawn), (gaps["photo"].Blocks, gaps["photo"].Reason));
            AssertWhole(cut);
        }
    }

    [Fact]
    [Promise("R91")]
    public void A_fault_at_any_step_leaves_it_open_and_the_next_sweep_finishes_it_once()
    {
        for (var fail = 0; fail < 12; fail++)
        {
            var count = 0;
            using var bench = new Bench(o => o with
            {
                AtErasureStep = _ =>
                {
                    if (count++ == fail)
                    {
                        throw new StoreFault(StoreFaultKind.Io, "pulled", retry: true);
                    }
                },
            });
            var verified = new List<ErasureReport>();
            bench.Store.Eraser.Verified += verified.Add;
            Fill(bench);
            try
            {
                bench.Store.Eraser.Erase(s_scopes, GapReason.ConsentWithdrawn, "withdrawn");
            }
            catch (StoreFault fault)
            {
                Assert.Equal("pulled", fault.Message);
            }

            bench.Store.Sweeper.Sweep();
            Assert.Equal(ErasureState.Verified, Assert.Single(bench.Store.Eraser.Reports()).State);
            Assert.Single(verified);
            Assert.Equal(20, bench.ReadAll().Count(static got => got.Kind == SpoolItemKind.Block));
            AssertWhole(bench);
        }
    }

    [Fact]
    [Promise("R103")]
    public void What_concerns_a_child_is_erased_before_everything_else_that_waits()
    {
        var isStuck = false;
        using var bench = new Bench(o => o with
        {
            AtErasureStep = step =>
            {
                if (isStuck && step == "begun")
                {
                    throw new StoreFault(StoreFaultKind.Io, "pulled", retry: true);
                }
            },
        });
        var verified = new List<string>();
        bench.Store.Eraser.Verified += report => verified.Add(report.Ground);
        Fill(bench);

        // two that were begun and could not go on
        isStuck = true;
        foreach (var scope in s_scopes)
        {
            Assert.Throws<StoreFault>(() => bench.Store.Eraser.Erase([scope], GapReason.ConsentWithdrawn, "withdrawn"));
        }

        isStuck = false;
        bench.Store.Eraser.Erase([new ErasureScope("telemetry", "instrument.measurement")], GapReason.Erased, ErasureGrounds.Minor);
        Assert.Equal([ErasureGrounds.Minor, "withdrawn", "withdrawn"], verified);
    }

    [Fact]
    public void Another_program_that_reads_holds_up_the_proof_and_nothing_else()
    {
        using var bench = new Bench();
        Fill(bench);
        using (var other = Raw.Open(bench.Options.Directory))
        {
            Raw.Execute(other, "BEGIN");
            Assert.True(Raw.Number(other, "SELECT count(*) FROM items") > 0);
            var fault = Assert.Throws<StoreFault>(() => bench.Store.Eraser.Erase(s_scopes, GapReason.ConsentWithdrawn, "withdrawn"));
            Assert.Equal((StoreFaultKind.Busy, true), (fault.Kind, fault.Retry));
            Assert.Contains("unreadable", fault.Message, StringComparison.Ordinal);
            Assert.Equal(default, bench.Store.Eraser.Reports()[0].VerifiedAt);
            Assert.DoesNotContain(bench.ReadAll(), static got => got.Kind != SpoolItemKind.Gap && got.Function != "telemetry");
            bench.Take(Bench.Set(), 3);
            Assert.Equal(1, bench.Spool.Flush().Blocks);
        }

        bench.Store.Sweeper.Sweep();
        Assert.Equal(ErasureState.Verified, bench.Store.Eraser.Reports()[0].State);
    }

    [Fact]
    [Promise("R65", "R88")]
    public void Remains_of_what_was_deleted_in_ordinary_operation_are_overwritten_too()
    {
        for (var seed = 1; seed <= 6; seed++)
        {
            var random = new Random(seed);
            using var bench = new Bench(o => o with { BlockReadingsMax = 5000 });
            var payloads = new List<byte[]>();
            for (var round = 0; round < 12; round++)
            {
                for (var i = random.Next(1, 30); i > 0; i--)
                {
                    // some fit their page, some spill over by many
                    CapTests.TakeNoise(bench, Bench.Set(), random.Next(3) == 0 ? 2000 : random.Next(5, 300), (round * 100) + i);
                    bench.Take(s_places, random.Next(1, 40), s_location);
                    bench.Spool.Flush();
                }

                payloads.AddRange(Payloads(bench));
                using var reader = bench.Spool.OpenReader("vendor");
                var item = new SpoolItem();
                while (reader.TryRead(item))
                {
                    if (random.Next(3) > 0)
                    {
                        reader.Acknowledge(item.Id);
                    }
                }
            }

            var before = bench.ReadAll().Where(static got => got.Function == "telemetry").ToList();
            bench.Store.Eraser.Erase([s_scopes[0]], GapReason.ConsentWithdrawn, "withdrawn");
            var live = Payloads(bench).Select(Convert.ToHexString).ToHashSet(StringComparer.Ordinal);
            var raw = ReadAll(Path.Join(bench.Options.Directory, "state.db"));
            foreach (var payload in payloads.Where(payload => !live.Contains(Convert.ToHexString(payload))))
            {
                // from the mark on, and somewhere in the middle and at the end
                foreach (var at in new[] { 0, payload.Length / 2, payload.Length - 12 })
                {
                    Assert.True(raw.AsSpan().IndexOf(payload.AsSpan(at, 12)) < 0, $"seed {seed}: bytes at {at} of {payload.Length} are still there");
                }
            }

            AssertWhole(bench);
            var after = bench.ReadAll().Where(static got => got.Function == "telemetry").ToList();
            Assert.Equal(before.Select(static got => (got.Id, got.Readings)), after.Select(static got => (got.Id, got.Readings)));
            bench.Fill(s_places, 3, permit: s_location);
            bench.Reopen();
            Assert.Equal(3, bench.ReadAll().Count(static got => got.Function == "fleet-location" && got.Kind == SpoolItemKind.Block));
        }
    }

    [Fact]
    public void A_remain_anywhere_in_the_directory_is_found_and_nothing_is_called_verified()
    {
        using var bench = new Bench();
        Fill(bench);
        var mark = Marks(bench, "field = 'location.position'")[0];
        var hidden = Path.Join(bench.Options.Directory, "left-by-somebody");
        File.WriteAllBytes(hidden, [.. new byte[(1 << 20) - 3], .. mark, 7]);
        var fault = Assert.Throws<StoreFault>(() => bench.Store.Eraser.Erase([s_scopes[0]], GapReason.ConsentWithdrawn, "withdrawn"));
        Assert.Contains("left-by-somebody", fault.Message, StringComparison.Ordinal);
        var report = bench.Store.Eraser.Reports()[0];
        Assert.Equal((1, false), (report.RemainsFound, report.State == ErasureState.Verified));
        bench.Reopen();
        Assert.NotEqual(ErasureState.Verified, bench.Store.Eraser.Reports()[0].State);
        File.Delete(hidden);
        bench.Store.Sweeper.Sweep();
        Assert.Equal((0, ErasureState.Verified), (bench.Store.Eraser.Reports()[0].RemainsFound, bench.Store.Eraser.Reports()[0].State));
    }

    [Fact]
    [Promise("R91")]
    public void Only_what_is_older_goes_or_only_pictures()
    {
        using var bench = new Bench(o => o with { BlockReadingsMax = 20 });
        bench.Fill(Bench.Set(), 10, rows: 10);
        bench.Spool.Add(Admit.Image(new byte[5000], bench.Clock.Now()));
        bench.Clock.Advance(TimeSpan.FromHours(1));
        bench.Spool.Add(Admit.Image(new byte[6000], bench.Clock.Now()));
        bench.Spool.Flush();
        var offset = bench.Clock.WallOffsetNs;

        // rows are numbered by seconds of boot-time: the first five blocks are before second 51
        var report = bench.Store.Eraser.Erase(
            [new ErasureScope("telemetry", ErasureScope.Any, offset + 51_000_000_000)], GapReason.ConsentWithdrawn, "request-1");
        Assert.Equal((ErasureState.Verified, 5, 100, 0), (report.State, report.Items, report.Readings, report.KeysDestroyed));
        Assert.Contains(report.NotProved, static note => note.Contains("in part", StringComparison.Ordinal));
        Assert.Equal(5, bench.ReadAll().Count(static got => got.Kind == SpoolItemKind.Block));

        report = bench.Store.Eraser.Erase(
            [new ErasureScope(ErasureScope.Any, ErasureScope.Any, bench.Clock.Now().WallUnixNs, ImagesOnly: true)], GapReason.ConsentWithdrawn, "images");
        Assert.Equal((1, 0), (report.Items, report.Readings));
        Assert.Equal(6000, bench.ReadAll().Single(static got => got.Kind == SpoolItemKind.Image).Image!.Bytes);
        Assert.Single(Directory.GetFiles(Path.Join(bench.Options.Directory, "images")));

        report = bench.Store.Eraser.Erase([new ErasureScope(ErasureScope.Any, ErasureScope.Any)], GapReason.ConsentWithdrawn, "close");
        Assert.Equal((6, 2), (report.Items, report.KeysDestroyed));
        Assert.DoesNotContain(bench.ReadAll(), static got => got.Kind != SpoolItemKind.Gap);
        Assert.Equal([3, 2, 1], bench.Store.Eraser.Reports().Select(static r => r.Id));
    }

    [Fact]
    public void A_picture_that_waits_for_its_row_takes_the_mark_of_its_new_key()
    {
        using var bench = new Bench();
        bench.Fill(Bench.Set(), 1, permit: Admit.Permit("photo", "image.photo", personal: true));
        var then = bench.Clock.Now();
        bench.Clock.Advance(TimeSpan.FromMinutes(1));
        bench.Spool.Add(Admit.Image(new byte[5000], bench.Clock.Now()));
        var report = bench.Store.Eraser.Erase([new ErasureScope("photo", "image.photo", then.WallUnixNs + 1_000_000_000)], GapReason.ConsentWithdrawn, "older");
        Assert.Equal((ErasureState.Verified, 1, 1), (report.State, report.Items, report.KeysDestroyed));
        bench.Spool.Flush();
        using var reader = bench.Spool.OpenReader("vendor");
        var item = new SpoolItem();
        while (reader.TryRead(item) && item.Kind != SpoolItemKind.Image)
        {
        }

        Assert.Equal(5000, reader.ReadImage(item.Image!, 0, new byte[6000]));
        Assert.Equal(ErasureState.Verified, bench.Store.Eraser.Erase([new ErasureScope("photo", "image.photo")], GapReason.ConsentWithdrawn, "all").State);
    }

    internal static void AssertWhole(Bench bench)
    {
        using var database = Raw.Open(bench.Options.Directory);
        Assert.Equal("ok", Raw.Text(database, "PRAGMA integrity_check", 0));
    }

    internal static List<byte[]> Marks(Bench bench, string where) => Blobs(bench, $"SELECT substr(wrapped, 1, 8) FROM keys WHERE {where}");

    internal static byte[] ReadAll(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var content = new byte[file.Length];
        file.ReadExactly(content);
        return content;
    }

    private static List<byte[]> Payloads(Bench bench) => Blobs(bench, "SELECT payload FROM items WHERE kind < 2");

    private static List<byte[]> Blobs(Bench bench, string sql)
    {
        using var database = Raw.Open(bench.Options.Directory);
        using var command = database.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        var all = new List<byte[]>();
        while (reader.Read())
        {
            all.Add((byte[])reader[0]);
        }

        return all;
    }

    private static void Fill(Bench bench)
    {
        for (var i = 0; i < 20; i++)
        {
            bench.Fill(s_places, 3, permit: s_location);
            bench.Fill(Bench.Set(), 1);
        }

        bench.Spool.Add(Admit.Image(new byte[100_000], bench.Clock.Now()));
        bench.Spool.Add(Admit.Image(new byte[10], bench.Clock.Now()));
        bench.Fill(s_places, 5, permit: s_location);
    }
}
