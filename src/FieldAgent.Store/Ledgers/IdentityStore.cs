using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using FieldAgent.Core;
using FieldAgent.Store.Files;
using FieldAgent.Store.Spooling;

namespace FieldAgent.Store.Ledgers;

/// <summary>The epoch of the identity, and all in the store that must not go on over a change of it. Thread-safe.</summary>
/// <remarks>The identity's file is the point at which an epoch begins. Before it the bases of the next epoch and the farewells of the
/// present one are noted; what a power cut leaves of either side is put right at the next start.</remarks>
internal sealed class IdentityStore : IIdentityStore
{
    private const string Bases = "identity/bases/";
    private const string Used = "identity/used/";
    private const string Goodbye = "identity/farewell/";

    private readonly StoreContext _context;
    private readonly SealedValues _values;
    private readonly Spool _spool;
    private readonly IConsentLedger _consents;
    private readonly CommandLedger _commands;
    private readonly OutboxLedger _outbox;

    public IdentityStore(
        StoreContext context, SealedValues values, Spool spool, IConsentLedger consents, CommandLedger commands, OutboxLedger outbox)
    {
        _context = context;
        _values = values;
        _spool = spool;
        _consents = consents;
        _commands = commands;
        _outbox = outbox;
        PutRight(alsoNewGaps: false);
    }

    /// <inheritdoc/>
    public int Epoch => _context.Identity.Epoch;

    /// <inheritdoc/>
    public bool IsUsed => _values.Names(Used + Number(Epoch) + "/").Count > 0;

    /// <inheritdoc/>
    public IReadOnlyList<Farewell> Farewells =>
        [.. _values.Names(Goodbye).Select(static name => name[Goodbye.Length..].Split('/', 2))
            .Select(parts => new Farewell(
                parts[1], int.Parse(parts[0], CultureInfo.InvariantCulture),
                Encoding.UTF8.GetString(_values.Get($"{Goodbye}{parts[0]}/{parts[1]}") ?? [])))
            .Where(farewell => farewell.Epoch < Epoch)];

    /// <summary>What numbers outside count from in the present epoch.</summary>
    public static NumberBases BasesOf(SealedValues values, int epoch) =>
        values.Get(Bases + Number(epoch)) is { } bytes ? ReadBases(bytes) : NumberBases.None;

    /// <inheritdoc/>
    public void Using(string recipient, string name)
    {
        if (NameUsedAt(recipient) != name)
        {
            _values.Set($"{Used}{Number(Epoch)}/{recipient}", Encoding.UTF8.GetBytes(name));
        }
    }

    /// <inheritdoc/>
    public string? NameUsedAt(string recipient) =>
        _values.Get($"{Used}{Number(Epoch)}/{recipient}") is { } name ? Encoding.UTF8.GetString(name) : null;

    /// <inheritdoc/>
    public long Rotate(bool erase)
    {
        lock (_context.WriteLock)
        {
            var erased = erase ? _spool.EraseAll() : 0;
            var consents = _consents.All();
            var bases = _spool.BasesFromHere(consents.Count == 0 ? 0 : consents[^1].Id, mayWait: erase);
            var old = Epoch;
            foreach (var name in _values.Names(Used + Number(old) + "/"))
            {
                _values.Set(Goodbye + name[Used.Length..], _values.Get(name) ?? []);
            }

            _values.Set(Bases + Number(old + 1), WriteBases(bases));
            var content = _context.Identity.ContentOfNextEpoch();
            try
            {
                StateFolder.WriteAtomically(_context.Folder.Identity, content);
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                throw Faults.From(fault, $"identity {_context.Folder.Identity}");
            }

            _context.Identity.BeginNextEpoch(content);
            _spool.Bases = bases;
            try
            {
                _context.Database.SetMeta("identity", content);
                PutRight(alsoNewGaps: true);
            }
            catch (StoreFault)
            {
                // the new epoch stands; the next start tidies up
                _context.Counters.Add("store.rotation-untidy");
            }

            return erased;
        }
    }

    /// <inheritdoc/>
    public void Said(Farewell farewell) => _values.Remove($"{Goodbye}{Number(farewell.Epoch)}/{farewell.Recipient}");

    // Nothing of another epoch is kept but the farewells of earlier ones.
    private void PutRight(bool alsoNewGaps)
    {
        var epoch = Number(Epoch);
        foreach (var name in _values.Names(Bases).Where(name => name != Bases + epoch)
            .Concat(_values.Names(Used).Where(name => !name.StartsWith($"{Used}{epoch}/", StringComparison.Ordinal)))
            .Concat(_values.Names(Goodbye).Where(name => name.StartsWith($"{Goodbye}{epoch}/", StringComparison.Ordinal))))
        {
            _values.Remove(name);
        }

        _outbox.BeginEpoch(Epoch);
        _spool.ForgetOldGaps(alsoNewGaps);
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, Epoch);
        var known = _context.Database.GetMeta("commands-epoch");
        if (known is null ? Epoch > 0 : !known.AsSpan().SequenceEqual(bytes))
        {
            // whoever knows an old id must not learn from the answer that the board knows it too
            _commands.Clear();

            // a recipient is told of the board's facts under the new name
            _context.Write(static writer => writer.Execute("DELETE FROM facts_told"));
            _context.Database.SetMeta("commands-epoch", bytes);
        }
    }

    private static string Number(int epoch) => epoch.ToString(CultureInfo.InvariantCulture);

    private static byte[] WriteBases(NumberBases bases)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{bases.Items}\n{bases.Consents}\n");
        foreach (var (function, sequence) in bases.Sequences)
        {
            text.Append(CultureInfo.InvariantCulture, $"{function}\t{sequence}\n");
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static NumberBases ReadBases(byte[] bytes)
    {
        var lines = Encoding.UTF8.GetString(bytes).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return new NumberBases(
            long.Parse(lines[0], CultureInfo.InvariantCulture),
            long.Parse(lines[1], CultureInfo.InvariantCulture),
            lines.Skip(2).Select(static line => line.Split('\t'))
                .ToDictionary(static p => p[0], static p => long.Parse(p[1], CultureInfo.InvariantCulture), StringComparer.Ordinal));
    }
}
