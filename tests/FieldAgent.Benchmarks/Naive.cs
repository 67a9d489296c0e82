using System.Diagnostics;
using System.Globalization;
using System.Text;
using FieldAgent.Core;
using FieldAgent.Delivery;
using FieldAgent.Store.Sqlite;
using Microsoft.Data.Sqlite;

namespace FieldAgent.Benchmarks;

/// <summary>The way most people would write it first, with the same libraries: a row for every reading, a QoS 1 message for every
/// reading, the row deleted when the broker has it.</summary>
internal sealed class Naive : ILinkEvents, IDisposable
{
    private const int Window = 100;

    private readonly SqliteConnection _connection;
    private readonly SqliteCommand _insert;
    private readonly SqliteCommand _delete;
    private readonly Dictionary<int, long> _inFlight = [];

    private Naive(string file)
    {
        // the agent's own, whichever part of the benchmark runs first
        SqliteLibrary.Initialize(preferSystem: true);
        _connection = new SqliteConnection($"Data Source={file}");
        _connection.Open();
        Execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE reading(id INTEGER PRIMARY KEY, json TEXT NOT NULL)");
        _insert = _connection.CreateCommand();
        _insert.CommandText = "INSERT INTO reading(json) VALUES($json) RETURNING id";
        _insert.Parameters.Add("$json", SqliteType.Text);
        _insert.Prepare();
        _delete = _connection.CreateCommand();
        _delete.CommandText = "DELETE FROM reading WHERE id=$id";
        _delete.Parameters.Add("$id", SqliteType.Integer);
        _delete.Prepare();
    }

    /// <summary>One reading as a message of its own.</summary>
    public static string Message(int stream, long unixMs, double value) => string.Create(CultureInfo.InvariantCulture,
        $$"""{"device":"aaaaaaaaaaaaaaaaaaaaaaaaaa","stream":"s{{stream}}","time":{{unixMs}},"value":{{value}},"unit":"1"}""");

    /// <summary>Stores, sends and deletes <paramref name="readings"/> readings as fast as it goes.</summary>
    /// <returns>Seconds, and CPU seconds of this process.</returns>
    public static (double Seconds, double Cpu) Run(string file, int port, int readings)
    {
        using var naive = new Naive(file);
        using var link = new MosquittoLinkFactory().Create();
        var fault = link.Connect(new LinkOptions { Host = "127.0.0.1", Port = port, ClientId = "naive" }, naive, out _);
        if (fault.Kind != LinkFaultKind.None)
        {
            throw new InvalidOperationException(fault.Detail);
        }

        var topic = new MqttTopic("naive/data");
        var cpu = Environment.CpuUsage.TotalTime;
        var watch = Stopwatch.StartNew();
        for (var i = 0; i < readings; i++)
        {
            var message = Message(i % 8, i, Noise.Value(i));
            var id = naive.Insert(message);
            while (naive._inFlight.Count >= Window)
            {
                link.Poll(TimeSpan.FromSeconds(1));
            }

            var sent = link.Publish(topic, Encoding.UTF8.GetBytes(message), default);
            naive._inFlight[sent] = id;
            link.Poll(TimeSpan.Zero);
        }

        while (naive._inFlight.Count > 0)
        {
            link.Poll(TimeSpan.FromSeconds(1));
        }

        return (watch.Elapsed.TotalSeconds, (Environment.CpuUsage.TotalTime - cpu).TotalSeconds);
    }

    /// <summary>Stores and deletes <paramref name="readings"/> readings, eight a second, each in transactions of its own.</summary>
    public static void StorePaced(string file, int readings)
    {
        using var naive = new Naive(file);
        using var never = new ManualResetEventSlim(false);
        for (var i = 0; i < readings; i++)
        {
            naive.Delete(naive.Insert(Message(i % 8, i, Noise.Value(i))));
            if (i % 8 == 7)
            {
                never.Wait(TimeSpan.FromSeconds(0.25));
            }
        }
    }

    public void OnClosed(LinkFault fault) => throw new InvalidOperationException(fault.Detail);

    public void OnAcknowledged(int messageId, int reasonCode)
    {
        if (_inFlight.Remove(messageId, out var id))
        {
            Delete(id);
        }
    }

    public void OnMessage(in LinkMessage message)
    {
    }

    public void Dispose()
    {
        _insert.Dispose();
        _delete.Dispose();
        _connection.Dispose();
    }

    private long Insert(string json)
    {
        _insert.Parameters[0].Value = json;
        return (long)_insert.ExecuteScalar()!;
    }

    private void Delete(long id)
    {
        _delete.Parameters[0].Value = id;
        _delete.ExecuteNonQuery();
    }

    private void Execute(string sql)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}

/// <summary>Noisy readings: a slow sine with noise, two decimals, the same every time.</summary>
internal static class Noise
{
    /// <summary>Reading number <paramref name="i"/>.</summary>
    public static double Value(long i) => Value(0, i);

    /// <summary>Row <paramref name="i"/> of stream <paramref name="stream"/>.</summary>
    public static double Value(int stream, long i)
    {
        // splitmix64, so that a value depends on nothing but its place
        var z = (ulong)((i << 6) + stream) * 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        var noise = ((z >> 11) * (1.0 / (1UL << 53))) - 0.5;
        return Math.Round((20 + (5 * stream) + (2 * Math.Sin(i / 50.0)) + (0.12 * noise)) / 0.01) * 0.01;
    }
}
