using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using FieldAgent.Core;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Spooling;

/// <summary>A rule's permit as items refer to it.</summary>
/// <param name="Id">Number of the row.</param>
/// <param name="FunctionId">Number of the function.</param>
/// <param name="Function">The function.</param>
/// <param name="Field">The field.</param>
/// <param name="Purpose">The purpose.</param>
/// <param name="PolicyVersion">The policy's version.</param>
/// <param name="ConsentId">The consent it rests on.</param>
/// <param name="Mask">Bits of its recipients when it was noted.</param>
/// <param name="Personal">True when copies in memory are to be wiped.</param>
/// <param name="Terms">What else the permit said.</param>
/// <param name="Context">All of it as bytes, which every item under it is sealed with.</param>
internal sealed record Ground(
    long Id, long FunctionId, string Function, string Field, string Purpose, string PolicyVersion, long ConsentId, uint Mask,
    bool Personal, GroundTerms Terms, byte[] Context);

/// <summary>The parts of a permit that only the row needs.</summary>
internal sealed record GroundTerms(LegalBasis Basis, Precision Precision, long TermNs, string PolicyHash);

/// <summary>A boot and what its boot-times are in wall time.</summary>
internal sealed record BootTime(long Id, Guid BootId, long WallOffsetNs, ClockQuality Quality);

/// <summary>Short numbers for the long things items refer to: functions, permits, sets, boots, recipients. Looking up is free of
/// locks and allocation; adding happens under the write lock and is written with the next transaction.</summary>
internal sealed class Catalogue
{
    private readonly ConcurrentDictionary<long, Ground> _grounds = new();
    private readonly ConcurrentDictionary<uint, StreamSet> _sets = new();
    private readonly ConcurrentDictionary<long, BootTime> _boots = new();
    private readonly Dictionary<string, Ground> _groundsByContent = new(StringComparer.Ordinal);
    private readonly Dictionary<Permit, Ground> _groundsByPermit = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<string, uint> _setsByContent = new(StringComparer.Ordinal);
    private readonly Dictionary<StreamSet, uint> _setsByObject = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<string, long> _functions = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _recipients = new(StringComparer.Ordinal);
    private readonly List<Action<Connection>> _unsaved = [];
    private readonly Lock _lock = new();
    private int _saving;

    // SQLite overwrites a row in place, and so writes one page of it, only when it stays as long as it was. It stores 2 to 127 in one byte,
    // 0 and 1 in none: with these bits first, what one of several recipients acknowledges makes no row shorter.
    private static readonly int[] s_bits = [.. Enumerable.Range(1, 6), 0, .. Enumerable.Range(7, 56)];

    // The look-up by object forgets everything beyond this: a gate that makes new objects all the time only costs time.
    private const int ObjectsMax = 4096;

    /// <summary>Bits of every configured recipient.</summary>
    public uint AllRecipients { get; private set; }

    /// <summary>A set by its number.</summary>
    public StreamSet? Set(uint id) => _sets.GetValueOrDefault(id);

    /// <summary>A permit by its number.</summary>
    public Ground? Ground(long id) => _grounds.GetValueOrDefault(id);

    /// <summary>A boot by its number.</summary>
    public BootTime? Boot(long id) => _boots.GetValueOrDefault(id);

    /// <summary>The bit of a recipient, or −1.</summary>
    public int Recipient(string name) => _recipients.GetValueOrDefault(name, -1);

    /// <summary>The shortest retention term there is, ns; <see cref="long.MaxValue"/> / 2 when there is none.</summary>
    public long ShortestTermNs() => _grounds.Values.Aggregate(long.MaxValue / 2, static (term, ground) => Math.Min(term, ground.Terms.TermNs));

    /// <summary>The recipients whose bits are set.</summary>
    public string[] RecipientsIn(uint bits) => bits == 0 ? [] : [.. _recipients.Where(r => (bits & (1u << r.Value)) != 0).Select(static r => r.Key)];

    /// <summary>The recipient with a bit; empty when there is none.</summary>
    public string RecipientWith(int bit) => _recipients.FirstOrDefault(recipient => recipient.Value == bit).Key ?? "";

    /// <summary>Numbers of the permits of one rule.</summary>
    public HashSet<long> Grounds(string function, string field) =>
        [.. _grounds.Values.Where(ground => ground.Function == function && ground.Field == field).Select(static ground => ground.Id)];

    /// <summary>All (function, field) that data was ever stored under.</summary>
    public List<(string Function, string Field)> Rules() =>
        [.. _grounds.Values.Select(static ground => (ground.Function, ground.Field)).Distinct()];

