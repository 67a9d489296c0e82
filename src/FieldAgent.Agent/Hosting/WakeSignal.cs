namespace FieldAgent.Agent.Hosting;

/// <summary>Wakes one thread, from any: also by who was told of a change just before the end, and calls when the thread is gone already.</summary>
internal sealed class WakeSignal : IDisposable
{
    private readonly Lock _lock = new();
    private readonly AutoResetEvent _event = new(false);
    private bool _isOver;

    /// <summary>Wakes the thread, now or at its next wait. Does nothing after the end.</summary>
    public void Set()
    {
        lock (_lock)
        {
            if (!_isOver)
            {
                _event.Set();
            }
        }
    }

    /// <summary>Waits to be woken. Blocks.</summary>
    /// <returns>False when <paramref name="stop"/> was set.</returns>
    public bool Wait(TimeSpan limit, CancellationToken stop) => WaitHandle.WaitAny([stop.WaitHandle, _event], limit) != 0;

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            _isOver = true;
            _event.Dispose();
        }
    }
}
