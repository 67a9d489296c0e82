using FieldAgent.Core;
using FieldAgent.Devices.Gpio;

namespace FieldAgent.Devices;

/// <summary>The lamp on a GPIO line that is lit exactly while a camera is open (R59, R60). The line is held, so that nobody else drives it, and
/// looked for again when its chip is gone. Any thread.</summary>
public sealed class CameraLamp : IIndicator, IDisposable
{
    /// <summary>How soon an unplugged lamp is noticed.</summary>
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(500);

    private readonly RoleLine _line;
    private readonly IGpioController _controller;
    private readonly Lock _lock = new();
    private readonly List<Lit> _lit = [];
    private IGpioLines? _held;
    private SensorFault? _fault;

    /// <summary>A lamp on a line below a folder of device nodes; nothing is opened.</summary>
    /// <param name="line">The line.</param>
    /// <param name="dev">The folder of device nodes: <c>/dev</c>.</param>
    public CameraLamp(RoleLine line, string dev)
        : this(line, DeviceStack.OpenGpio(dev))
    {
    }

    internal CameraLamp(RoleLine line, IGpioController controller)
    {
        _line = line;
        _controller = controller;
    }

    /// <summary>The line.</summary>
    public RoleLine Line => _line;

    /// <summary>Called when something new is wrong, with place and remedy.</summary>
    public Action<string> Failed { get; set; } = static _ => { };

    /// <summary>Its state now.</summary>
    public RoleStatus Status
    {
        get
        {
            lock (_lock)
            {
                return new RoleStatus(
                    _line.Role, _line.Line,
                    _fault is { } fault ? RetrySchedule.StateOf(fault) : _held is null ? SensorState.Opening : SensorState.Running,
                    _held is null ? null : _lit.Count > 0, _fault?.Message ?? "");
            }
        }
    }

    /// <inheritdoc/>
    public ILitIndicator Light()
    {
        lock (_lock)
        {
            try
            {
                _held ??= _controller.Request(new GpioRequest(_line.Chip, [_line.Gpio], Output: true));
                _held.Write(1, 1);
                _fault = null;
            }
            catch (SensorFault fault)
            {
                GiveUp(fault);
                throw _fault!;
            }

            var lit = new Lit(this);
            _lit.Add(lit);
            return lit;
        }
    }

    /// <summary>Holds the line until <paramref name="stop"/>, and looks after it. Blocks; faults are told and tried again, none is thrown.</summary>
    public void Run(IClock clock, CancellationToken stop)
    {
        var retry = new RetrySchedule(new SupervisionLimits(), _line.Line.Length);
        TimeSpan wait;
        do
        {
            wait = Check() is { } fault ? retry.Next(RetrySchedule.StateOf(fault), TimeSpan.Zero) : Look;
        }
        while (clock.Wait(wait, stop));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            PutOut();
            _held?.Dispose();
            _held = null;
        }
    }

    private SensorFault? Check()
    {
        lock (_lock)
        {
            try
            {
                _held ??= _controller.Request(new GpioRequest(_line.Chip, [_line.Gpio], Output: true));
                _ = _held.Read();
                _fault = null;
            }
            catch (SensorFault fault)
            {
                GiveUp(fault);
            }

            return _fault;
        }
    }

    private void GiveUp(SensorFault fault)
    {
        var named = _line.Named(fault, "No camera is opened without its lamp.");
        var isNew = named.Message != _fault?.Message;
        _fault = named;
        _held?.Dispose();
        _held = null;
        foreach (var lit in _lit)
        {
            lit.Lose();
        }

        if (isNew)
        {
            Failed(named.Message);
        }
    }

    private void End(Lit lit)
    {
        lock (_lock)
        {
            if (_lit.Remove(lit) && _lit.Count == 0)
            {
                PutOut();
            }
        }
    }

    private void PutOut()
    {
        try
        {
            _held?.Write(1, 0);
        }
        catch (SensorFault fault)
        {
            GiveUp(fault);
        }
    }

    private sealed class Lit(CameraLamp lamp) : ILitIndicator
    {
        private readonly CancellationTokenSource _lost = new();

        public CancellationToken Lost => _lost.Token;

        // Not on the caller's thread: who closes a camera then may ask this lamp.
        public void Lose() => _ = _lost.CancelAsync();

        public void Dispose()
        {
            lamp.End(this);
            _lost.Dispose();
        }
    }
}
