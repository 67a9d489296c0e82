using System.Collections.Concurrent;
using System.Text;
using FieldAgent.Core;
using FieldAgent.Core.Configuration;
using FieldAgent.Devices.Gpio;
using FieldAgent.Simulation;

namespace FieldAgent.Devices.Tests.Gpio;

/// <summary>Lines for people at the board: what is read of them, and the lamp.</summary>
public sealed class RoleTests : IDisposable
{
    private static readonly SensorFault Absent = new(SensorFaultKind.Absent, "GPIO chip 'x'", "There is none.");

    private readonly FakeGpio _gpio = new();
    private readonly ConcurrentQueue<(ContactLevel Now, ContactLevel Before)> _changes = new();
    private readonly ConcurrentQueue<string> _failures = new();

    [Fact]
    public void A_contact_tells_its_state_at_the_start_and_then_every_change_in_order()
    {
        _gpio.Drive(0, active: true);
        using (Run(Input(), out var input))
        {
            Eventually.True(() => _changes.Count == 1, "the state at the start");
            Assert.True(input.Status is { State: SensorState.Running, IsActive: true, Line: "GPIO22", Role: "consentSwitch" });
            _gpio.Drive(0, active: false);
            _gpio.Drive(0, active: true);
            _gpio.Drive(0, active: false);
            Eventually.True(() => _changes.Count == 4, "three changes");
            Assert.False(input.Status.IsActive);
        }

        Assert.Equal(
            [
                (ContactLevel.Active, ContactLevel.Unknown), (ContactLevel.Inactive, ContactLevel.Active), (ContactLevel.Active, ContactLevel.Inactive),
                (ContactLevel.Inactive, ContactLevel.Active),
            ],
            _changes);
        Assert.Equal(0, _gpio.Open);
        var request = Assert.Single(_gpio.Requests);
        Assert.Equal(GpioEdges.Both, request.Edges);
        Assert.Equal(TimeSpan.FromMilliseconds(50), request.Lines[0].Debounce);
        Assert.True(request.Lines[0] is { ActiveLow: true, Bias: GpioBias.PullUp });
    }

    [Fact]
    [Promise("R13")]
    public void Without_a_chip_a_contact_is_unreadable_quietly_and_found_when_it_comes()
    {
        _gpio.Fault = Absent;
        using var run = Run(Input(), out var input);
        Eventually.True(() => input.Level == ContactLevel.Unreadable, "the fault");
        Assert.Equal(SensorState.Absent, input.Status.State);
        Assert.Contains("roles.consentSwitch", input.Status.Detail, StringComparison.Ordinal);
        _gpio.Fault = null;
        Eventually.True(() => input.Level == ContactLevel.Inactive, "the chip");

        // unplugged while it is followed
        _gpio.Gone = Absent;
        Eventually.True(() => input.Level == ContactLevel.Unreadable, "the chip is gone");
        _gpio.Gone = null;
        Eventually.True(() => input.Level == ContactLevel.Inactive, "the chip is back");

        // The level is told after it is set.
        Eventually.True(() => _changes.Count == 4, "every change is told");
        Assert.Equal(2, _failures.Count);
        Assert.Equal(
            [ContactLevel.Unreadable, ContactLevel.Inactive, ContactLevel.Unreadable, ContactLevel.Inactive], _changes.Select(static c => c.Now));
    }

    [Fact]
    public void A_line_that_comes_up_with_the_board_is_not_called_unreadable_at_once()
    {
        _gpio.Fault = Absent;
        using var run = Run(Input(TimeSpan.FromMinutes(1)), out var input);
        Eventually.True(() => _gpio.Requests.Count >= 2, "two tries");
        Assert.Equal(SensorState.Absent, input.Status.State);
        Assert.Empty(_changes);
        _gpio.Fault = null;
        Eventually.True(() => _changes.Count == 1, "the state at the start");
        Assert.Equal((ContactLevel.Inactive, ContactLevel.Unknown), Assert.Single(_changes));
    }

