using FieldAgent.Core;

namespace FieldAgent.Devices.Tests;

public sealed class SupervisorTests
{
    [Fact]
    public void Nothing_runs_before_the_start()
    {
        using var rig = new Rig(Rig.Tick);
        Assert.Equal(SensorState.Closed, rig.Supervisor.Status.State);
        Assert.Equal(0, rig.Sensor.Runs);
        Assert.False(rig.Supervisor.Trigger("x"));
        Assert.Equal(1, rig.Counters["sensor.trigger-refused"]);
    }

    [Fact]
    public void Rows_reach_the_pipeline_and_status_tells_of_them()
    {
        using var rig = new Rig(Rig.Tick);
        rig.Supervisor.Start();
        rig.Is(SensorState.Running);
        rig.Clock.Advance(TimeSpan.FromSeconds(1));
        Eventually.True(() => rig.Supervisor.Status.Rows == 2, "two rows");
        rig.Clock.Advance(TimeSpan.FromSeconds(0.5));
        var status = rig.Supervisor.Status;
        Assert.Equal(0.5, status.LastRowAgeSeconds);
        Assert.Equal(2, rig.Supervisor.Writers.Single().Take().Columns.Count);
        Assert.Equal(["Information: Sensor scripted is running."], rig.Log);
    }

    [Fact]
    public void A_stop_leaves_what_was_sampled_for_the_last_flush()
    {
        using var rig = new Rig(Rig.Tick);
        rig.Supervisor.Start();
        rig.Is(SensorState.Running);
        Assert.True(rig.Supervisor.Stop(forget: false));
        Assert.Equal(SensorState.Closed, rig.Supervisor.Status.State);
        Assert.Equal(1, rig.Supervisor.Writers.Single().Take().Columns.Count);
    }

    [Theory]
    [InlineData(false, 1, 0)]
    [InlineData(true, 0, 1)]
    [Promise("R9")]
    public void A_picture_that_is_taken_while_a_stop_comes_is_kept_and_after_a_withdrawal_it_is_not(bool forget, int kept, int dropped)
    {
        using var rig = new Rig((host, stop) =>
        {
            host.Declare(Rig.Set).Write(host.Clock.BootNs, [1], stop);
            stop.WaitHandle.WaitOne();
            host.Deliver(new RawImage("scripted", "image.photo", new byte[] { 1 }, host.Clock.Now()));
        });
        rig.Supervisor.Start();
        rig.Is(SensorState.Running);
        Assert.True(rig.Supervisor.Stop(forget));
        Assert.Equal((kept, dropped), (rig.Images.Count, (int)rig.Counters["dropped.late-image"]));
        Assert.Equal(SensorState.Closed, rig.Supervisor.Status.State);
    }

    [Fact]
    [Promise("R9")]
    public void A_withdrawal_wipes_what_was_sampled()
    {
        using var rig = new Rig(Rig.Tick);
        rig.Supervisor.Start();
        rig.Is(SensorState.Running);
        rig.Supervisor.Stop(forget: true);
        Assert.Equal(0, rig.Supervisor.Writers.Sum(w => w.Take().Columns.Count));
    }

    [Fact]
    public void It_can_be_started_again_and_counts_on()
    {
        using var rig = new Rig(Rig.Tick);
        for (var round = 1; round <= 3; round++)
        {
            rig.Supervisor.Start();
            rig.Supervisor.Start();
            Eventually.True(() => rig.Supervisor.Status.Rows == round, $"row {round}");
            rig.Is(SensorState.Running);
            rig.Supervisor.Stop(forget: false);
        }

        Assert.Equal(3, rig.Sensor.Runs);
        Assert.Equal(3, rig.Supervisor.Writers.Sum(w => w.Take().Columns.Count));
        rig.Supervisor.Start();
        Eventually.True(() => rig.Supervisor.Status.Rows == 4, "the fourth row");
        Assert.Single(rig.Supervisor.Writers);
    }

