using System.Globalization;
using System.Text;
using FieldAgent.Core;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Devices.Tests;

public sealed class ReplayTests : IDisposable
{
    private const string Header = "time,stream,value\n";

    private readonly TempFolder _folder = new();
    private readonly RecordingHost _host = new();

    public void Dispose()
    {
        _host.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Lines_of_equal_time_form_one_row_and_keep_their_distance()
    {
        var rows = Play("10,a,1\n10,b,2.5\n10.25,a,-3\n12,b,4e2\n");
        Assert.Equal(["a", "b"], rows[0].Set.Streams.Select(s => s.Name));
        Assert.Equal([[1.0, 2.5], [-3.0, null], [null, 400.0]], rows.Select(r => r.Values));
        Assert.Equal([0, 250_000_000, 2_000_000_000], rows.Select(r => r.BootNs - rows[0].BootNs));
    }

    [Fact]
    public void Dates_are_read_with_zone_and_fraction()
    {
        var rows = Play("2026-05-01T12:00:00Z,a,1\n2026-05-01T14:00:01.5+02:00,a,2\n2026-05-01 12:00:02,a,3\n");
        Assert.Equal([0, 1_500_000_000, 2_000_000_000], rows.Select(r => r.BootNs - rows[0].BootNs));
    }

    [Fact]
    public void Values_are_kept_exactly_unless_a_scale_is_declared()
    {
        Assert.Equal(0.3, Play("1,a,0.3\n")[0].Values[0]);
        var rows = Play("1,a,0.34\n", """ "streams": [ { "name": "a", "unit": "V", "scale": 0.1 } ] """);
        Assert.Equal(3 * 0.1, rows[0].Values[0]);
        Assert.Equal(new StreamInfo("a", "V", 0.1), rows[0].Set.Streams.Single());
    }

    [Fact]
    public void What_is_wrong_is_skipped_counted_and_named_by_line()
    {
        var rows = Play(
            "1,a,1\nnonsense\n1,a,x\n,a,1\n2,a,nan\n2026-13-01T00:00:00Z,a,1\n# comment\n\n1,a\n"
            + new string('9', 5_000) + "\n2,a,2\n1.5,a,9\n3,a,\n3,a,3\n3,a,4\n4,other,5");
        Assert.Equal([1.0, 2.0, 4.0], rows.Where(r => r["a"] is not null).Select(r => r["a"]!.Value));
        Assert.Equal(6, _host.Skips["malformed"]);
        Assert.Equal(1, _host.Skips["overlong"]);
        Assert.Equal(1, _host.Skips["time-backwards"]);
        Assert.Equal(1, _host.Skips["duplicate"]);
        Assert.Contains("3, 4, 5, 6, 7", _host.Description, StringComparison.Ordinal);
    }

    [Fact]
    public void Streams_that_are_not_declared_are_skipped_and_counted()
    {
        var rows = Play("1,a,1\n1,b,2\n2,b,3\n", """ "streams": [ { "name": "a" } ] """);
        Assert.Equal([1.0], rows.Single().Values);
        Assert.Equal(2, _host.Skips["unknown-stream"]);
    }

    [Fact]
    public void Live_rows_come_when_their_time_has_come()
    {
        using var run = _host.Start(Replay("5,a,1\n6,a,2\n9,a,3\n", """ "pace": "live" """));
        Eventually.True(() => _host.Rows.Count == 1, "the first row at once");
        _host.Time.Advance(TimeSpan.FromSeconds(1));
        Eventually.True(() => _host.Rows.Count == 2, "the second after a second");
        _host.Time.Advance(TimeSpan.FromSeconds(2.9));
        Assert.Equal(2, _host.Rows.Count);
        _host.Time.Advance(TimeSpan.FromSeconds(0.1));
        run.Join();
        Assert.Equal(3, _host.Rows.Count);
    }

    [Fact]
    public void A_loop_goes_on_at_the_same_rhythm()
    {
        using var stop = new CancellationTokenSource();
        var host = new RecordingHost(new LeapingClock(clock =>
        {
            if (clock.Waits > 7)
            {
                stop.Cancel();
            }
        }));
        Replay("5,a,1\n6,a,2\n7,a,3\n", """ "pace": "live", "loop": true """).Run(host, stop.Token);
        Assert.Equal([1, 2, 3, 1, 2, 3, 1], host.Rows.Select(r => (int)r.Values[0]!.Value));
        Assert.Equal([1, 2, 3, 4, 5, 6, 7], host.Rows.Select(r => (int)(r.BootNs / 1_000_000_000)));
    }

    [Fact]
    public void A_file_larger_than_any_buffer_is_streamed()
    {
        var text = new StringBuilder();
        for (var i = 0; i < 40_000; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"{i}.5,alpha,{i}\r\n{i}.5,beta,{-i}\r\n");
        }

        var rows = Play(text.ToString());
        Assert.Equal(40_000, rows.Count);
        Assert.All(rows, r => Assert.Equal(r["alpha"], -r["beta"]));
    }

    [Fact]
    public void Playing_does_not_allocate_a_line()
    {
        var text = new StringBuilder();
        for (var i = 0; i < 3_000; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"2026-05-01T00:{i / 60 % 60:00}:{i % 60:00}.000000000Z,alpha,{i}.25\n");
        }