    /// <summary>Names and numbers of all functions.</summary>
    public IReadOnlyDictionary<string, long> Functions => _functions;

    /// <summary>The number of a permit, a new one where needed.</summary>
    public Ground Note(Permit permit)
    {
        using var held = _lock.EnterScope();
        if (_groundsByPermit.TryGetValue(permit, out var ground))
        {
            return ground;
        }

        uint mask = 0;
        foreach (var name in permit.Recipients)
        {
            mask |= _recipients.TryGetValue(name, out var bit) ? 1u << bit : 0;
        }

        var content = string.Create(CultureInfo.InvariantCulture,
            $"{permit.Function}\n{permit.Field}\n{permit.Purpose}\n{(int)permit.Basis}\n{(int)permit.Precision}\n{permit.Term.Ticks * 100}\n{permit.ConsentId}\n{permit.PolicyVersion}\n{permit.PolicyHash}\n{(permit.Personal ? 1 : 0)}");
        var key = string.Create(CultureInfo.InvariantCulture, $"{mask}\n{content}");
        if (!_groundsByContent.TryGetValue(key, out ground))
        {
            var id = _grounds.IsEmpty ? 1 : _grounds.Keys.Max() + 1;
            ground = new Ground(id, Function(permit.Function), permit.Function, permit.Field, permit.Purpose, permit.PolicyVersion,
                permit.ConsentId, mask, permit.Personal,
                new GroundTerms(permit.Basis, permit.Precision, permit.Term.Ticks * 100, permit.PolicyHash), Encoding.UTF8.GetBytes(content));
            Add(ground, key);
            _unsaved.Add(connection => Insert(connection, ground));
        }

        if (_groundsByPermit.Count >= ObjectsMax)
        {
            _groundsByPermit.Clear();
        }

        _groundsByPermit[permit] = ground;
        return ground;
    }

    /// <summary>The number of a set, a new one where needed.</summary>
    public uint Note(StreamSet set)
    {
        using var held = _lock.EnterScope();
        if (_setsByObject.TryGetValue(set, out var id))
        {
            return id;
        }

        var key = Key(set);
        if (!_setsByContent.TryGetValue(key, out id))
        {
            id = _sets.IsEmpty ? 1 : _sets.Keys.Max() + 1;
            _setsByContent.Add(key, id);
            _sets[id] = set;
            var number = id;
            _unsaved.Add(connection => Insert(connection, number, set));
        }

        if (_setsByObject.Count >= ObjectsMax)
        {
            _setsByObject.Clear();
        }

        _setsByObject[set] = id;
        return id;
    }

    /// <summary>The number of a boot, a new one where needed, with the best wall time known for it.</summary>
    public long Note(Guid bootId, long wallOffsetNs, ClockQuality quality)
    {
        using var held = _lock.EnterScope();
        var boot = _boots.Values.FirstOrDefault(known => known.BootId == bootId);
        if (boot is not null)
        {
            // steering by NTP moves the offset a little all the time: only a better source or a real step is worth a write
            var step = Math.Abs(wallOffsetNs - boot.WallOffsetNs);
            if (quality < boot.Quality || (quality == boot.Quality && step < 10_000_000))
            {
                return boot.Id;
            }
        }

        var id = boot?.Id ?? (_boots.IsEmpty ? 1 : _boots.Keys.Max() + 1);
        var noted = new BootTime(id, bootId, wallOffsetNs, quality);
        _boots[id] = noted;
        _unsaved.Add(connection => Insert(connection, noted));
        return id;
    }

    /// <summary>The number of a function, a new one where needed.</summary>
    public long Function(string name)
    {
        using var held = _lock.EnterScope();
        if (_functions.TryGetValue(name, out var id))
        {
            return id;
        }

        id = _functions.Count == 0 ? 1 : _functions.Values.Max() + 1;
        _functions.Add(name, id);
        _unsaved.Add(connection => Insert(connection, name, id));
        return id;
    }

    /// <summary>True when something waits to be written.</summary>
    public bool HasUnsaved => _unsaved.Count > 0;

    /// <summary>Rows that wait to be written, about.</summary>
    public int UnsavedCount => _unsaved.Count;

    /// <summary>Writes what is new, within the caller's transaction; <see cref="Saved"/> after its commit.</summary>
    public void Save(Connection connection)
    {
        using var held = _lock.EnterScope();
        _saving = _unsaved.Count;
        foreach (var save in _unsaved)
        {
            save(connection);
        }
    }

