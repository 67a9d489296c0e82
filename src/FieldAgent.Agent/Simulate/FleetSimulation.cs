using System.Globalization;
using System.Text;
using FieldAgent.Core;
using FieldAgent.Delivery;
using FieldAgent.Simulation;
using Microsoft.Extensions.Logging.Abstractions;

namespace FieldAgent.Agent.Simulate;

/// <summary>How a fleet fared.</summary>
/// <param name="Stored">Readings made durable.</param>
/// <param name="PowerCuts">Power cuts.</param>
/// <param name="Outages">Lost connections, by the network's doing.</param>
/// <param name="LostInMemory">Readings that a power cut took before their flush.</param>
/// <param name="BlocksWaiting">Blocks that had not been delivered at the end.</param>
/// <param name="Consumer">What a consumer got.</param>
internal sealed record FleetReport(long Stored, int PowerCuts, int Outages, long LostInMemory, long BlocksWaiting, ConsumerReport Consumer)
{
    /// <summary>True when everything that was stored arrived exactly once.</summary>
    public bool IsGood => Consumer.IsComplete && BlocksWaiting == 0 && Consumer.Readings == Stored;
}

/// <summary>Boards, networks and a consumer in virtual time: hours in seconds, and the same again from the same seed.</summary>
internal static class FleetSimulation
{
    /// <summary>How long the network is kind at the end, so that everything can arrive: longer than the longest wait of a courier.</summary>
    private static readonly TimeSpan Settle = TimeSpan.FromMinutes(12);

    private static readonly NetworkFaults Faults = new(
        OutageEvery: TimeSpan.FromMinutes(10), OutageLength: TimeSpan.FromMinutes(2), DropEvery: TimeSpan.FromMinutes(3),
        LatencyMax: TimeSpan.FromMilliseconds(400));

    /// <summary>Runs <paramref name="devices"/> boards for <paramref name="length"/> of virtual time.</summary>
    public static FleetReport Run(int devices, TimeSpan length, int seed, string folder)
    {
        var random = new Random(seed);
        var bootId = new byte[16];
        random.NextBytes(bootId);
        using var time = new VirtualTime(1_767_225_600_000_000_000, new Guid(bootId));
        ILinkEvents consumer = new Consumer(
            new ConsumerOptions { Link = new LinkOptions { Host = "localhost", Port = 1883, ClientId = "simulation" }, FirstSequence = 1 },
            new SimulatedBroker(time, Faults, seed, static _ => { }), time, NullLogger<Consumer>.Instance);
        var brokers = new List<SimulatedBroker>();
        var boards = new List<SimulatedBoard>();
        for (var i = 0; i < devices; i++)
        {
            brokers.Add(new SimulatedBroker(time, Faults, random.Next(), message => Hand(consumer, message)));
            boards.Add(new SimulatedBoard(i + 1, random.Next(), folder, time, brokers[i]));
        }

        var endNs = time.BootNs + length.ToNs();
        foreach (var board in boards)
        {
            time.Spawn("board", () => board.Run(endNs));
        }

        time.RunUntil(endNs);
        foreach (var broker in brokers)
        {
            broker.IsPerfect = true;
        }

        time.RunUntil(endNs + Settle.ToNs());
        var waiting = boards.Sum(static b => b.BlocksWaiting);
        foreach (var board in boards)
        {
            board.Stop();
        }

        time.RunUntil(endNs + (2 * Settle.ToNs()));
        foreach (var board in boards)
        {
            board.Dispose();
        }

        if (time.Fault is { } fault)
        {
            throw new InvalidOperationException($"the simulation failed: {fault.Message}", fault);
        }

        return new FleetReport(
            boards.Sum(static b => b.ReadingsStored), boards.Sum(static b => b.PowerCuts), brokers.Sum(static b => b.Drops),
            boards.Sum(static b => b.ReadingsLostInMemory), waiting, ((Consumer)consumer).Report());
    }

    private static void Hand(ILinkEvents consumer, BrokerMessage message) => consumer.OnMessage(new LinkMessage
    {
        Topic = message.Topic,
        Payload = message.Payload,
        ContentEncoding = message.ContentEncoding,
    });
}