    [Fact]
    [Promise("R13")]
    public void An_absent_device_is_quiet_and_looked_for_every_few_seconds()
    {
        using var rig = new Rig((_, _) => throw new SensorFault(SensorFaultKind.Absent, "/dev/x", "Plug it in."));
        rig.Supervisor.Start();
        var waits = new List<double>();
        for (var i = 1; i <= 20; i++)
        {
            rig.Runs(i);
            waits.Add(rig.PassRetry());
        }

        Assert.All(waits, w => Assert.InRange(w, 1.6, 8));
        Assert.All(waits.Skip(3), w => Assert.InRange(w, 6.4, 8));
        rig.Is(SensorState.Absent);
        Assert.Contains("Plug it in.", rig.Supervisor.Status.Detail, StringComparison.Ordinal);
        Assert.StartsWith("Information: Sensor scripted is absent", Assert.Single(rig.Log), StringComparison.Ordinal);
        Assert.True(rig.Counters["sensor.absent"] >= 20);
        Assert.Equal(0, rig.Counters["sensor.failures"]);
    }

    [Fact]
    [Promise("R13")]
    public void Refused_access_is_a_named_state_and_retried_slowly()
    {
        using var rig = new Rig((_, _) => throw new UnauthorizedAccessException("no"));
        rig.Supervisor.Start();
        rig.Is(SensorState.Refused);
        var waits = Enumerable.Range(1, 8).Select(_ => rig.PassRetry()).ToList();
        Assert.InRange(waits[0], 4, 5);
        Assert.InRange(waits[^1], 48, 60);
        Assert.Single(rig.Log);
        Assert.Equal(0, rig.Counters["sensor.failures"]);
    }

    [Fact]
    public void A_failing_sensor_is_retried_with_backoff_up_to_five_minutes()
    {
        using var rig = new Rig((_, _) => throw new InvalidOperationException("bug"));
        rig.Supervisor.Start();
        var waits = Enumerable.Range(1, 12).Select(_ => rig.PassRetry()).ToList();
        Assert.InRange(waits[0], 0.8, 1);
        Assert.InRange(waits[4], 12.8, 16);
        Assert.InRange(waits[^1], 240, 300);
        rig.Runs(13);
        Assert.Equal(SensorState.Failed, rig.Supervisor.Status.State);
        Assert.StartsWith("Error:", Assert.Single(rig.Log), StringComparison.Ordinal);
        Eventually.True(() => rig.Supervisor.Status.Failures == 13 && rig.Counters["sensor.failures"] == 13, "failures are counted");
    }

    [Fact]
    public void After_a_minute_of_success_the_waits_begin_anew()
    {
        using var rig = new Rig((host, stop) =>
        {
            host.Declare(Rig.Set).Write(host.Clock.BootNs, [1], stop);
            host.Clock.Wait(TimeSpan.FromSeconds(61), stop);
            throw new SensorFault(SensorFaultKind.Io, "bus 1", "Check it.");
        });
        rig.Supervisor.Start();
        for (var i = 1; i <= 4; i++)
        {
            rig.Runs(i);
            rig.Is(SensorState.Running);

            // A minute in which it waits, not one in which it hangs.
            Eventually.True(() => rig.Clock.Waiting == 1, "the sensor waits");
            rig.Clock.Advance(TimeSpan.FromSeconds(61));
            Assert.InRange(rig.PassRetry(), 0.8, 1);
        }
    }

    [Fact]
    public void A_sensor_that_comes_and_goes_does_not_fill_the_log()
    {
        using var rig = new Rig((host, stop) =>
        {
            host.Declare(Rig.Set).Write(host.Clock.BootNs, [1], stop);
            throw new SensorFault(SensorFaultKind.Absent, "/sys/x", "Loose plug?");
        });
        rig.Supervisor.Start();
        for (var i = 1; i <= 30; i++)
        {
            rig.Runs(i);
            rig.PassRetry();
        }

        Assert.InRange(rig.Log.Count, 3, 9);
        Assert.Contains(rig.Log, l => l.Contains("keeps failing", StringComparison.Ordinal));
    }

