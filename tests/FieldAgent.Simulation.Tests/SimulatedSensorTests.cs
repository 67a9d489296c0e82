using FieldAgent.Core;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Simulation.Tests;

public sealed class SimulatedSensorTests
{
    private const string Streams = """
        "streams": [
            { "name": "sine", "unit": "Cel", "scale": 0.01, "waveform": "sine", "offset": 21.5, "amplitude": 2, "period": "5m", "noise": 0.02 },
            { "name": "walk", "scale": 0.01, "waveform": "walk", "offset": 45, "amplitude": 0.05 },
            { "name": "steps", "waveform": "steps", "offset": 12, "amplitude": 4, "period": "20s", "noise": 0.05,
              "faults": { "dropout": 0.05, "stuck": 0.02, "stuckFor": "3s", "spike": 0.02, "spikeSize": 100 } } ]
        """;

    [Fact]
    public void The_same_seed_gives_the_same_values_and_another_others()
    {
        var first = Rows($$"""{ "seed": 7, {{Streams}}, "pace": "asap", "count": 2000 }""");
        var again = Rows($$"""{ "seed": 7, {{Streams}}, "pace": "asap", "count": 2000 }""");
        var other = Rows($$"""{ "seed": 8, {{Streams}}, "pace": "asap", "count": 2000 }""");
        Assert.Equal(first.Select(r => r.Values), again.Select(r => r.Values));
        Assert.NotEqual(first.Select(r => r.Values), other.Select(r => r.Values));
    }

    [Fact]
    public void A_live_run_gives_the_values_of_a_fast_one_even_when_moments_are_missed()
    {
        using var stop = new CancellationTokenSource();
        using var host = new RecordingHost(new LeapingClock(clock =>
        {
            if (clock.Waits == 100)
            {
                clock.BootNs += 50_500_000_000;
            }
            else if (clock.Waits > 1_000)
            {
                stop.Cancel();
            }
        }));
        Sensor($$"""{ "seed": 7, {{Streams}} }""").Run(host, stop.Token);
        var live = host.Rows.ToDictionary(r => (int)(r.BootNs / 1_000_000_000) - 1, r => r.Values);
        var fast = Rows($$"""{ "seed": 7, {{Streams}}, "pace": "asap", "count": 2000 }""");
        Assert.Equal(50, host.Skips["overrun"]);
        foreach (var (second, values) in live)
        {
            Assert.Equal(fast[second].Values, values);
        }

        Assert.True(live.Keys.Max() > 900);
    }

    [Fact]
    public void Values_are_whole_steps_of_their_scale_bit_for_bit()
    {
        foreach (var row in Rows($$"""{ "seed": 3, {{Streams}}, "pace": "asap", "count": 5000 }"""))
        {
            foreach (var value in row.Values.Take(2))
            {
                Assert.Equal(value!.Value, Math.Round(value.Value / 0.01) * 0.01);
            }
        }
    }

    [Theory]
    [InlineData("sine", 8, 12)]
    [InlineData("ramp", 10, 12)]
    [InlineData("steps", 8, 12)]
    [InlineData("pulses", 10, 12)]
    [InlineData("constant", 10, 10)]
    public void Each_waveform_stays_within_its_bounds_and_uses_them(string waveform, double low, double high)
    {
        var values = Values($$"""{ "name": "x", "waveform": "{{waveform}}", "offset": 10, "amplitude": 2, "period": "30s" }""", 3_000);
        Assert.All(values, v => Assert.InRange(v!.Value, low - 1e-9, high + 1e-9));
        Assert.True(values.Max() - values.Min() >= (high - low) * 0.9);
    }

    [Fact]
    public void A_pulse_takes_a_tenth_of_its_period()
    {
        var values = Values("""{ "name": "x", "waveform": "pulses", "offset": 1, "amplitude": 4, "period": "20s" }""", 1_000);
        Assert.Equal(100, values.Count(v => v == 5));
        Assert.Equal(900, values.Count(v => v == 1));
    }

    [Fact]
    public void A_walk_moves_in_small_steps_and_stays_near_its_offset()
    {
        var values = Values("""{ "name": "x", "waveform": "walk", "offset": 45, "amplitude": 0.05 }""", 100_000);
        for (var i = 1; i < values.Count; i++)
        {
            Assert.InRange(Math.Abs(values[i]!.Value - values[i - 1]!.Value), 0, 0.2);
        }

        Assert.All(values, v => Assert.InRange(v!.Value, 40, 50));
        Assert.True(values.Max() - values.Min() > 1);
    }

    [Fact]
    public void Noise_has_the_configured_spread()
    {
        var values = Values("""{ "name": "x", "waveform": "constant", "offset": 5, "noise": 0.5 }""", 50_000).Select(v => v!.Value).ToList();
        var mean = values.Average();
        var deviation = Math.Sqrt(values.Average(v => (v - mean) * (v - mean)));
        Assert.InRange(mean, 4.98, 5.02);
        Assert.InRange(deviation, 0.49, 0.51);
    }

