using System.Text;
using FieldAgent.Core;

namespace FieldAgent.Store.Tests;

public class ErasureTests
{
    private const string Marker = "MARKER-7f3a-in-a-picture";

    [Fact]
    [Promise("R65")]
    public void No_byte_of_what_is_stored_lies_in_the_state_directory_in_plain()
    {
        using var bench = new Bench();
        FillWithMarkers(bench);
        AssertNoPlaintext(bench);
        bench.Store.Dispose();
        AssertNoPlaintext(bench);
    }

    [Fact]
    [Promise("R10")]
    public void A_withdrawn_field_is_erased_with_its_keys_stored_and_waiting_and_nothing_else_is()
    {
        using var bench = new Bench();
        var places = new StreamSet("gnss", "location.position", [new StreamInfo("lat", "deg", 1e-7), new StreamInfo("lon", "deg", 1e-7)], 1_000_000_000);
        var permit = Admit.Permit("fleet-location", "location.position", personal: true);
        FillWithMarkers(bench);
        bench.Fill(places, 5, permit: permit);
        bench.Fill(Bench.Set(), 2);
        bench.Take(places, 3, permit);
        Assert.Equal((5 * 10) + 6, bench.Spool.Erase("fleet-location", "location.position", GapReason.ConsentWithdrawn));
        Assert.Equal(2, bench.Spool.Erase("photo", "image.photo", GapReason.ConsentWithdrawn));
        bench.Spool.Flush();

        using (var database = Raw.Open(bench.Options.Directory))
        {
            Assert.Equal(0, Raw.Number(database, "SELECT count(*) FROM keys WHERE field IN ('location.position', 'image.photo')"));
            Assert.Equal(0, Raw.Number(database, "SELECT count(*) FROM items WHERE kind = 1"));
        }

        Assert.Empty(Directory.GetFiles(Path.Join(bench.Options.Directory, "images")));
        AssertNoPlaintext(bench);
        var got = bench.ReadAll();
        Assert.True(got.Where(g => g.Kind == SpoolItemKind.Block).All(g => g.Function == "telemetry"));
        var gaps = got.Where(g => g.Kind == SpoolItemKind.Gap).ToDictionary(g => g.Function, g => g.Gap!);
        Assert.Equal((1, 6, 56), (gaps["fleet-location"].FromSequence, gaps["fleet-location"].ToSequence, gaps["fleet-location"].Readings));
        Assert.Equal((2, GapReason.ConsentWithdrawn), (gaps["photo"].Blocks, gaps["photo"].Reason));

        // a new grant starts a new key and goes on numbering
        bench.Fill(places, 1, permit: permit);
        Assert.Equal(7, bench.ReadAll()[^1].Sequence);
    }

    [Fact]
    [Promise("R10")]
    public void The_wrapped_key_of_an_erased_field_is_in_no_file()
    {
        using var bench = new Bench();
        bench.Fill(Bench.Set(), 3);
        byte[] wrapped;
        using (var database = Raw.Open(bench.Options.Directory))
        {
            using var command = database.CreateCommand();
            command.CommandText = "SELECT wrapped FROM keys";
            wrapped = (byte[])command.ExecuteScalar()!;
        }

        Assert.True(Occurs(bench, wrapped), "the key is there to begin with");
        bench.Spool.Erase("telemetry", "instrument.measurement", GapReason.ConsentWithdrawn);
        Assert.False(Occurs(bench, wrapped), "the key is still in a file");
    }

    [Fact]
    public void A_reader_that_read_ahead_does_not_hand_out_what_was_erased()
    {
        using var bench = new Bench();
        bench.Fill(Bench.Set(), 10);
        using var reader = bench.Spool.OpenReader("vendor");
        var item = new SpoolItem();
        Assert.True(reader.TryRead(item));
        bench.Spool.Erase("telemetry", "instrument.measurement", GapReason.ConsentWithdrawn);
        Assert.Equal([SpoolItemKind.Gap], Bench.ReadAll(reader).Select(g => g.Kind));
    }

    private static void FillWithMarkers(Bench bench)
    {
        var jpeg = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(Marker, 6000)));
        bench.Spool.Add(Admit.Image(jpeg, bench.Clock.Now(), requestId: Marker));
        bench.Spool.Add(Admit.Image(jpeg, bench.Clock.Now()));
        var set = new StreamSet("odd", "instrument.measurement", [new StreamInfo("a", "1")], 0);
        var columns = new RowColumns(1);
        for (var i = 0; i < 50; i++)
        {
            columns.Append(i * 77, [BitConverter.ToDouble(Encoding.ASCII.GetBytes(i % 2 == 0 ? "MARKER-7" : "~RANDOM!"))], 1);
        }

        bench.Spool.Take(Admit.Rows(set, columns));
        bench.Store.Commands.Begin("id-1", "status", long.MaxValue);
        bench.Store.Commands.Advance("id-1", CommandState.Done, $"{{\"value\":\"{Marker}\"}}");
        bench.Spool.Flush();
    }

    private static void AssertNoPlaintext(Bench bench)
    {
        Assert.False(Occurs(bench, "MARKER-7"u8.ToArray()), "plaintext in the state directory");
        Assert.False(Occurs(bench, "7-REKRAM"u8.ToArray()), "plaintext in the state directory");
    }

    internal static bool Occurs(Bench bench, byte[] what) =>
        Directory.GetFiles(bench.Options.Directory, "*", SearchOption.AllDirectories).Where(path => !path.EndsWith("/lock", StringComparison.Ordinal)).Any(path =>
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            var content = new byte[file.Length];
            file.ReadExactly(content);
            return content.AsSpan().IndexOf(what) >= 0;
        });
}
