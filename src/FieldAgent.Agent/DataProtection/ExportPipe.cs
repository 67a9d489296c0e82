using FieldAgent.Privacy;

namespace FieldAgent.Agent.DataProtection;

/// <summary>Hands what one thread writes on to callers who fetch it piece by piece; never holds more than a few pieces. When nobody
/// fetches for a minute, writing fails and the writer ends.</summary>
internal sealed class ExportPipe : WriteOnlyStream
{
    /// <summary>Bytes that one fetch gets at most.</summary>
    public const int PieceBytes = 1 << 20;

    private const int PiecesMax = 4;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly object _gate = new();
    private readonly Queue<byte[]> _pieces = new();
    private readonly byte[] _piece = new byte[PieceBytes];
    private int _used;
    private bool _ended;
    private volatile bool _abandoned;
    private string _trouble = "";

    /// <summary>The next piece; empty at the end. Waits a few seconds at most.</summary>
    /// <returns>Null when none is there yet: fetch again.</returns>
    /// <exception cref="IOException">The writer failed: what was fetched is no export.</exception>
    public byte[]? Fetch()
    {
        lock (_gate)
        {
            if (_pieces.Count == 0 && !_ended)
            {
                Monitor.Wait(_gate, TimeSpan.FromSeconds(5));
            }

            if (_trouble.Length > 0)
            {
                throw new IOException(_trouble);
            }

            if (_pieces.TryDequeue(out var piece))
            {
                Monitor.PulseAll(_gate);
                return piece;
            }

            return _ended ? [] : null;
        }
    }

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (buffer.Length > 0)
        {
            if (_abandoned)
            {
                throw Abandoned();
            }

            var count = Math.Min(buffer.Length, PieceBytes - _used);
            buffer[..count].CopyTo(_piece.AsSpan(_used));
            _used += count;
            buffer = buffer[count..];
            if (_used == PieceBytes)
            {
                Hand();
            }
        }
    }

    /// <summary>The writer is done, or has failed for the reason given.</summary>
    public void End(string trouble)
    {
        if (trouble.Length == 0 && _used > 0)
        {
            Hand();
        }

        lock (_gate)
        {
            _ended = true;
            _trouble = trouble;
            Array.Clear(_piece);
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Nobody fetches any more: the writer's next write fails.</summary>
    public void Abandon()
    {
        lock (_gate)
        {
            _abandoned = true;
            _pieces.Clear();
            Monitor.PulseAll(_gate);
        }
    }

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    private static IOException Abandoned() => new("nobody fetches the export any more");

    private void Hand()
    {
        lock (_gate)
        {
            while (_pieces.Count >= PiecesMax && !_abandoned)
            {
                if (!Monitor.Wait(_gate, Patience))
                {
                    _abandoned = true;
                }
            }

            if (_abandoned)
            {
                throw Abandoned();
            }

            _pieces.Enqueue(_piece.AsSpan(0, _used).ToArray());
            _used = 0;
            Monitor.PulseAll(_gate);
        }
    }
}
