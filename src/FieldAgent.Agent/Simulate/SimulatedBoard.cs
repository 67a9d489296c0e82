using System.Text;
using FieldAgent.Agent.Cli;
using FieldAgent.Agent.Configuration;
using FieldAgent.Core;
using FieldAgent.Core.Configuration;
using FieldAgent.Delivery;
using FieldAgent.Privacy;
using FieldAgent.Simulation;
using FieldAgent.Store;
using Microsoft.Extensions.Logging.Abstractions;

namespace FieldAgent.Agent.Simulate;

/// <summary>One board of a simulated fleet: the real gate, spool and courier on a real folder, with simulated sensors, time and
/// network. Now and then its power is cut.</summary>
internal sealed class SimulatedBoard(int number, int seed, string folder, VirtualTime time, SimulatedBroker broker)
    : IDisposable
{
    private static readonly TimeSpan FlushInterval = TimeSpan.FromSeconds(10);

    /// <summary>Mean time between power cuts.</summary>
    private static readonly TimeSpan PowerCutEvery = TimeSpan.FromMinutes(20);

    private readonly Random _random = new(seed);
    private readonly List<Life> _abandoned = [];
    private int _life;
    private Life? _current;

    /// <summary>Readings made durable, over all lives.</summary>
    public long ReadingsStored { get; private set; }

    /// <summary>Blocks made durable, over all lives.</summary>
    public long BlocksStored { get; private set; }

    /// <summary>Power cuts so far.</summary>
    public int PowerCuts { get; private set; }

    /// <summary>Readings that were in memory when the power went: what a flush interval is the price of.</summary>
    public long ReadingsLostInMemory { get; private set; }

    /// <summary>Blocks that still wait.</summary>
    public long BlocksWaiting => _current?.Store.Spool.State.Blocks ?? 0;

    /// <summary>Lives, with power cuts, until boot-time <paramref name="endNs"/>; then goes on delivering.</summary>
    public void Run(long endNs)
    {
        StartLife();
        var next = NextPowerCut();
        while (time.BootNs < endNs)
        {
            time.WaitUntil(Math.Min(endNs, Math.Min(next, time.BootNs + FlushInterval.ToNs())), default);
            if (time.BootNs >= next && time.BootNs < endNs)
            {
                CutPower();
                next = NextPowerCut();
            }
            else
            {
                _current!.Flush();
            }
        }

        _current!.EndSampling();
        _current.Flush();
        Count(_current);
    }

    /// <summary>Ends the board in order.</summary>
    public void Stop() => _current?.Stop();

    /// <inheritdoc/>
    public void Dispose()
    {
        _current?.Dispose();
        foreach (var life in _abandoned)
        {
            life.Dispose();
        }
    }

    private VirtualTime Time => time;

    private SimulatedBroker Broker => broker;

    private long NextPowerCut() => time.BootNs + (long)(-Math.Log(1 - _random.NextDouble()) * PowerCutEvery.ToNs());

    // What a power cut leaves is what the disk holds at that moment: a copy of the files, taken without a word to the store.
    private void CutPower()
    {
        var old = _current!;
        Count(old);
        ReadingsLostInMemory += old.Due.Pending;
        PowerCuts++;
        var image = StateFolder(_life + 1);
        Copy(StateFolder(_life), image);
        old.Stop();
        _abandoned.Add(old);
        _life++;
        StartLife();
    }

    private void StartLife() => _current = new Life(this, StateFolder(_life));

    private void Count(Life life)
    {
        ReadingsStored += life.ReadingsStored;
        BlocksStored += life.BlocksStored;
        life.ReadingsStored = 0;
        life.BlocksStored = 0;
    }

    private string StateFolder(int life) => Path.Join(folder, $"board-{number}", $"life-{life}");

    private static void Copy(string from, string to)
    {
        foreach (var directory in Directory.EnumerateDirectories(from, "*", SearchOption.AllDirectories).Prepend(from))
        {
            Directory.CreateDirectory(directory.Replace(from, to, StringComparison.Ordinal));
        }

        // Locks do not outlive a power cut.
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories).Where(static f => Path.GetFileName(f) != "lock"))
        {
            File.Copy(file, file.Replace(from, to, StringComparison.Ordinal));
        }
    }

    /// <summary>From power-on to power-off.</summary>
    private sealed class Life : ISensorHost, IDisposable
    {
        private readonly SimulatedBoard _board;
        private readonly CancellationTokenSource _sampling = new();
        private readonly CancellationTokenSource _delivering = new();
        private readonly List<SampleWriter> _writers = [];
        private readonly Gate _gate;

        public Life(SimulatedBoard board, string stateFolder)
        {
            _board = board;
            var counters = new Counters();
            var recipient = new Recipient("vendor", new LinkOptions { Host = "localhost", Port = 1883, ClientId = "" }, "", 512, 64);
            Store = StateStore.Open(
                new StoreOptions { Directory = stateFolder, FreeBytesMin = 0, Recipients = [recipient.Name] }, Clock, counters, NullLogger.Instance);
            _gate = new Gate(Policy.Shipped(), Store.Consents, counters, Clock);
            var tagKey = new byte[32];
            Store.Keys.DeriveKey("delivery/" + recipient.Name, tagKey);
            var courier = new Courier(
                new CourierSettings
                {
                    Recipient = recipient,
                    Pseudonym = new Pseudonym(Store.Keys, "simulated").For(recipient.Name),
                    TagKey = tagKey,
                    AgentVersion = CommandLine.Version,
                    Seed = board._random.Next(),
                },
                board.Broker, Store.Spool, _gate, Clock, Store.Outbox, Store.Commands, [], counters, NullLogger<Courier>.Instance);
            board.Time.Spawn("courier", () => courier.Run(_delivering.Token));
            var sensor = MakeSensor(board._random.Next());
            board.Time.Spawn("sensor", () => sensor.Run(this, _sampling.Token));
        }

        public StateStore Store { get; }

        public FlushSignal Due { get; } = new(int.MaxValue);

        public long ReadingsStored { get; set; }

        public long BlocksStored { get; set; }

        public IClock Clock => _board.Time;

        public ISensorMemory Memory { get; } = new SensorMemory().Of("simulated");

        public void Flush()
        {
            Due.Reset();
            foreach (var writer in _writers)
            {
                var rows = writer.Take();
                if (rows.Columns.Count > 0)
                {
                    _gate.Admit(rows, Store.Spool);
                }
            }

            var stored = Store.Spool.Flush();
            ReadingsStored += stored.Readings;
            BlocksStored += stored.Blocks;
        }

        public void EndSampling() => _sampling.Cancel();

        public void Stop()
        {
            _sampling.Cancel();
            _delivering.Cancel();
        }

        public void Dispose()
        {
            Store.Dispose();
            _sampling.Dispose();
            _delivering.Dispose();
            Due.Dispose();
            foreach (var writer in _writers)
            {
                writer.Dispose();
            }
        }

        public SampleWriter Declare(StreamSet set)
        {
            var writer = new SampleWriter(set, Due, 65_536);
            _writers.Add(writer);
            return writer;
        }

        public void Tell(RawFact fact)
        {
            // Simulated boards have no sensor that reads texts.
        }

        public void Deliver(RawImage image)
        {
        }

        public bool WaitForTrigger(long untilBootNs, CancellationToken stop, out string? requestId)
        {
            requestId = null;
            Clock.WaitUntil(untilBootNs, stop);
            return false;
        }

        public void Skipped(string reason, long count = 1)
        {
        }

        public void Describe(string text)
        {
        }

        private static ISensor MakeSensor(int seed)
        {
            var kind = new SimulatedKind();
            var errors = new ConfigErrors();
            var node = ConfigNode.Parse(
                Encoding.UTF8.GetBytes($$"""
                {
                  "name": "flow-bench", "kind": "simulated", "interval": "1s", "seed": {{seed}}, "streams": [
                    { "name": "temperature", "unit": "Cel", "scale": 0.01, "waveform": "sine", "offset": 21.5, "amplitude": 2, "period": "5m", "noise": 0.02 },
                    { "name": "flow", "unit": "L/min", "scale": 0.01, "waveform": "steps", "offset": 12, "amplitude": 4, "period": "20s", "noise": 0.05 },
                    { "name": "supply", "unit": "V", "waveform": "walk", "offset": 5, "amplitude": 0.001 }
                  ]
                }
                """),
                errors)!;
            var section = AgentShape.SensorShape(kind).Bind(node, errors);
            return kind.Create(new SensorSetup("flow-bench", section, "/", "/"));
        }
    }
}
