using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <summary>What the courier's thread does, for others to look at. Written by one thread, read by any.</summary>
internal sealed class CourierStatus(string recipient, IClock clock)
{
    private long _acknowledged;
    private long _retryAtNs;
    private int _inFlight;
    private int _connects;
    private volatile string _phase = "connecting";
    private volatile string _detail = "";
    private volatile string _version = "";

    public string Phase
    {
        get => _phase;
        set => _phase = value;
    }

    public string Detail
    {
        get => _detail;
        set => _detail = value;
    }

    public string Version
    {
        set => _version = value;
    }

    public int InFlight
    {
        set => Volatile.Write(ref _inFlight, value);
    }

    public long RetryAtNs
    {
        set => Volatile.Write(ref _retryAtNs, value);
    }

    public void CountAcknowledged() => Volatile.Write(ref _acknowledged, _acknowledged + 1);

    public void CountConnect() => Volatile.Write(ref _connects, _connects + 1);

    public CourierState Snapshot()
    {
        var retryAt = Volatile.Read(ref _retryAtNs);
        var seconds = retryAt == 0 ? 0 : Math.Max(0, retryAt - clock.BootNs) / 1e9;
        return new CourierState(
            recipient, _phase, _detail, seconds, Volatile.Read(ref _acknowledged), Volatile.Read(ref _inFlight), Volatile.Read(ref _connects),
            _version);
    }
}