        Assert.Equal(0, RecordingHost.BytesAllocated(Replay(text.ToString(), """ "pace": "live" """), warm: 500, until: 2_500));
    }

    [Theory]
    [InlineData("")]
    [InlineData("time;stream;value\n1;a;2\n")]
    [InlineData("1,a,2\n")]
    public void A_file_without_its_header_is_malformed(string text)
    {
        _folder.Write("replay.csv", text);
        var fault = Assert.Throws<SensorFault>(() => Sensor("").Run(_host, CancellationToken.None));
        Assert.Equal(SensorFaultKind.Malformed, fault.Kind);
        Assert.Contains("time,stream,value", fault.Message, StringComparison.Ordinal);
        Assert.Contains("replay.csv:1", fault.Place, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_file_is_absent()
    {
        var fault = Assert.Throws<SensorFault>(() => Sensor("").Run(_host, CancellationToken.None));
        Assert.Equal(SensorFaultKind.Absent, fault.Kind);
    }

    [Fact]
    public void More_streams_than_a_row_can_have_are_refused_with_the_line()
    {
        _folder.Write("replay.csv", Header + string.Concat(Enumerable.Range(0, 65).Select(i => $"1,s{i},0\n")));
        var fault = Assert.Throws<SensorFault>(() => Sensor("").Run(_host, CancellationToken.None));
        Assert.Contains("more than 64", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_stream_declared_twice_is_a_configuration_error()
    {
        var errors = new ConfigErrors();
        RecordingHost.Create(new ReplayKind(), """{ "file": "x.csv", "streams": [ { "name": "a" }, { "name": "a" } ] }""", errors);
        Assert.Contains("second stream called 'a'", errors.All.Single().Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Times_agree_with_the_frameworks_own_parser()
    {
        var random = new Random(42);
        for (var i = 0; i < 5_000; i++)
        {
            var time = new DateTimeOffset(random.NextInt64(new DateTime(1700, 1, 1).Ticks, new DateTime(2250, 1, 1).Ticks), TimeSpan.Zero)
                .ToOffset(TimeSpan.FromMinutes(random.Next(-14 * 60, 14 * 60)));
            var text = time.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFFzzz", CultureInfo.InvariantCulture);
            Assert.True(ReplayTime.TryParse(Encoding.ASCII.GetBytes(text), out var ns), text);
            Assert.Equal((time - DateTimeOffset.UnixEpoch).Ticks * 100, ns);
        }
    }

    [Theory]
    [InlineData("0", 0)]
    [InlineData("-1.5", -1_500_000_000)]
    [InlineData("1714564800.123456789", 1_714_564_800_123_456_789)]
    [InlineData("1.0000000009", 1_000_000_000)]
    public void Seconds_are_read_to_the_nanosecond(string text, long ns)
    {
        Assert.True(ReplayTime.TryParse(Encoding.ASCII.GetBytes(text), out var got));
        Assert.Equal(ns, got);
    }

    [Theory]
    [InlineData("")]
    [InlineData("-")]
    [InlineData(".5")]
    [InlineData("1e3")]
    [InlineData("99999999999999999999")]
    [InlineData("2026-02-30T00:00:00Z")]
    [InlineData("2026-02-03T24:00:00Z")]
    [InlineData("2026-02-03T00:00:00+")]
    [InlineData("2026-02-03T00:00:00+1")]
    [InlineData("2026-02-03T00:00:00.Q")]
    [InlineData("2026-02-03T00:0")]
    public void What_is_no_time_is_not_taken_for_one(string text) =>
        Assert.False(ReplayTime.TryParse(Encoding.ASCII.GetBytes(text), out _));

    [Fact]
    public void Lines_come_out_as_they_are_whatever_their_lengths()
    {
        var random = new Random(7);
        for (var round = 0; round < 20; round++)
        {
            var lines = Enumerable.Range(0, 2_000).Select(_ => new string((char)('a' + random.Next(26)), random.Next(8) == 0 ? random.Next(300) : random.Next(80))).ToList();
            var path = _folder.Write("lines.txt", string.Join('\n', lines));
            using var reader = new LineReader(File.OpenHandle(path), 200);
            for (var pass = 0; pass < 2; pass++)
            {
                var count = lines[^1].Length == 0 ? lines.Count - 1 : lines.Count;
                for (var i = 0; i < count; i++)
                {
                    Assert.True(reader.TryRead(out var line));
                    Assert.Equal(lines[i].Length > 200, reader.IsOverlong);
                    if (!reader.IsOverlong)
                    {
                        Assert.Equal(lines[i], Encoding.ASCII.GetString(line));
                    }

                    Assert.Equal(i + 1, reader.LineNumber);
                }

                Assert.False(reader.TryRead(out _));
                reader.Rewind();
            }
        }
    }

    private IReadOnlyList<RecordedRow> Play(string lines, string options = "")
    {
        using var run = _host.Start(Replay(lines, options.Length == 0 ? """ "pace": "asap" """ : options + """, "pace": "asap" """));
        run.Join();
        Assert.Null(run.Failure);
        var rows = _host.Rows;
        return [.. rows.Where(r => r.Set == _host.Sets[^1])];
    }

    private ISensor Replay(string lines, string options)
    {
        _folder.Write("replay.csv", Header + lines);
        return Sensor(options);
    }

    private ISensor Sensor(string options) => RecordingHost.Create(
        new ReplayKind(), $$"""{ "file": "replay.csv"{{(options.Length > 0 ? "," + options : "")}} }""", baseDirectory: _folder.Path);
}
