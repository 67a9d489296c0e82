using FieldAgent.Core;
using FieldAgent.Devices.Gpio;
using FieldAgent.Devices.Linux;

namespace FieldAgent.Devices;

/// <summary>Whether a contact is made.</summary>
public enum ContactLevel
{
    /// <summary>Not looked at yet.</summary>
    Unknown,

    /// <summary>The line is inactive.</summary>
    Inactive,

    /// <summary>The line is active.</summary>
    Active,

    /// <summary>The line cannot be read.</summary>
    Unreadable,
}

/// <summary>Follows one input line for as long as it runs: every change the kernel sees, in order; looks for the chip again when it is gone.
/// One thread runs it; any may ask for its state.</summary>
public sealed class RoleInput
{
    /// <summary>A line that never changes is read so often: what an unplugged chip, or a lost edge, costs at most.</summary>
    private const int LookMs = 1000;

    private readonly RoleLine _line;
    private readonly IGpioController _controller;
    private readonly TimeSpan _patience;
    private readonly Lock _lock = new();
    private RoleStatus _status;
    private bool _wasRead;

    /// <summary>A line below a folder of device nodes; nothing is opened.</summary>
    /// <param name="line">The line.</param>
    /// <param name="dev">The folder of device nodes: <c>/dev</c>.</param>
    /// <param name="patience">How long a line that was never read yet may fail before it is called unreadable: drivers come up with the
    /// board, and a program that ended just now gives its lines back.</param>
    public RoleInput(RoleLine line, string dev, TimeSpan patience = default)
        : this(line, DeviceStack.OpenGpio(dev), patience)
    {
    }

    internal RoleInput(RoleLine line, IGpioController controller, TimeSpan patience = default)
    {
        _line = line;
        _controller = controller;
        _patience = patience;
        _status = new RoleStatus(line.Role, line.Line, SensorState.Opening, null, "");
    }

    /// <summary>Called on the running thread with every change: what it is now, and what it was before. The first call says what was found at the
    /// start (before: unknown).</summary>
    public Action<ContactLevel, ContactLevel> Changed { get; set; } = static (_, _) => { };

    /// <summary>Called on the running thread when something new is wrong, with place and remedy.</summary>
    public Action<string> Failed { get; set; } = static _ => { };

    /// <summary>Its state now.</summary>
    public RoleStatus Status
    {
        get
        {
            lock (_lock)
            {
                return _status;
            }
        }
    }

    /// <summary>What was read last, or why nothing can be.</summary>
    public ContactLevel Level { get; private set; }

    /// <summary>Follows the line until <paramref name="stop"/>. Blocks; faults are told and tried again, none is thrown.</summary>
    public void Run(IClock clock, CancellationToken stop)
    {
        var retry = new RetrySchedule(new SupervisionLimits(), _line.Line.Length);
        var impatientNs = clock.BootNs + _patience.ToNs();
        while (!stop.IsCancellationRequested)
        {
            var sinceNs = clock.BootNs;
            SensorFault fault;
            try
            {
                Follow(stop);
                return;
            }
            catch (SensorFault caught)
            {
                fault = _line.Named(caught);
            }

            var state = RetrySchedule.StateOf(fault);
            Tell(state, fault.Message);
            var wait = retry.Next(state, TimeSpan.FromTicks((clock.BootNs - sinceNs) / 100));
            if (!_wasRead && clock.BootNs < impatientNs)
            {
                wait = TimeSpan.FromMilliseconds(100);
            }
            else
            {
                Enter(ContactLevel.Unreadable, stop);
            }

            clock.Wait(wait, stop);
        }
    }

    private void Follow(CancellationToken stop)
    {
        using var stopped = new StopEvent(stop);
        using var held = _controller.Request(new GpioRequest(_line.Chip, [_line.Gpio], GpioEdges.Both));
        var edges = new GpioEdge[16];
        Enter(LevelOf(held.Read() != 0), stop);
        while (held.Wait(stopped, LookMs) != Readiness.Stopped)
        {
            var count = held.ReadEdges(edges);
            for (var i = 0; i < count; i++)
            {
                Enter(LevelOf(edges[i].IsActive), stop);
            }

            // Edges that wait still tell it better than the level, which is ahead of them.
            if (count < edges.Length)
            {
                Settle(held, edges, stop);
            }
        }
    }

    // The level is what holds; an edge that came between the two reads is followed next.
    private void Settle(IGpioLines held, GpioEdge[] edges, CancellationToken stop)
    {
        var level = held.Read() != 0;
        var count = held.ReadEdges(edges);
        for (var i = 0; i < count; i++)
        {
            Enter(LevelOf(edges[i].IsActive), stop);
        }

        if (count == 0)
        {
            Enter(LevelOf(level), stop);
        }
    }

    private static ContactLevel LevelOf(bool active) => active ? ContactLevel.Active : ContactLevel.Inactive;

    private void Enter(ContactLevel now, CancellationToken stop)
    {
        var before = Level;
        if (now != ContactLevel.Unreadable)
        {
            _wasRead = true;
            Tell(SensorState.Running, "", now == ContactLevel.Active);
        }

        if (now != before && !stop.IsCancellationRequested)
        {
            Level = now;
            Changed(now, before);
        }
    }

    private void Tell(SensorState state, string detail, bool? active = null)
    {
        bool isNew;
        lock (_lock)
        {
            isNew = detail.Length > 0 && detail != _status.Detail;
            _status = _status with { State = state, Detail = detail, IsActive = active };
        }

        if (isNew)
        {
            Failed(detail);
        }
    }
}
