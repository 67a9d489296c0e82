using System.Security.Cryptography;
using System.Text;
using FieldAgent.Core;
using FieldAgent.Core.Configuration;
using FieldAgent.Simulation;

namespace FieldAgent.Privacy.Tests;

/// <summary>A ledger in memory.</summary>
internal sealed class MemoryLedger : IConsentLedger
{
    private readonly List<ConsentEvent> _events = [];

    public int FailAfter { get; set; } = int.MaxValue;

    public ConsentEvent Append(ConsentEvent consent)
    {
        if (_events.Count >= FailAfter)
        {
            throw new StoreFault(StoreFaultKind.Full, "full", retry: true);
        }

        var stored = consent with { Id = _events.Count + 1 };
        _events.Add(stored);
        return stored;
    }

    public IReadOnlyList<ConsentEvent> All() => [.. _events];

    public void Grant(string function, string field, string scope = "") => Append(Event(ConsentAction.Grant, function, field, scope));

    public void Withdraw(string function, string field) => Append(Event(ConsentAction.Withdraw, function, field));

    public static ConsentEvent Event(ConsentAction action, string function, string field, string scope = "", string role = "subject") =>
        new(0, action, function, field, scope, role, "cli", "1.0.0", "", default);
}

/// <summary>An audit log in memory.</summary>
internal sealed class MemoryAudit : IAuditLog
{
    public List<AuditEntry> Entries { get; } = [];

    public int FailAfter { get; set; } = int.MaxValue;

    public long Append(AuditEntry entry)
    {
        if (Entries.Count >= FailAfter)
        {
            throw new StoreFault(StoreFaultKind.Full, "full", retry: true);
        }

        Entries.Add(entry);
        return Entries.Count;
    }

    public IReadOnlyList<AuditRecord> Read(long from, int max) =>
        [.. Entries.Skip((int)from - 1).Take(max).Select((entry, i) => new AuditRecord(from + i, default, entry, "", ""))];
}

/// <summary>Keys of a board whose device key is known.</summary>
internal sealed class FixedKeys(byte seed = 0) : IKeyStore
{
    public Guid InstallationId { get; init; } = new("00112233-4455-6677-8899-aabbccddeeff");

    public void DeriveKey(string purpose, Span<byte> key) =>
        HMACSHA256.HashData(Enumerable.Repeat(seed, 32).ToArray(), Encoding.UTF8.GetBytes(purpose), key);
}

/// <summary>Short forms of what tests do most.</summary>
internal static class DeskCalls
{
    /// <summary>By a role; a guardian declares being one.</summary>
    public static ConsentBy By(string role, string method = "cli") =>
        new(role, method) { Attestation = role == ConsentBy.Guardian ? "I am the child's mother" : "" };

    public static ConsentOutcome Grant(this ConsentDesk desk, string function, string? field, string? scope, string role, string method) =>
        desk.Grant(function, field, scope, By(role, method));

    public static ConsentOutcome Withdraw(this ConsentDesk desk, string function, string? field, string role, string method) =>
        desk.Withdraw(function, field, By(role, method));
}

/// <summary>Remembers what was admitted.</summary>
internal sealed class Sink : IAdmittedSink
{
    public List<Taken> All { get; } = [];

    public Action<AdmittedRows>? OnTake { get; init; }

    public void Take(in AdmittedRows rows)
    {
        OnTake?.Invoke(rows);
        var values = new double[rows.Width][];
        for (var i = 0; i < rows.Width; i++)
        {
            values[i] = rows.Values(i).ToArray();
        }

        All.Add(new Taken(rows.Set, rows.Permit, rows.BootNs.ToArray(), rows.Present.ToArray(), values));
    }

    public sealed record Taken(StreamSet Set, Permit Permit, long[] BootNs, ulong[] Present, double[][] Values);
}

/// <summary>Counts rows and allocates nothing.</summary>
internal sealed class CountingSink : IAdmittedSink
{
    public long Rows { get; private set; }

    public void Take(in AdmittedRows rows) => Rows += rows.Count;
}

/// <summary>A gate on the shipped policy, with everything around it.</summary>
internal sealed class House
{
    public House(Policy? policy = null)
    {
        Policy = policy ?? Policy.Shipped();
        Gate = new Gate(Policy, Ledger, Counters, Clock, Audit);
        Desk = new ConsentDesk(Gate, Ledger, Clock);
    }

    public Policy Policy { get; }

    public MemoryLedger Ledger { get; } = new();

    public Counters Counters { get; } = new();

    public SimulatedClock Clock { get; } = new();

    public MemoryAudit Audit { get; } = new();

    public Gate Gate { get; }

    public ConsentDesk Desk { get; }

    /// <summary>Grants positions as exact as <paramref name="scope"/>, with the leaves that it takes.</summary>
    public void GrantPlace(string scope)
    {
        var isCoarse = scope is "1km" or "10km";
        Grant("location.position", isCoarse ? scope : "1km");
        if (!isCoarse)
        {
            Grant("location.precise", scope);
            Grant("location.background", null);
        }

        void Grant(string field, string? as_)
        {
            var outcome = Desk.Grant("fleet-location", field, as_, "subject", "cli");
            Assert.True(outcome.Done, outcome.Message);
        }
    }

    public static Policy Read(string json)
    {
        var errors = new ConfigErrors();
        var policy = Policy.Load(Encoding.UTF8.GetBytes(json), errors);
        Assert.True(policy is not null, string.Join("\n", errors.All));
        return policy!;
    }

    public static RawRows Positions(params (double Latitude, double Longitude)[] fixes)
    {
        var rows = new RawRows(new StreamSet(
            "gnss", "location.position",
            [new("latitude", "deg", 1e-7), new("longitude", "deg", 1e-7), new("altitude", "m", 0.1), new("speed", "m/s")]));
        for (var i = 0; i < fixes.Length; i++)
        {
            rows.Columns.Append(i + 1, [fixes[i].Latitude, fixes[i].Longitude, 123.4, 0.5], 0b1111);
        }

        return rows;
    }
}
