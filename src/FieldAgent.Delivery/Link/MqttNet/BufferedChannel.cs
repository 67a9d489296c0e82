using System.Buffers;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using MQTTnet.Channel;
using MQTTnet.Exceptions;

namespace FieldAgent.Delivery;

/// <summary>MQTTnet's TCP or TLS channel with buffers in front of it. Reading: one call of the system for many packets, and a packet larger
/// than allowed is refused before MQTTnet makes room for it. Writing never waits: it collects, and <see cref="Flush"/> sends; what collects is
/// bounded by the window of unacknowledged messages.</summary>
/// <param name="inner">The connection.</param>
/// <param name="packetBytesMax">Largest packet that is let in.</param>
internal sealed class BufferedChannel(IMqttChannel inner, int packetBytesMax) : IMqttChannel
{
    private const int BufferBytes = 16 * 1024;

    private readonly byte[] _input = new byte[BufferBytes];
    private readonly Lock _gate = new();
    private int _inputAt;
    private int _inputCount;
    private PacketLength _length = new(packetBytesMax);

    private ArrayBufferWriter<byte> _pending = new(BufferBytes);
    private ArrayBufferWriter<byte> _sending = new(BufferBytes);
    private Task _flush = Task.CompletedTask;
    private Exception? _writeFault;

    /// <summary>The first exception of the connection: MQTTnet does not pass all of them on.</summary>
    public Exception? Broken { get; private set; }

    /// <inheritdoc/>
    public X509Certificate2 ClientCertificate => inner.ClientCertificate;

    /// <inheritdoc/>
    public EndPoint RemoteEndPoint => inner.RemoteEndPoint;

    /// <inheritdoc/>
    public EndPoint LocalEndPoint => inner.LocalEndPoint;

    /// <inheritdoc/>
    public bool IsSecureConnection => inner.IsSecureConnection;

    /// <inheritdoc/>
    public Task ConnectAsync(CancellationToken cancellationToken) => inner.ConnectAsync(cancellationToken);

    /// <inheritdoc/>
    public Task DisconnectAsync(CancellationToken cancellationToken) => inner.DisconnectAsync(cancellationToken);

    /// <inheritdoc/>
    public async Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        if (_inputCount == 0)
        {
            try
            {
                _inputAt = 0;
                _inputCount = await inner.ReadAsync(_input, 0, _input.Length, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                Broken ??= e;
                throw;
            }
        }

        var taken = Math.Min(count, _inputCount);
        var bytes = _input.AsSpan(_inputAt, taken);
        _length.Pass(bytes);
        bytes.CopyTo(buffer.AsSpan(offset));
        _inputAt += taken;
        _inputCount -= taken;
        return taken;
    }

    /// <inheritdoc/>
    public Task WriteAsync(ReadOnlySequence<byte> buffer, bool isEndOfPacket, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_writeFault is { } fault)
            {
                throw new MqttCommunicationException(fault);
            }

            foreach (var part in buffer)
            {
                _pending.Write(part.Span);
            }
        }

        return Task.CompletedTask;
    }

    /// <summary>Sends what was written, as far as the system takes it now; the rest follows by itself.</summary>
    public void Flush()
    {
        lock (_gate)
        {
            if (_flush.IsCompleted && _writeFault is null && _pending.WrittenCount > 0)
            {
                Swap();
                _flush = SendAsync();
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => inner.Dispose();

    private void Swap() => (_pending, _sending) = (_sending, _pending);

    private async Task SendAsync()
    {
        try
        {
            while (true)
            {
                await inner.WriteAsync(new ReadOnlySequence<byte>(_sending.WrittenMemory), true, CancellationToken.None).ConfigureAwait(false);
                lock (_gate)
                {
                    Empty(ref _sending);
                    if (_pending.WrittenCount == 0)
                    {
                        return;
                    }

                    Swap();
                }
            }
        }
        catch (Exception e)
        {
            // The reading task finds the same end, and tells the owner.
            lock (_gate)
            {
                Broken ??= e;
                _writeFault = e;
            }
        }
    }

    private static void Empty(ref ArrayBufferWriter<byte> writer)
    {
        // A photograph's chunk makes it large; it need not stay so.
        const int KeptBytes = 256 * 1024;
        if (writer.Capacity > KeptBytes)
        {
            writer = new ArrayBufferWriter<byte>(BufferBytes);
        }
        else
        {
            writer.ResetWrittenCount();
        }
    }

    /// <summary>Follows the lengths of the packets that pass (MQTT 5, section 2.1.4).</summary>
    private struct PacketLength(int bytesMax)
    {
        private const byte More = 0x80;

        private long _left;
        private int _headerAt;

        public void Pass(ReadOnlySpan<byte> bytes)
        {
            var at = 0;
            while (at < bytes.Length)
            {
                if (_headerAt == 0 && _left > 0)
                {
                    var body = (int)Math.Min(_left, bytes.Length - at);
                    _left -= body;
                    at += body;
                    continue;
                }

                var value = bytes[at++];
                if (_headerAt++ == 0)
                {
                    _left = 0;
                    continue;
                }

                _left |= (long)(value & ~More & 0xff) << (7 * (_headerAt - 2));
                if ((value & More) == 0)
                {
                    _headerAt = 0;
                    if (_left > bytesMax)
                    {
                        throw new MqttProtocolViolationException($"a packet of {_left} bytes is larger than the {bytesMax} allowed");
                    }
                }
                else if (_headerAt > 4)
                {
                    throw new MqttProtocolViolationException("the length of a packet has more than four bytes");
                }
            }
        }
    }
}
