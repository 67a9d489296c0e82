using System.Collections.Immutable;
using FieldAgent.Agent.Configuration;
using FieldAgent.Agent.Hosting;
using FieldAgent.Core;
using FieldAgent.Privacy;
using FieldAgent.Devices;
using Microsoft.Extensions.Logging.Abstractions;

namespace FieldAgent.Benchmarks;

/// <summary>The whole agent in this process, with a sensor that yields rows as fast as they are taken.</summary>
internal sealed class BenchAgent : IDisposable
{
    private const int Window = 100;

    private readonly string _folder = Directory.CreateTempSubdirectory("fieldagent-bench-").FullName;
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Thread> _threads = [];

    public BenchAgent(int blockReadings, ISensor sensor, int port, ILinkFactory links, int compressAboveBytes = int.MaxValue)
    {
        Parts = new AgentParts(
            new AgentConfig
            {
                File = Path.Join(_folder, "config.json"),
                Board = "bench",
                RuntimeDirectory = Path.Join(_folder, "run"),
                DevicesRoot = "/",
                Supplements = [],
                Fences = [],
                AnalyticsWindow = AnalyticsLimits.WindowMin,
                PolicyFile = null,
                StateDirectory = Path.Join(_folder, "state"),
                StateBytesMax = 16L << 30,
                FreeBytesMin = 0,
                RootKeyFile = null,
                FlushInterval = TimeSpan.FromSeconds(10),
                FlushReadings = 1000,
                BlockReadings = blockReadings,
                Recipients =
                [
                    new Recipient("vendor", new LinkOptions { Host = "127.0.0.1", Port = port, ClientId = "" }, "CN", compressAboveBytes, Window),
                ],
                Sensors = [new ConfiguredSensor(sensor.Name, "bench", sensor)],
            },
            new LinuxClock(),
            links,
            NullLoggerFactory.Instance);
    }

    /// <summary>The agent's parts.</summary>
    public AgentParts Parts { get; }

    /// <summary>Items that the broker has acknowledged.</summary>
    public long Acknowledged => Parts.Couriers[0].State.Acknowledged;

    /// <summary>Starts collecting and storing.</summary>
    public void StartStoring()
    {
        Start("pipeline", Parts.Pipeline.Run);
        Parts.Collector.Start();
    }

    /// <summary>Starts delivering.</summary>
    public void StartDelivering() => Start("courier", Parts.Couriers[0].Run);

    /// <summary>Ends all threads, sensors first.</summary>
    public void Stop()
    {
        Parts.Collector.Stop();
        _stop.Cancel();
        foreach (var thread in _threads)
        {
            thread.Join();
        }
    }

    public void Dispose()
    {
        Stop();
        Parts.Dispose();
        _stop.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private void Start(string name, Action<CancellationToken> loop)
    {
        var thread = new Thread(() => loop(_stop.Token)) { Name = name, IsBackground = true };
        thread.Start();
        _threads.Add(thread);
    }
}

/// <summary>Noisy rows of several streams at a nominal 1 Hz, as fast as the pipeline takes them.</summary>
internal sealed class FloodSensor(int streams, long rows) : ISensor
{
    private const int Prepared = 4096;
    private readonly double[][] _rows = [.. Enumerable.Range(0, Prepared).Select(row =>
        Enumerable.Range(0, streams).Select(stream => Noise.Value(stream, row)).ToArray())];

    public string Name => "flood";

    public IReadOnlyList<string> OpensFor { get; } = ["instrument.measurement"];

    /// <summary>True when every row has been handed over.</summary>
    public bool IsDone { get; private set; }

    public void Run(ISensorHost host, CancellationToken stop)
    {
        var writer = host.Declare(BenchSets.Noisy(Name, streams));
        var start = host.Clock.BootNs;
        for (long i = 0; i < rows; i++)
        {
            // Jitter of up to 0.2 ms, as a timer on a board has it.
            var time = start + (i * ClockExtensions.NsPerSecond) + (i * 7919 % 201 * 1000);
            if (!writer.Write(time, _rows[i % Prepared], stop))
            {
                return;
            }
        }

        IsDone = true;
        stop.WaitHandle.WaitOne();
    }
}

/// <summary>Stream sets of the measurements.</summary>
internal static class BenchSets
{
    /// <summary>Streams with a declared scale of 0.01, sampled together at 1 Hz.</summary>
    public static StreamSet Noisy(string name, int streams) => new(
        name, "instrument.measurement",
        [.. Enumerable.Range(0, streams).Select(static i => new StreamInfo($"s{i}", "1", 0.01)).ToImmutableArray()],
        ClockExtensions.NsPerSecond);
}