    [Fact]
    [Promise("R96")]
    public void A_press_proves_presence_once_and_for_a_limited_time_and_a_jammed_button_never()
    {
        var clock = new SimulatedClock();
        var button = new PresenceButton(clock);
        var limit = TimeSpan.FromMinutes(2);
        Assert.False(button.TryUse(limit));
        button.Follow(ContactLevel.Active, ContactLevel.Unknown);
        Assert.False(button.TryUse(limit));
        button.Follow(ContactLevel.Unreadable, ContactLevel.Active);
        button.Follow(ContactLevel.Active, ContactLevel.Unreadable);
        Assert.False(button.TryUse(limit));

        button.Follow(ContactLevel.Active, ContactLevel.Inactive);
        button.Follow(ContactLevel.Inactive, ContactLevel.Active);
        clock.Advance(TimeSpan.FromMinutes(1));
        Assert.True(button.TryUse(limit));
        Assert.False(button.TryUse(limit));

        button.Follow(ContactLevel.Active, ContactLevel.Inactive);
        clock.Advance(TimeSpan.FromMinutes(2) + TimeSpan.FromMilliseconds(1));
        Assert.False(button.TryUse(limit));
    }

    [Fact]
    [Promise("R59")]
    public void The_lamp_is_an_output_that_begins_dark_and_is_lit_as_long_as_anybody_holds_it_lit()
    {
        using var lamp = Lamp();
        Assert.Equal(SensorState.Opening, lamp.Status.State);
        using (lamp.Light())
        {
            Assert.Equal(1UL, _gpio.Read());
            Assert.True(lamp.Status is { State: SensorState.Running, IsActive: true });
            using (lamp.Light())
            {
            }

            Assert.Equal(1UL, _gpio.Read());
        }

        Assert.Equal(0UL, _gpio.Read());
        var request = Assert.Single(_gpio.Requests);
        Assert.True(request is { Output: true, Initial: 0, Edges: GpioEdges.None });
        Assert.Equal(GpioDrive.OpenDrain, request.Lines[0].Drive);
    }

    [Fact]
    [Promise("R13", "R60")]
    public void A_lamp_that_cannot_be_lit_says_so_and_one_that_goes_out_is_noticed()
    {
        using var lamp = Lamp();
        _gpio.Fault = Absent;
        var fault = Assert.Throws<SensorFault>(() => lamp.Light());
        Assert.Equal(SensorFaultKind.Absent, fault.Kind);
        Assert.Contains("No camera is opened without its lamp", fault.Message, StringComparison.Ordinal);
        Assert.Equal(SensorState.Absent, lamp.Status.State);

        _gpio.Fault = null;
        using var run = new Running(stop => lamp.Run(new LinuxClock(), stop));
        Eventually.True(() => lamp.Status is { State: SensorState.Running, IsActive: false }, "the line is held");
        using (var lit = lamp.Light())
        {
            _gpio.Gone = Absent;
            Eventually.True(() => lit.Lost.IsCancellationRequested, "the loss");
            Assert.Throws<SensorFault>(() => lamp.Light());
        }

        _gpio.Gone = null;
        using (lamp.Light())
        {
            Assert.Equal(1UL, _gpio.Read());
        }

        Assert.Equal(0UL, _gpio.Read());
        run.Dispose();
        Assert.Equal(2, _failures.Count);
    }

    public void Dispose() => _gpio.Dispose();

    private static RoleLine Line(string role, string options, IReadOnlyList<Option> shape)
    {
        var errors = new ConfigErrors();
        var section = new ConfigShape("A line.", [.. shape]).Bind(ConfigNode.Parse(Encoding.UTF8.GetBytes(options), errors)!, errors);
        Assert.True(errors.IsEmpty, string.Join('\n', errors.All));
        return RoleLine.Read(role, section);
    }

    private RoleInput Input(TimeSpan patience = default) =>
        new(Line("consentSwitch", """{ "line": "GPIO22", "activeLow": true, "bias": "pull-up" }""", RoleLine.InputOptions), _gpio, patience)
        {
            Changed = (now, before) => _changes.Enqueue((now, before)), Failed = _failures.Enqueue,
        };

    private CameraLamp Lamp() =>
        new(Line("cameraIndicator", """{ "line": "GPIO27", "drive": "open-drain" }""", RoleLine.OutputOptions), _gpio) { Failed = _failures.Enqueue };

    private static Running Run(RoleInput made, out RoleInput input)
    {
        input = made;
        return new Running(stop => made.Run(new LinuxClock(), stop));
    }

    private sealed class Running : IDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly Thread _thread;

        public Running(Action<CancellationToken> run)
        {
            _thread = new Thread(() => run(_stop.Token)) { IsBackground = true };
            _thread.Start();
        }

        public void Dispose()
        {
            if (_thread.IsAlive)
            {
                _stop.Cancel();
                _thread.Join();
            }

            _stop.Dispose();
        }
    }
}
