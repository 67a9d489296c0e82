using MQTTnet.Packets;

namespace FieldAgent.Delivery;

/// <summary>Packets between the task that reads the connection and the link's owner: bounded by bytes, so that a broker which sends
/// faster than the owner works is held back by TCP itself.</summary>
/// <param name="bytesMax">Above this the reading task waits.</param>
internal sealed class PacketInbox(int bytesMax)
{
    private const int PacketOverheadBytes = 128;

    private readonly object _gate = new();
    private readonly Queue<MqttPacket> _packets = new();
    private TaskCompletionSource? _room;
    private long _bytes;
    private bool _isWoken;
    private bool _isCancelled;
    private bool _isEnded;
    private bool _isDiscarding;

    /// <summary>True when no more packets come: the connection is closed or broken. Those before it can still be taken.</summary>
    public bool IsEnded
    {
        get
        {
            lock (_gate)
            {
                return _isEnded;
            }
        }
    }

    /// <summary>True when the owner is stopping.</summary>
    public bool IsCancelled
    {
        get
        {
            lock (_gate)
            {
                return _isCancelled;
            }
        }
    }

    /// <summary>What the connection broke with; null when the broker closed it.</summary>
    public Exception? Cause { get; private set; }

    /// <summary>What a packet counts as.</summary>
    public static int BytesOf(MqttPacket packet) =>
        PacketOverheadBytes + (packet is MqttPublishPacket publish
            ? (int)publish.Payload.Length + (publish.CorrelationData?.Length ?? 0) + publish.Topic.Length
            : 0);

    /// <summary>Adds a packet. The reading task.</summary>
    /// <returns>Completes when there is room for the next.</returns>
    public Task AddAsync(MqttPacket packet)
    {
        lock (_gate)
        {
            if (_isDiscarding)
            {
                return Task.CompletedTask;
            }

            _packets.Enqueue(packet);
            _bytes += BytesOf(packet);
            Monitor.PulseAll(_gate);
            if (_bytes <= bytesMax)
            {
                return Task.CompletedTask;
            }

            _room = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _room.Task;
        }
    }

    /// <summary>No more comes. The first cause counts. Any thread.</summary>
    public void End(Exception? cause)
    {
        lock (_gate)
        {
            if (!_isEnded)
            {
                _isEnded = true;
                Cause = cause;
                Monitor.PulseAll(_gate);
            }
        }
    }

    /// <summary>Forgets what is here and what still comes, so that the reading task reaches the end.</summary>
    public void Discard()
    {
        lock (_gate)
        {
            _isDiscarding = true;
            _packets.Clear();
            _bytes = 0;
            _room?.TrySetResult();
        }
    }

    /// <summary>Takes the oldest packet. The owner.</summary>
    public bool TryTake(out MqttPacket packet)
    {
        lock (_gate)
        {
            if (!_packets.TryDequeue(out packet!))
            {
                return false;
            }

            _bytes -= BytesOf(packet);
            if (_bytes <= bytesMax / 2)
            {
                _room?.TrySetResult();
            }

            return true;
        }
    }

    /// <summary>Waits for a packet, the end, or what else ends a wait. The owner.</summary>
    /// <param name="timeoutMs">Longest wait.</param>
    /// <param name="canWake">True: <see cref="Wake"/> ends it, and is taken back. False: only a stop does.</param>
    /// <param name="wakeOnly">True: packets and the end do not end it.</param>
    /// <returns>True when it was woken or stopped.</returns>
    public bool Wait(int timeoutMs, bool canWake, bool wakeOnly = false)
    {
        var deadline = Deadline.After(TimeSpan.FromMilliseconds(timeoutMs));
        lock (_gate)
        {
            while (true)
            {
                if (canWake ? _isWoken : _isCancelled)
                {
                    _isWoken = _isWoken && !canWake;
                    return true;
                }

                var left = deadline.LeftMs;
                if ((!wakeOnly && (_packets.Count > 0 || _isEnded)) || left == 0)
                {
                    return false;
                }

                Monitor.Wait(_gate, left);
            }
        }
    }

    /// <summary>Waits for the end alone; packets are left.</summary>
    public void WaitForEnd(Deadline deadline)
    {
        lock (_gate)
        {
            while (!_isEnded && deadline.LeftMs is var left and > 0)
            {
                Monitor.Wait(_gate, left);
            }
        }
    }

    /// <summary>Ends a wait that can be woken. Any thread.</summary>
    public void Wake() => Set(cancels: false);

    /// <summary>Ends every wait from now on. Any thread.</summary>
    public void Cancel() => Set(cancels: true);

    private void Set(bool cancels)
    {
        lock (_gate)
        {
            _isWoken = true;
            _isCancelled |= cancels;
            Monitor.PulseAll(_gate);
        }
    }
}
