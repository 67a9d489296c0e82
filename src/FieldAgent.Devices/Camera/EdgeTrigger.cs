using FieldAgent.Core;
using FieldAgent.Core.Configuration;
using FieldAgent.Devices.Gpio;
using FieldAgent.Devices.Linux;

namespace FieldAgent.Devices;

/// <summary>A line whose edges ask for shots. Nothing is opened.</summary>
/// <param name="options">A section with the options of <see cref="CameraKind.Trigger"/>.</param>
/// <param name="controller">Gives out the line.</param>
internal sealed class EdgeTrigger(ConfigSection options, IGpioController controller)
{
    /// <summary>The line that it takes.</summary>
    public BoardLine Taken => new(options.Get(GpioOptions.Chip), options.Get(GpioOptions.Line));

    /// <summary>Takes the line.</summary>
    /// <exception cref="SensorFault">It is absent, refused or held by somebody else.</exception>
    public OpenTrigger Open(CancellationToken stop) => new(controller.Request(new GpioRequest(
        options.Get(GpioOptions.Chip), [options.ReadLine(GpioOptions.ContactDebounce)], options.ReadEdges())), stop);
}

/// <summary>Gathers edges on a thread of its own, so that none is late or lost while a picture is taken.</summary>
internal sealed class OpenTrigger : IDisposable
{
    /// <summary>Edges that may wait for the camera: more would be pictures of something else than what set them off.</summary>
    private const int WaitingMax = 8;

    private const int StackBytes = 128 * 1024;

    /// <summary>What an unplugged chip costs at most before it is noticed.</summary>
    private const int LookMs = 1000;

    private readonly Lock _lock = new();
    private readonly IGpioLines _held;
    private readonly CancellationTokenSource _end;
    private readonly StopEvent _stopped;
    private readonly Thread _thread;
    private CancellationTokenSource _arrived = new();
    private SensorFault? _fault;
    private int _waiting;
    private int _tooMany;

    /// <summary>Takes over the line, and follows it until disposed.</summary>
    /// <exception cref="SensorFault">The process has too many files open; the line is given back.</exception>
    public OpenTrigger(IGpioLines held, CancellationToken stop)
    {
        _held = held;
        _end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        try
        {
            _stopped = new StopEvent(_end.Token);
        }
        catch
        {
            _held.Dispose();
            _end.Dispose();
            throw;
        }

        _thread = new Thread(Follow, StackBytes) { IsBackground = true, Name = "camera trigger" };
        _thread.Start();
    }

    /// <summary>Cancelled when <see cref="TryTake"/> has something to say.</summary>
    public CancellationToken Arrived
    {
        get
        {
            lock (_lock)
            {
                return _arrived.Token;
            }
        }
    }

    /// <summary>Takes one edge.</summary>
    /// <returns>False when none waits.</returns>
    /// <exception cref="SensorFault">The line is gone.</exception>
    public bool TryTake(ISensorHost host)
    {
        lock (_lock)
        {
            if (_tooMany > 0)
            {
                host.Skipped("trigger-overrun", _tooMany);
                _tooMany = 0;
            }

            if (_waiting > 0)
            {
                _waiting--;
                return true;
            }

            if (_fault is { } fault)
            {
                throw fault;
            }

            if (_arrived.IsCancellationRequested)
            {
                _arrived.Dispose();
                _arrived = new CancellationTokenSource();
            }

            return false;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _end.Cancel();
        _thread.Join();
        _stopped.Dispose();
        _held.Dispose();
        _end.Dispose();
        _arrived.Dispose();
    }

    private void Follow()
    {
        var edges = new GpioEdge[16];
        try
        {
            while (_held.Wait(_stopped, LookMs) is not Readiness.Stopped)
            {
                if (_held.ReadEdges(edges) is > 0 and var count)
                {
                    Add(count, null);
                }
                else
                {
                    _ = _held.Read();
                }
            }
        }
        catch (Exception e)
        {
            // The boundary: what is thrown here would end the process; it belongs to the sensor's own thread.
            Add(0, e as SensorFault ?? new SensorFault(SensorFaultKind.Io, "trigger", $"{e.GetType().Name}: {e.Message}", e));
        }
    }

    private void Add(int count, SensorFault? fault)
    {
        lock (_lock)
        {
            var taken = Math.Min(count, WaitingMax - _waiting);
            _waiting += taken;
            _tooMany += count - taken;
            _fault = fault;
            _arrived.Cancel();
        }
    }
}
