using System.Diagnostics;
using System.Runtime.CompilerServices;
using FieldAgent.Core;
using FieldAgent.Simulation;

namespace FieldAgent.Store.Tests;

public class CrashTests
{
    [Fact]
    public void A_killed_process_loses_nothing_it_had_flushed_and_stores_nothing_twice()
    {
        var random = new Random(11);
        using var folder = new TempFolder();
        var state = folder.File("state");
        var flushed = 0L;
        for (var round = 0; round < 6; round++)
        {
            using var child = Process.Start(CrashChild.Command(state))!;
            var kill = random.Next(5, 120);
            for (var lines = 0; lines < kill; lines++)
            {
                var line = child.StandardOutput.ReadLine();
                Assert.True(line is not null, "the child ended by itself");
                flushed = long.Parse(line, System.Globalization.CultureInfo.InvariantCulture);
            }

            child.Kill();
            while (child.StandardOutput.ReadLine() is { } line && long.TryParse(line, System.Globalization.CultureInfo.InvariantCulture, out var later))
            {
                flushed = later;
            }

            child.WaitForExit();
            using var bench = new Bench(directory: state);
            Assert.Equal(OpenKind.AfterUncleanShutdown, bench.Store.OpenOutcome.Kind);
            var sequences = bench.ReadAll().Where(g => g.Kind == SpoolItemKind.Block).Select(g => g.Sequence).ToList();
            Assert.Equal(Enumerable.Range(0, sequences.Count).Select(n => sequences[0] + n), sequences);
            Assert.True(sequences[^1] >= flushed, $"round {round}: {sequences[^1]} of {flushed} flushed blocks are there");
        }
    }

    [Fact]
    public void A_log_torn_at_any_byte_yields_whole_flushes_only()
    {
        using var bench = new Bench(o => o with { BlockReadingsMax = 20 });
        bench.Fill(Bench.Set(), 3);
        var random = new Random(3);
        for (var round = 0; round < 25; round++)
        {
            using var before = new TempFolder();
            OpenTests.Copy(bench.Options.Directory, before.Path);
            var known = bench.Spool.State.Readings;
            bench.Take(Bench.Set(), 40);
            bench.Spool.Flush();
            using var after = new TempFolder();
            OpenTests.Copy(bench.Options.Directory, after.Path);
            var oldLength = new FileInfo(Path.Join(before.Path, "state.db-wal")).Length;
            var path = Path.Join(after.Path, "state.db-wal");
            if (new FileInfo(path).Length <= oldLength)
            {
                continue;
            }

            // a power cut in the middle of this flush: the database file as before it, part of the log, and rubbish behind
            File.Copy(Path.Join(before.Path, "state.db"), Path.Join(after.Path, "state.db"), overwrite: true);
            File.Delete(Path.Join(after.Path, "state.db-shm"));
            using (var file = new FileStream(path, FileMode.Open))
            {
                file.SetLength(random.NextInt64(oldLength, file.Length));
                file.Seek(0, SeekOrigin.End);
                var rubbish = new byte[random.Next(0, 3000)];
                random.NextBytes(rubbish);
                file.Write(rubbish);
            }

            using var cut = new Bench(directory: after.Path);
            Assert.Equal(OpenKind.AfterUncleanShutdown, cut.Store.OpenOutcome.Kind);
            Assert.Equal(known, cut.ReadAll().Sum(g => g.Readings));
        }
    }
}

/// <summary>The same test program as a child that stores until it is killed.</summary>
internal static class CrashChild
{
    private const string Variable = "FIELDAGENT_STORE_CRASH_CHILD";

    public static ProcessStartInfo Command(string state)
    {
        var start = new ProcessStartInfo(Path.Join(AppContext.BaseDirectory, "FieldAgent.Store.Tests"))
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        start.Environment[Variable] = state;
        return start;
    }

    [ModuleInitializer]
    internal static void Run()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } state)
        {
            return;
        }

        using var output = new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true };
        using var bench = new Bench(directory: state);
        using var reader = bench.Spool.OpenReader("vendor");
        var item = new SpoolItem();
        while (true)
        {
            bench.Take(Bench.Set(), 50);
            bench.Spool.Flush();

            // keep a hundred waiting, deliver the rest, so that deletes ride along
            if (bench.Spool.State.Blocks > 100 && reader.TryRead(item))
            {
                reader.Acknowledge(item.Id);
            }

            using var sequence = Raw.Open(state);
            output.WriteLine(Raw.Number(sequence, "SELECT max(sequence) FROM items WHERE kind = 0"));
        }
    }
}