    /// <summary>The transaction succeeded.</summary>
    public void Saved()
    {
        using var held = _lock.EnterScope();
        _unsaved.RemoveRange(0, _saving);
        _saving = 0;
    }

    /// <summary>Writes everything known into another, empty database: the numbers in memory stay what they are.</summary>
    public void WriteAgain(Connection connection)
    {
        using var held = _lock.EnterScope();
        _unsaved.Clear();
        connection.Execute(
            "DELETE FROM recipients; DELETE FROM functions; DELETE FROM grounds; DELETE FROM sets; DELETE FROM set_streams; "
            + "DELETE FROM boots");
        foreach (var (name, bit) in _recipients)
        {
            _unsaved.Add(c => Insert(c, name, bit));
        }

        foreach (var (name, id) in _functions)
        {
            _unsaved.Add(c => Insert(c, name, id));
        }

        foreach (var boot in _boots.Values)
        {
            _unsaved.Add(c => Insert(c, boot));
        }

        foreach (var (id, set) in _sets)
        {
            _unsaved.Add(c => Insert(c, id, set));
        }

        foreach (var ground in _grounds.Values)
        {
            _unsaved.Add(c => Insert(c, ground));
        }
    }

    /// <summary>Reads everything, and gives each configured recipient a bit.</summary>
    /// <returns>Recipients that are no longer configured, with their bits.</returns>
    public List<(string Name, int Bit)> Load(Connection connection, ImmutableArray<string> recipients)
    {
        LoadFunctions(connection);
        LoadGrounds(connection);
        LoadSets(connection);
        using (var boots = connection.Once("SELECT id, boot_id, wall_offset_ns, quality FROM boots"))
        {
            while (boots.Step())
            {
                _boots[boots.Int(0)] = new BootTime(boots.Int(0), new Guid(boots.Blob(1)), boots.Int(2), (ClockQuality)boots.Int(3));
            }
        }

        return LoadRecipients(connection, recipients);
    }

    private static string Key(StreamSet set) =>
        string.Create(CultureInfo.InvariantCulture, $"{set.Fingerprint}\n{(set.Urgent ? 1 : 0)}{(int)set.Importance}");

    private static void Insert(Connection connection, Ground ground)
    {
        using var put = connection.Once(
            "INSERT OR REPLACE INTO grounds(id, function, field, purpose, basis, precision, term_ns, recipients, consent_id, "
            + "policy_version, policy_hash, personal) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)");
        put.Bind(1, ground.Id).Bind(2, ground.FunctionId).Bind(3, ground.Field).Bind(4, ground.Purpose)
            .Bind(5, (long)ground.Terms.Basis).Bind(6, (long)ground.Terms.Precision).Bind(7, ground.Terms.TermNs)
            .Bind(8, (long)ground.Mask).Bind(9, ground.ConsentId).Bind(10, ground.PolicyVersion).Bind(11, ground.Terms.PolicyHash)
            .Bind(12, ground.Personal ? 1L : 0).Run();
    }

    private static void Insert(Connection connection, BootTime boot)
    {
        using var put = connection.Once("INSERT OR REPLACE INTO boots(id, boot_id, wall_offset_ns, quality) VALUES(?1, ?2, ?3, ?4)");
        put.Bind(1, boot.Id).Bind(2, boot.BootId.ToByteArray()).Bind(3, boot.WallOffsetNs).Bind(4, (long)boot.Quality).Run();
    }

    private static void Insert(Connection connection, string function, long id)
    {
        using var put = connection.Once("INSERT OR REPLACE INTO functions(id, name) VALUES(?1, ?2)");
        put.Bind(1, id).Bind(2, function).Run();
    }

    private static void Insert(Connection connection, string recipient, int bit)
    {
        using var put = connection.Once("INSERT OR REPLACE INTO recipients(bit, name, done_to) VALUES(?1, ?2, 0)");
        put.Bind(1, (long)bit).Bind(2, recipient).Run();
    }

    private static void Insert(Connection connection, uint id, StreamSet set)
    {
        using var put = connection.Once(
            "INSERT INTO sets(id, name, field, interval_ns, urgent, importance) VALUES(?1, ?2, ?3, ?4, ?5, ?6)");
        put.Bind(1, (long)id).Bind(2, set.Name).Bind(3, set.Field).Bind(4, set.IntervalNs).Bind(5, set.Urgent ? 1L : 0)
            .Bind(6, (long)set.Importance).Run();
        using var stream = connection.Once("INSERT INTO set_streams(set_id, position, name, unit, scale) VALUES(?1, ?2, ?3, ?4, ?5)");
        for (var i = 0; i < set.Streams.Length; i++)
        {
            var info = set.Streams[i];
            // SQLite stores NaN as NULL; a step that is no number is no step
            stream.Bind(1, (long)id).Bind(2, (long)i).Bind(3, info.Name).Bind(4, info.Unit)
                .Bind(5, double.IsNaN(info.Scale) ? 0 : info.Scale).Run();
        }
    }

