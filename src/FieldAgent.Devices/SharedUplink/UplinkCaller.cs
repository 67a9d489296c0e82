using System.Net.Sockets;
using System.Text;
using FieldAgent.Core;

namespace FieldAgent.Devices;

/// <summary>One connected program: first it says who it is, then it hands rows over. One thread.</summary>
internal sealed class UplinkCaller(Socket socket, SensorSetup setup, IReadOnlyList<UplinkSource> sources, ISensorHost host) : IDisposable
{
    private readonly byte[] _buffer = new byte[SharedUplinkLimits.LineBytesMax];
    private readonly long _helloUntilNs = host.Clock.BootNs + SharedUplinkLimits.HelloWithin.ToNs();
    private SampleWriter? _writer;
    private double[] _values = [];
    private int _length;
    private bool _introduced;

    /// <summary>The connection.</summary>
    public Socket Socket { get; } = socket;

    /// <summary>Source tag; null before it was admitted.</summary>
    public string? SourceName { get; private set; }

    /// <summary>True when a whole line waits in the buffer.</summary>
    public bool HasLine => _buffer.AsSpan(0, _length).Contains((byte)'\n');

    /// <summary>True once after it was admitted.</summary>
    public bool TakeIntroduced()
    {
        var introduced = _introduced;
        _introduced = false;
        return introduced;
    }

    /// <summary>False when it has not said who it is in time.</summary>
    public bool IsInTime(long nowNs) => _writer is not null || nowNs < _helloUntilNs;

    /// <summary>Takes what has come, a turn's worth.</summary>
    /// <returns>False when the connection is to be closed.</returns>
    public bool Read(CancellationToken stop)
    {
        try
        {
            if (!HasLine)
            {
                var n = Socket.Receive(_buffer.AsSpan(_length), SocketFlags.None);
                if (n == 0)
                {
                    return false;
                }

                _length += n;
            }

            for (var lines = 0; lines < SharedUplinkLimits.LinesATurn; lines++)
            {
                var end = _buffer.AsSpan(0, _length).IndexOf((byte)'\n');
                if (end < 0)
                {
                    return _length < _buffer.Length || Refuse("overlong", "a line has more than 4096 bytes");
                }

                var goesOn = Take(_buffer.AsMemory(0, end), stop);
                _buffer.AsSpan(end + 1, _length - end - 1).CopyTo(_buffer);
                _length -= end + 1;
                if (!goesOn)
                {
                    return false;
                }
            }

            return true;
        }
        catch (SocketException)
        {
            host.Skipped("broken-call");
            return false;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _buffer.AsSpan().Clear();
        Socket.Dispose();
    }

    private bool Take(ReadOnlyMemory<byte> line, CancellationToken stop)
    {
        if (_writer is null)
        {
            return Introduce(line);
        }

        if (!UplinkLines.TryRow(line.Span, _values, out var present, out var ageNs))
        {
            // One bad row is no reason to lose the good ones behind it.
            host.Skipped("malformed");
            Answer($"a row must be {{\"values\": [{_values.Length} numbers or null]}}, with \"ageMs\" from 0 to one day at most");
            return true;
        }

        // Blocks while the store does not keep up: nothing more is read, and the program waits.
        return _writer.Write(Math.Max(0, host.Clock.BootNs - ageNs), _values, stop, present);
    }

    private bool Introduce(ReadOnlyMemory<byte> line)
    {
        if (UplinkLines.Hello(line, out var why) is not { } hello)
        {
            return Refuse("malformed", why);
        }

        var source = sources.FirstOrDefault(s => s.Name == hello.Source);
        why = source is null ? "this user may not speak for that source" : UplinkPeer.Of(Socket).WhyNot(source, setup) ?? "";
        if (why.Length > 0)
        {
            return Refuse("refused-caller", why);
        }

        _writer = host.Declare(new StreamSet($"{setup.Name}.{source!.Name}", source.Field, hello.Streams));
        _values = new double[hello.Streams.Length];
        SourceName = source.Name;
        _introduced = true;
        Answer(null);
        return true;
    }

    private bool Refuse(string reason, string why)
    {
        host.Skipped(reason);
        Answer(why);
        return false;
    }

    private void Answer(string? error)
    {
        var text = error is null ? "{\"ok\":true}\n" : $"{{\"ok\":false,\"error\":\"{error.Replace("\"", "\\\"", StringComparison.Ordinal)}\"}}\n";
        // A program that does not read its answers must not hold up the others.
        Socket.Blocking = false;
        try
        {
            Socket.Send(Encoding.UTF8.GetBytes(text), SocketFlags.None, out _);
        }
        finally
        {
            Socket.Blocking = true;
        }
    }
}