    [Fact]
    public void Faults_come_about_as_often_as_configured()
    {
        const int Count = 50_000;
        var dropped = Values("""{ "name": "x", "waveform": "constant" , "faults": { "dropout": 0.1 } }, { "name": "y", "waveform": "constant" }""", Count);
        Assert.InRange(dropped.Count(v => v is null), Count * 0.09, Count * 0.11);

        var spiked = Values("""{ "name": "x", "waveform": "constant", "offset": 1, "faults": { "spike": 0.05, "spikeSize": 20 } }""", Count);
        Assert.InRange(spiked.Count(v => v == 21), Count * 0.02, Count * 0.03);
        Assert.InRange(spiked.Count(v => v == -19), Count * 0.02, Count * 0.03);

        var stuck = Values("""{ "name": "x", "waveform": "sine", "faults": { "stuck": 0.01, "stuckFor": "8s" } }""", Count);
        var repeats = Enumerable.Range(1, Count - 1).Count(i => stuck[i] == stuck[i - 1]);
        Assert.InRange(repeats, Count * 0.05, Count * 0.1);
    }

    [Fact]
    public void A_row_without_any_value_is_not_written_but_counted()
    {
        using var host = new RecordingHost();
        using var run = host.Start(Sensor(
            """{ "streams": [ { "name": "x", "faults": { "dropout": 0.5 } } ], "pace": "asap", "count": 1000 }"""));
        run.Join();
        Assert.Equal(1_000, host.Rows.Count + host.Skips["dropout"]);
    }

    [Fact]
    public void A_load_has_its_count_of_rows_an_interval_apart()
    {
        var rows = Rows($$"""{ "interval": "10ms", {{Streams}}, "pace": "asap", "count": 12345 }""");
        Assert.Equal(12_345, rows.Count);
        Assert.Equal(12_344 * 10_000_000L, rows[^1].BootNs - rows[0].BootNs);
    }

    [Fact]
    public void A_live_sensor_ends_after_its_count()
    {
        using var host = new RecordingHost(new LeapingClock());
        Sensor($$"""{ {{Streams}}, "count": 5 }""").Run(host, CancellationToken.None);
        Assert.Equal(5, host.Rows.Count);
    }

    [Fact]
    public void Making_a_row_does_not_allocate()
    {
        Assert.Equal(0, RecordingHost.BytesAllocated(Sensor($$"""{ {{Streams}} }"""), warm: 500, until: 3_000));
    }

    [Fact]
    public void The_set_says_field_interval_importance_and_urgency()
    {
        using var host = new RecordingHost();
        var sensor = Sensor(
            """{ "interval": "100ms", "field": "location.position", "importance": "high", "urgent": true, "count": 1, "streams": [ { "name": "x", "unit": "deg", "scale": 1e-7 } ] }""");
        Assert.Equal(["location.position"], sensor.OpensFor);
        sensor.Run(host, CancellationToken.None);
        var set = host.Sets.Single();
        Assert.Equal(("location.position", 100_000_000L, Importance.High, true), (set.Field, set.IntervalNs, set.Importance, set.Urgent));
        Assert.Equal(new StreamInfo("x", "deg", 1e-7), set.Streams.Single());
    }

    [Theory]
    [InlineData("""{ }""", "'streams' is missing")]
    [InlineData("""{ "streams": [] }""", "at least one stream")]
    [InlineData("""{ "streams": [ { "name": "a" }, { "name": "a" } ] }""", "2 streams called 'a'")]
    [InlineData("""{ "streams": [ { "name": "a" } ], "pace": "asap" }""", "count")]
    [InlineData("""{ "streams": [ { "name": "a", "waveform": "square" } ] }""", "must be one of: sine, ramp, walk, steps, pulses, constant")]
    public void What_is_wrong_with_the_options_is_said(string options, string message)
    {
        var errors = new ConfigErrors();
        RecordingHost.Create(new SimulatedKind(), options, errors);
        Assert.Contains(message, string.Join('\n', errors.All), StringComparison.Ordinal);
    }

    private static List<double?> Values(string streams, int count) =>
        [.. Rows($$"""{ "streams": [ {{streams}} ], "pace": "asap", "count": {{count}} }""").Select(r => r.Values[0])];

    private static IReadOnlyList<RecordedRow> Rows(string options)
    {
        using var host = new RecordingHost();
        using var run = host.Start(Sensor(options));
        run.Join();
        Assert.Null(run.Failure);
        return host.Rows;
    }

    private static ISensor Sensor(string options) => RecordingHost.Create(new SimulatedKind(), options);
}