    private void Add(Ground ground, string key)
    {
        _grounds[ground.Id] = ground;
        _groundsByContent[key] = ground;
    }

    private void LoadFunctions(Connection connection)
    {
        using var functions = connection.Once("SELECT id, name FROM functions");
        while (functions.Step())
        {
            _functions[functions.Text(1)] = functions.Int(0);
        }
    }

    private void LoadGrounds(Connection connection)
    {
        using var all = connection.Once(
            "SELECT g.id, g.function, f.name, g.field, g.purpose, g.basis, g.precision, g.term_ns, g.recipients, g.consent_id, "
            + "g.policy_version, g.policy_hash, g.personal FROM grounds g JOIN functions f ON f.id = g.function");
        while (all.Step())
        {
            var content = string.Create(CultureInfo.InvariantCulture,
                $"{all.Text(2)}\n{all.Text(3)}\n{all.Text(4)}\n{all.Int(5)}\n{all.Int(6)}\n{all.Int(7)}\n{all.Int(9)}\n{all.Text(10)}\n{all.Text(11)}\n{all.Int(12)}");
            var ground = new Ground(all.Int(0), all.Int(1), all.Text(2), all.Text(3), all.Text(4), all.Text(10), all.Int(9),
                (uint)all.Int(8), all.Int(12) != 0,
                new GroundTerms((LegalBasis)all.Int(5), (Precision)all.Int(6), all.Int(7), all.Text(11)), Encoding.UTF8.GetBytes(content));
            Add(ground, string.Create(CultureInfo.InvariantCulture, $"{ground.Mask}\n{content}"));
        }
    }

    private void LoadSets(Connection connection)
    {
        var streams = new Dictionary<uint, List<StreamInfo>>();
        using (var all = connection.Once("SELECT set_id, name, unit, scale FROM set_streams ORDER BY set_id, position"))
        {
            while (all.Step())
            {
                var id = (uint)all.Int(0);
                if (!streams.TryGetValue(id, out var list))
                {
                    streams.Add(id, list = []);
                }

                list.Add(new StreamInfo(all.Text(1), all.Text(2), all.Real(3)));
            }
        }

        using var sets = connection.Once("SELECT id, name, field, interval_ns, urgent, importance FROM sets");
        while (sets.Step())
        {
            var id = (uint)sets.Int(0);
            if (!streams.TryGetValue(id, out var list) || list.Count > StreamSet.StreamsMax)
            {
                throw new StoreFault(StoreFaultKind.Corrupt, $"stream set {id} has no streams", retry: false);
            }

            var set = new StreamSet(sets.Text(1), sets.Text(2), [.. list], sets.Int(3), sets.Int(4) != 0, (Importance)sets.Int(5));
            _sets[id] = set;
            _setsByContent[Key(set)] = id;
        }
    }

    private List<(string Name, int Bit)> LoadRecipients(Connection connection, ImmutableArray<string> configured)
    {
        var gone = new List<(string, int)>();
        using (var all = connection.Once("SELECT bit, name FROM recipients"))
        {
            while (all.Step())
            {
                var (bit, name) = ((int)all.Int(0), all.Text(1));
                if (configured.Contains(name, StringComparer.Ordinal))
                {
                    _recipients[name] = bit;
                }
                else
                {
                    gone.Add((name, bit));
                }
            }
        }

        // a bit that was given up is cleared in every item before it can be given to another (Spool.Start), so it is not free yet
        foreach (var name in configured.Where(name => !_recipients.ContainsKey(name)))
        {
            var bit = s_bits.First(bit => !_recipients.ContainsValue(bit) && !gone.Exists(g => g.Item2 == bit));
            if (bit >= StoreLimits.RecipientsMax)
            {
                bit = gone[0].Item2;
            }

            _recipients[name] = bit;
            _unsaved.Add(c => Insert(c, name, bit));
        }

        AllRecipients = _recipients.Values.Aggregate(0u, static (mask, bit) => mask | (1u << bit));
        return gone;
    }
}
