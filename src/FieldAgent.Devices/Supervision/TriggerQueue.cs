using FieldAgent.Core;

namespace FieldAgent.Devices;

/// <summary>Shots that commands ask for, waiting for one camera. Any thread adds, the sensor's thread takes.</summary>
internal sealed class TriggerQueue(int countMax) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Queue<string?> _waiting = new();
    private CancellationTokenSource _added = new();
    private bool _closed;

    /// <summary>Adds a shot.</summary>
    /// <returns>False when too many wait already, or when the queue is closed.</returns>
    public bool TryAdd(string? requestId)
    {
        lock (_lock)
        {
            if (_closed || _waiting.Count >= countMax)
            {
                return false;
            }

            _waiting.Enqueue(requestId);
            _added.Cancel();
            return true;
        }
    }

    /// <summary>Waits for a shot until <paramref name="untilBootNs"/> or <paramref name="stop"/>.</summary>
    public bool Wait(IClock clock, long untilBootNs, CancellationToken stop, out string? requestId)
    {
        while (!stop.IsCancellationRequested)
        {
            CancellationToken added;
            lock (_lock)
            {
                if (_waiting.TryDequeue(out requestId))
                {
                    return true;
                }

                if (_closed)
                {
                    break;
                }

                if (_added.IsCancellationRequested)
                {
                    _added.Dispose();
                    _added = new CancellationTokenSource();
                }

                added = _added.Token;
            }

            using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, added);
            if (clock.WaitUntil(untilBootNs, either.Token))
            {
                break;
            }
        }

        requestId = null;
        return false;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            _closed = true;
            _waiting.Clear();
            _added.Cancel();
        }
    }
}
