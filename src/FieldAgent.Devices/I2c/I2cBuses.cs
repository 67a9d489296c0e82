namespace FieldAgent.Devices.I2c;

/// <summary>The buses in use: each is opened once, however many chips on it are read. Thread-safe.</summary>
/// <param name="open">Makes the bus of a path; opens nothing yet.</param>
internal sealed class I2cBuses(Func<string, II2cBus> open)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, I2cBusOwner> _owners = new(StringComparer.Ordinal);

    /// <summary>The board's buses.</summary>
    public static I2cBuses Linux { get; } = new(DeviceStack.OpenI2c);

    /// <summary>Joins the users of a bus; to be disposed once. Links to one bus lead to one owner.</summary>
    public I2cBusOwner Take(string path)
    {
        path = Resolve(path);
        lock (_lock)
        {
            if (!_owners.TryGetValue(path, out var owner))
            {
                _owners[path] = owner = new I2cBusOwner(this, path, open(path));
            }

            owner.Users++;
            return owner;
        }
    }

    private static string Resolve(string path)
    {
        try
        {
            return File.Exists(path) ? new FileInfo(path).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? path : path;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Opening it will say what is wrong.
            return path;
        }
    }

    internal void Leave(I2cBusOwner owner)
    {
        lock (_lock)
        {
            if (--owner.Users == 0)
            {
                _owners.Remove(owner.Path);
                owner.Close();
            }
        }
    }
}

/// <summary>The one owner of a bus: its users take turns, transaction by transaction; users of one chip take turns, poll by poll, so that
/// nobody comes between a command and its answer. Nobody waits longer than <see cref="TurnMs"/>. Any thread.</summary>
internal sealed class I2cBusOwner : IDisposable
{
    /// <summary>Longest wait for one's turn, ms: a hanging transaction ends by the adapter's time-out, a second as a rule.</summary>
    public const int TurnMs = 3_000;

    private readonly I2cBuses _buses;
    private readonly II2cBus _bus;
    private readonly Lock _turn = new();
    private readonly Lock[] _chips = new Lock[128];

    internal I2cBusOwner(I2cBuses buses, string path, II2cBus bus)
    {
        _buses = buses;
        _bus = bus;
        Path = path;
        for (var i = 0; i < _chips.Length; i++)
        {
            _chips[i] = new Lock();
        }
    }

    /// <summary>Its path.</summary>
    public string Path { get; }

    /// <summary>Its name, for messages.</summary>
    public string Name => _bus.Name;

    internal int Users { get; set; }

    /// <summary>One transaction, in turn.</summary>
    /// <returns>How it ended; Busy when the turn did not come.</returns>
    public I2cOutcome Transfer(byte address, ReadOnlySpan<byte> write, Span<byte> read)
    {
        if (!_turn.TryEnter(TurnMs))
        {
            return I2cOutcome.Busy;
        }

        try
        {
            return _bus.Transfer(address, write, read);
        }
        finally
        {
            _turn.Exit();
        }
    }

    /// <summary>Begins a sequence with a chip; <see cref="EndSequence"/> ends it on the same thread.</summary>
    /// <returns>False when the turn did not come.</returns>
    public bool TryBeginSequence(byte address) => _chips[address & 0x7f].TryEnter(TurnMs);

    /// <summary>Ends the sequence.</summary>
    public void EndSequence(byte address) => _chips[address & 0x7f].Exit();

    /// <inheritdoc/>
    public void Dispose() => _buses.Leave(this);

    internal void Close() => _bus.Dispose();
}