    [Fact]
    public void A_change_of_the_fault_is_said()
    {
        var runs = 0;
        using var rig = new Rig((host, stop) =>
        {
            switch (++runs)
            {
                case 1 or 2:
                    throw new SensorFault(SensorFaultKind.Absent, "/sys/x", "Plug it in.");
                case 3:
                    throw new SensorFault(SensorFaultKind.Timeout, "/sys/x", "Check the bus.");
                default:
                    Rig.Tick(host, stop);
                    break;
            }
        });
        rig.Supervisor.Start();
        for (var i = 1; i <= 3; i++)
        {
            rig.Runs(i);
            rig.PassRetry();
        }

        rig.Is(SensorState.Running);
        Assert.Equal(3, rig.Log.Count);
        Assert.Contains("absent", rig.Log[0], StringComparison.Ordinal);
        Assert.Contains("Check the bus", rig.Log[1], StringComparison.Ordinal);
        Assert.Contains("running", rig.Log[2], StringComparison.Ordinal);
    }

    [Fact]
    public void A_hanging_sensor_is_called_stalled_left_behind_and_never_run_twice_at_once()
    {
        using var hang = new ManualResetEventSlim();
        var inside = 0;
        var most = 0;
        using var rig = new Rig((host, stop) =>
        {
            most = Math.Max(most, Interlocked.Increment(ref inside));
            var writer = host.Declare(Rig.Set);
            writer.Write(host.Clock.BootNs, [1], stop);
            hang.Wait(TimeSpan.FromSeconds(60), CancellationToken.None);
            writer.Write(host.Clock.BootNs, [2], CancellationToken.None);
            Interlocked.Decrement(ref inside);
        }, Rig.Impatient);
        rig.Supervisor.Start();
        rig.Is(SensorState.Running);
        rig.Clock.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal(SensorState.Running, rig.Supervisor.Status.State);
        rig.Clock.Advance(TimeSpan.FromSeconds(2));
        rig.Is(SensorState.Stalled);
        Assert.Equal(1, rig.Counters["sensor.stalled"]);

        Assert.False(rig.Supervisor.Stop(forget: true));
        Assert.Equal(SensorState.Closed, rig.Supervisor.Status.State);
        Assert.Equal(1, rig.Counters["sensor.abandoned"]);

        for (var start = 1; start <= 3; start++)
        {
            // Once said, it stays so: the rows from before the stop are no sign of life.
            rig.Supervisor.Start();
            var said = start + 1;
            Eventually.True(() => rig.Log.Count(l => l.Contains("Stalled", StringComparison.Ordinal)) == said, "left behind is said");
            Assert.Equal(SensorState.Stalled, rig.Supervisor.Status.State);
            if (start < 3)
            {
                rig.Supervisor.Stop(forget: true);
            }
        }

        Assert.Equal(1, rig.Sensor.Runs);
        hang.Set();
        rig.Runs(2);
        Eventually.True(() => rig.Supervisor.Writers.Sum(w => w.Take().Columns.Count) > 0, "rows of the second run");
        Assert.Equal(1, most);
        Assert.Equal(4, rig.Log.Count(l => l.Contains("Stalled", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_call_within_the_sensors_own_time_out_is_not_stalled_and_one_beyond_it_is()
    {
        using var hang = new ManualResetEventSlim();
        using var rig = new Rig(
            (host, stop) =>
            {
                host.Declare(Rig.Set).Write(host.Clock.BootNs, [1], stop);
                hang.Wait(TimeSpan.FromSeconds(60), CancellationToken.None);
            },
            Rig.Impatient, callLimit: TimeSpan.FromSeconds(30));
        rig.Supervisor.Start();
        rig.Is(SensorState.Running);
        rig.Clock.Advance(TimeSpan.FromSeconds(39));
        Assert.Equal(SensorState.Running, rig.Supervisor.Status.State);
        rig.Clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(SensorState.Stalled, rig.Supervisor.Status.State);
        hang.Set();
    }

    [Fact]
    public void A_sensor_that_waits_for_its_time_is_not_stalled()
    {
        using var rig = new Rig((host, stop) =>
        {
            host.Declare(Rig.Set).Write(host.Clock.BootNs, [1], stop);
            host.Clock.Wait(TimeSpan.FromHours(2), stop);
        });
        rig.Supervisor.Start();
        rig.Is(SensorState.Running);
        Eventually.True(() => rig.Clock.Waiting == 1, "the sensor waits");
        rig.Clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal(SensorState.Running, rig.Supervisor.Status.State);
        Assert.Equal(0, rig.Counters["sensor.stalled"]);
    }

    [Fact]
    public void A_sensor_that_waits_for_the_store_is_not_stalled()
    {
        using var rig = new Rig(
            (host, stop) =>
            {
                var writer = host.Declare(Rig.Set);
                while (writer.Write(host.Clock.BootNs, [1], stop))
                {
                }
            },
            rowsMax: 10);
        rig.Supervisor.Start();
        Eventually.True(() => rig.Supervisor.Status.Waits > 0, "the sensor waits");
        rig.Clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal(SensorState.Running, rig.Supervisor.Status.State);
        Assert.Equal(10, rig.Supervisor.Status.Rows);
    }

    [Fact]
    public void A_hanging_and_a_throwing_sensor_do_not_delay_another()
    {
        using var hang = new ManualResetEventSlim();
        using var hanging = new Rig((_, _) => hang.Wait(TimeSpan.FromSeconds(60), CancellationToken.None), Rig.Impatient);
        using var throwing = new Rig((_, _) => throw new SensorFault(SensorFaultKind.Io, "bus", "Check."));
        using var healthy = new Rig(Rig.Tick);
        hanging.Supervisor.Start();
        throwing.Supervisor.Start();
        healthy.Supervisor.Start();
        hanging.Runs(1);
        for (var i = 1; i <= 20; i++)
        {
            Eventually.True(() => healthy.Supervisor.Status.Rows == i, $"row {i}");
            hanging.Clock.Advance(TimeSpan.FromSeconds(1));
            healthy.Clock.Advance(TimeSpan.FromSeconds(1));
        }

        hanging.Is(SensorState.Stalled);
        throwing.Is(SensorState.Failed);
        healthy.Is(SensorState.Running);
        hang.Set();
    }

    [Fact]
    public void A_recording_that_is_over_has_stopped_and_is_not_played_again()
    {
        using var rig = new Rig((host, stop) => host.Declare(Rig.Set).Write(host.Clock.BootNs, [1], stop));
        rig.Supervisor.Start();
        rig.Is(SensorState.Stopped);
        rig.Clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal(1, rig.Sensor.Runs);
        Assert.Equal(1, rig.Supervisor.Status.Rows);
        Assert.Equal(1, rig.Supervisor.Writers.Single().Take().Columns.Count);
    }

    [Fact]
    public void A_device_that_comes_back_with_other_channels_gets_a_new_writer_and_the_old_rows_are_kept()
    {
        var other = new StreamSet("scripted", "instrument.measurement", [new StreamInfo("a", "1"), new StreamInfo("b", "1")]);
        var runs = 0;
        using var rig = new Rig((host, stop) =>
        {
            if (++runs == 1)
            {
                host.Declare(Rig.Set).Write(host.Clock.BootNs, [1], stop);
                throw new SensorFault(SensorFaultKind.Absent, "/sys/x", "");
            }

            Assert.Same(host.Declare(other), host.Declare(other));
            host.Declare(other).Write(host.Clock.BootNs, [1, 2], stop);
            host.Clock.Wait(TimeSpan.FromDays(1), stop);
        });
        rig.Supervisor.Start();
        rig.PassRetry();
        Eventually.True(() => rig.Supervisor.Status.Rows == 2, "a row of the second run");
        Assert.Equal([1, 2], rig.Supervisor.Writers.Select(w => w.Set.Streams.Length));
        Assert.Equal([1, 1], rig.Supervisor.Writers.Select(w => w.Take().Columns.Count));
    }

    [Fact]
    public void Commands_reach_a_camera_up_to_the_limit()
    {
        using var busy = new ManualResetEventSlim();
        using var rig = new Rig((host, stop) =>
        {
            while (host.WaitForTrigger(long.MaxValue, stop, out var id))
            {
                busy.Wait(TimeSpan.FromSeconds(60), CancellationToken.None);
                host.Deliver(new RawImage("camera", "image.photo", new byte[] { 1 }, host.Clock.Now(), id));
            }
        });
        rig.Supervisor.Start();
        rig.Is(SensorState.Running);
        Assert.True(rig.Supervisor.Trigger("0"));
        var taken = 1;
        while (rig.Supervisor.Trigger($"{taken}"))
        {
            taken++;
        }

        Assert.InRange(taken, 8, 9);
        Assert.Equal(1, rig.Counters["sensor.trigger-refused"]);
        busy.Set();
        Eventually.True(() => rig.Supervisor.Status.Images == taken, "all shots");
        Eventually.True(() => rig.Images.Count == taken, "all pictures");
        Assert.Equal(Enumerable.Range(0, taken).Select(i => $"{i}"), rig.Images.Select(i => i.RequestId));
    }

    [Fact]
    [Promise("R9")]
    public void A_picture_that_comes_after_the_stop_is_dropped_and_counted()
    {
        using var hang = new ManualResetEventSlim();
        using var rig = new Rig((host, _) =>
        {
            host.Describe("taking a shot");
            hang.Wait(TimeSpan.FromSeconds(60), CancellationToken.None);
            host.Deliver(new RawImage("camera", "image.photo", new byte[] { 1 }, host.Clock.Now()));
        }, Rig.Impatient);
        rig.Supervisor.Start();
        Eventually.True(() => rig.Supervisor.Status.Detail == "taking a shot", "the shot begins");
        Assert.False(rig.Supervisor.Stop(forget: true));
        hang.Set();
        Eventually.True(() => rig.Counters["dropped.late-image"] == 1, "the late picture is counted");
        Assert.Empty(rig.Images);
    }

    [Fact]
    public void Skips_are_counted_for_the_sensor_and_for_the_agent()
    {
        using var rig = new Rig((host, stop) =>
        {
            host.Skipped("checksum");
            host.Skipped("checksum", 4);
            Rig.Tick(host, stop);
        });
        rig.Supervisor.Start();
        rig.Is(SensorState.Running);
        Assert.Equal(5, rig.Supervisor.Status.Skipped["checksum"]);
        Assert.Equal(5, rig.Counters["skipped.checksum"]);
    }

    [Fact]
    [Promise("R13")]
    public void A_kernel_tree_that_is_deleted_and_made_again_is_followed()
    {
        using var root = new TempFolder();
        var folder = root.Bme280();
        var sensor = RecordingHost.Create(new IioKind(), """{ "device": "bme280" }""", root.Path);
        using var rig = new Rig(sensor.Run);
        rig.Supervisor.Start();
        rig.Is(SensorState.Running);
        AdvanceTo(SensorState.Absent, () => Directory.Delete(folder, recursive: true));
        AdvanceTo(SensorState.Running, () => root.Bme280(2));
        Assert.Equal(3, rig.Log.Count);

        // Time passes, and the tree changes, only while sensor and supervisor wait: neither is seen half-way.
        void AdvanceTo(SensorState state, Action change)
        {
            Eventually.True(() => rig.Clock.Waiting == 1, "it waits");
            change();
            Eventually.True(
                () =>
                {
                    if (rig.Clock.Waiting == 1 && rig.Supervisor.Status.State != state)
                    {
                        rig.Clock.Advance(TimeSpan.FromSeconds(0.2));
                    }

                    return rig.Supervisor.Status.State == state;
                },
                state.ToString());
        }
    }
}
