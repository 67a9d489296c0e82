using System.Runtime.InteropServices;
using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <content>Waiting, reading and writing.</content>
internal sealed partial class MosquittoLink
{
    private long _eventCount;
    private bool _readAgain;

    /// <summary>One round: waits at most <paramref name="timeoutMs"/>, then reads, writes and keeps alive.</summary>
    /// <returns>True when there was something to do, or a wake.</returns>
    private unsafe bool Pump(int timeoutMs, bool canWake)
    {
        var mosq = _handle!.Mosq;
        var socket = LibMosquitto.mosquitto_socket(mosq);
        if (socket < 0)
        {
            _session.Fail(MqttReasons.FromLibrary(LibMosquitto.NoConnection, 0, _session.Broker));
            return true;
        }

        Uncork();
        var descriptors = stackalloc LinuxWait.PollFd[2];
        var wantsWrite = LibMosquitto.mosquitto_want_write(mosq) != 0;
        descriptors[0] = new LinuxWait.PollFd
        {
            Descriptor = socket,
            Events = wantsWrite ? (short)(LinuxWait.PollIn | LinuxWait.PollOut) : LinuxWait.PollIn,
        };
        // What waits for one answer keeps the wake for the next poll, and is ended by a stop alone.
        var wake = canWake ? _wake : _cancelWake;
        descriptors[1] = new LinuxWait.PollFd { Descriptor = wake.Descriptor, Events = LinuxWait.PollIn };
        var ready = LinuxWait.Poll(descriptors, 2u, timeoutMs);
        var isWoken = ready > 0 && descriptors[1].Returned != 0;
        if (isWoken)
        {
            wake.Clear();
        }

        // An interrupted poll (-1) counts as nothing to do.
        var returned = ready > 0 ? descriptors[0].Returned : (short)0;
        if (returned != 0 || _readAgain)
        {
            // During the TLS handshake the library goes on only when it is asked to read, also when it waits to write.
            Read();
            NoticeEndlessHangUp(returned);

            // While connecting, only what the poll above was asked for: when the handshake has just ended, the broker's refusal of
            // a certificate may be here already, and is read before a write would find the connection reset.
            if (!_session.HasFault && (wantsWrite || _session.State == LinkState.Up))
            {
                Write();
            }
        }

        if (_session.IsUp)
        {
            KeepAlive();
        }

        return isWoken || returned != 0;
    }

    private void Read()
    {
        _readAgain = false;
        var rounds = 0;
        long before;
        do
        {
            before = _eventCount;
            var result = Enter(LibMosquitto.mosquitto_loop_read);
            if (result != LibMosquitto.Success)
            {
                _session.Fail(MqttReasons.FromLibrary(result, Marshal.GetLastPInvokeError(), _session.Broker));
                return;
            }

            // OpenSSL may hold bytes that the kernel has no more, and the library stops early when a write within it would block.
            _readAgain = _isTls && _eventCount != before && LibMosquitto.mosquitto_socket(_handle!.Mosq) >= 0;
        }
        while (_readAgain && ++rounds < _limits.ReadRoundsMax);
    }

    private void Write()
    {
        if (LibMosquitto.mosquitto_want_write(_handle!.Mosq) == 0)
        {
            return;
        }

        var result = Enter(LibMosquitto.mosquitto_loop_write);
        if (result != LibMosquitto.Success)
        {
            _session.Fail(MqttReasons.FromLibrary(result, Marshal.GetLastPInvokeError(), _session.Broker));
        }
    }

    private void KeepAlive()
    {
        _session.IsInside = true;
        var result = LibMosquitto.mosquitto_loop_misc(_handle!.Mosq);
        _session.IsInside = false;
        if (result != LibMosquitto.Success)
        {
            _session.Fail(MqttReasons.FromLibrary(result, Marshal.GetLastPInvokeError(), _session.Broker));
        }
    }

    private int Enter(Func<nint, int, int> call)
    {
        // One packet at least; the library itself reads as many as there are messages under way.
        _session.IsInside = true;
        var result = call(_handle!.Mosq, 1);
        _session.IsInside = false;
        return result;
    }

    private void NoticeEndlessHangUp(short returned)
    {
        // A TLS handshake that the other side resets is no error to the library: it would be read for ever.
        const int Patience = 16;
        var isBroken = (returned & (LinuxWait.PollError | LinuxWait.PollHangUp | LinuxWait.PollInvalid)) != 0;
        _hangUps = isBroken && _session.State == LinkState.Connecting ? _hangUps + 1 : 0;
        if (_hangUps > Patience)
        {
            _session.Fail(MqttReasons.FromLibrary(LibMosquitto.Errno, 104, _session.Broker));
        }
    }

    private int _hangUps;

    private bool TellDeferred()
    {
        var told = false;
        while (!_deferred.IsEmpty && !_session.IsDisposed)
        {
            told = true;
            _deferred.TellNext(_session.Events);
        }

        return told;
    }

    private unsafe void WaitForWake(Deadline deadline)
    {
        var descriptor = new LinuxWait.PollFd { Descriptor = _wake.Descriptor, Events = LinuxWait.PollIn };
        if (LinuxWait.Poll(&descriptor, 1, deadline.LeftMs) > 0)
        {
            _wake.Clear();
        }
    }

    unsafe void ILinkCarrier.SayGoodbye()
    {
        // What has arrived is taken from the socket first: closing one with unread bytes is a reset, and the broker would see that
        // before the DISCONNECT, and send the will.
        _isDeferring = true;
        Pump(0, canWake: false);
        if (_session.HasFault || LibMosquitto.mosquitto_disconnect_v5(_handle!.Mosq, 0, 0) != LibMosquitto.Success)
        {
            return;
        }

        var deadline = Deadline.After(_limits.GoodbyeTimeout);
        while (!_session.HasFault && LibMosquitto.mosquitto_socket(_handle.Mosq) is var socket and >= 0 && deadline.LeftMs is var left and > 0)
        {
            var descriptor = new LinuxWait.PollFd { Descriptor = socket, Events = LinuxWait.PollOut };
            _ = LinuxWait.Poll(&descriptor, 1, left);
            Write();
        }
    }
}
