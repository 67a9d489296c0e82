using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace FieldAgent.Delivery;

/// <summary>Runs <c>mosquitto_connect_bind_v5</c>, which resolves and connects without a time-out, on a thread of its own, so that
/// the owner waits only until its deadline. One thread has the handle at any time: after a time-out it is this one, and it destroys
/// the handle when the kernel lets go of the connect (about two minutes).</summary>
[SuppressMessage("Reliability", "CA1001", Justification = "the event may be set after the caller has gone; without WaitHandle it holds nothing")]
internal sealed class BlockingConnect
{
    private const int Waiting = 0;
    private const int Finished = 1;
    private const int Abandoned = 2;

    private readonly ManualResetEventSlim _done = new(false);
    private readonly MosquittoHandle _handle;
    private int _state;
    private int _result;
    private int _errno;

    private BlockingConnect(MosquittoHandle handle) => _handle = handle;

    /// <summary>Connects within the time left.</summary>
    /// <param name="handle">The handle; no longer the caller's when this returns false.</param>
    /// <param name="host">Host name or address, in the certificate too.</param>
    /// <param name="port">TCP port.</param>
    /// <param name="keepAliveSeconds">Keep-alive in seconds.</param>
    /// <param name="bindAddress">Local address that fixes the family, or null.</param>
    /// <param name="deadline">When the caller goes on without it.</param>
    /// <param name="cancel">The same, early.</param>
    /// <param name="result">libmosquitto's return code.</param>
    /// <param name="errno">The thread's errno with it.</param>
    /// <returns>False when the time was up, or <paramref name="cancel"/> set, first.</returns>
    public static bool Run(
        MosquittoHandle handle, string host, int port, int keepAliveSeconds, string? bindAddress, Deadline deadline,
        CancellationToken cancel, out int result, out int errno)
    {
        var connect = new BlockingConnect(handle);
        var thread = new Thread(() => connect.Work(host, port, keepAliveSeconds, bindAddress))
        {
            IsBackground = true,
            Name = "mqtt-connect",
        };
        thread.Start();
        var inTime = connect.AwaitDone(deadline, cancel)
            || Interlocked.CompareExchange(ref connect._state, Abandoned, Waiting) == Finished;
        result = connect._result;
        errno = connect._errno;
        return inTime;
    }

    private bool AwaitDone(Deadline deadline, CancellationToken cancel)
    {
        try
        {
            return _done.Wait(deadline.LeftMs, cancel);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private void Work(string host, int port, int keepAliveSeconds, string? bindAddress)
    {
        _result = LibMosquitto.mosquitto_connect_bind_v5(
            _handle.Mosq, host, port, keepAliveSeconds, bindAddress, _handle.ConnectProperties);
        _errno = Marshal.GetLastPInvokeError();
        if (Interlocked.CompareExchange(ref _state, Finished, Waiting) == Waiting)
        {
            _done.Set();
        }
        else
        {
            _handle.Dispose();
        }
    }
}
