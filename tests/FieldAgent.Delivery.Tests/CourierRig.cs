using System.Text.Json;
using FieldAgent.Core;
using Microsoft.Extensions.Logging.Abstractions;

namespace FieldAgent.Delivery.Tests;

/// <summary>A courier with everything around it in memory, on one thread: time passes only while it waits.</summary>
internal sealed class CourierRig
{
    private static readonly StreamSet Environment = new(
        "env", "instrument.measurement", [new StreamInfo("temperature", "Cel", 0.01), new StreamInfo("humidity", "%", 0.1)], 1_000_000_000);

    private Func<bool> _done = () => true;
    private int _steps;

    public CourierRig(int seed = 1, CourierLimits? limits = null, int windowMax = 20, int compressAbove = int.MaxValue)
    {
        Broker = new FakeBroker(seed) { Idle = Idle };
        Clock.Waited = Look;
        Settings = new CourierSettings
        {
            Recipient = new Recipient(
                "vendor", new LinkOptions { Host = "localhost", Port = 1883, ClientId = "" }, "DE", compressAbove, windowMax),
            Pseudonym = Blocks.Pseudonym, TagKey = Blocks.TagKey, AgentVersion = "0.1.0", Seed = seed, Limits = limits ?? new CourierLimits(),
        };
    }

    public CourierSettings Settings { get; set; }

    public FakeBroker Broker { get; }

    public FakeSpool Spool { get; } = new();

    public FakeGate Gate { get; } = new();

    public FakeOutbox Outbox { get; set; } = new();

    public SteppingClock Clock { get; } = new();

    public FakeCommandLedger Ledger { get; set; } = new();

    public Counters Counters { get; } = new();

    public List<ICommandHandler> Handlers { get; } = [];

    public Courier? Courier { get; private set; }

    /// <summary>Called at every moment in which the courier has nothing to do.</summary>
    public Action? OnIdle { get; set; }

    public List<CourierState> States { get; } = [];

    /// <summary>Runs a courier until <paramref name="done"/>, then stops it.</summary>
    public void RunUntil(Func<bool> done, int stepsMax = 200_000)
    {
        _done = done;
        _steps = stepsMax;
        Broker.Idle = Idle;
        Clock.Waited = Look;
        using var stop = new CancellationTokenSource();
        Stop = stop;
        Courier = new Courier(
            Settings, Broker, Spool, Gate, Clock, Outbox, Ledger, Handlers, Counters, NullLogger<Courier>.Instance);
        Courier.Run(stop.Token);
        Assert.True(_steps > 0, "the courier did not come to an end");
    }

    public CancellationTokenSource? Stop { get; private set; }

    public void RunUntilDelivered() => RunUntil(() => Spool.Waiting == 0);

    public SpoolItem AddBlock(int rows = 2, string function = "telemetry", string? field = null)
    {
        var block = new BlockRows(Environment);
        for (var i = 0; i < rows; i++)
        {
            block.Columns.Append(Clock.BootNs + (i * 1_000_000_000L), [20 + (i / 100.0), 50.5], 3);
        }

        return Spool.AddBlock(block, function, field);
    }

    public IEnumerable<FakeMessage> On(string topic) => Broker.Snapshot().Where(m => m.Topic == Topic(topic));

    public static string Topic(string rest) => $"fieldagent/v1/{Blocks.Pseudonym}/{rest}";

    public static JsonElement Json(FakeMessage message) => JsonDocument.Parse(message.Payload).RootElement;

    public static long Sequence(FakeMessage message) => Json(message).GetProperty("seq").GetInt64();

    private void Idle(TimeSpan wait)
    {
        Clock.Advance(wait);
        Look();
    }

    private void Look()
    {
        States.Add(Courier!.State);
        OnIdle?.Invoke();
        if (--_steps <= 0 || _done())
        {
            Stop!.Cancel();
        }
    }
}
