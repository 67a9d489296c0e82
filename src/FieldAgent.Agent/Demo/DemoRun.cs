using System.Globalization;
using System.Text.Json;
using FieldAgent.Agent.Cli;
using FieldAgent.Agent.Control;
using FieldAgent.Agent.Status;
using FieldAgent.Core;
using FieldAgent.Delivery;
using FieldAgent.Devices;
using Microsoft.Extensions.Logging.Abstractions;

namespace FieldAgent.Agent.Demo;

/// <summary>The demo: broker, agent and consumer, the broker stopped in the middle, and the count at the end.</summary>
internal sealed class DemoRun(string configFile, TimeSpan length)
{
    private static readonly TimeSpan OutageMax = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan DeliverWithin = TimeSpan.FromSeconds(30);

    /// <summary>An agent ends within 5 s; the rest is for a machine under load.</summary>
    private static readonly TimeSpan EndWithin = TimeSpan.FromSeconds(30);

    private const int StartsMore = 3;

    // Coarse, finer, and unasked are three grants; a photograph is a fourth.
    private static readonly string[] Grants =
    [
        "fleet-location --precision 1km", "fleet-location --field location.precise --precision 100m",
        "fleet-location --field location.background", "photo",
    ];

    private readonly LinuxClock _clock = new();
    private readonly Lock _printing = new();
    private readonly ArrivalPrinter _arrivals = new(Console.Out);

    /// <summary>Runs it; 0 only if everything that was stored arrived exactly once.</summary>
    public int Run(CancellationToken stop)
    {
        var folder = Directory.CreateTempSubdirectory("fieldagent-demo-").FullName;
        try
        {
            return Run(folder, stop);
        }
        catch (InvalidOperationException e)
        {
            return CommandLine.Fail(ExitCode.Fault, $"demo: {e.Message}");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private int Run(string folder, CancellationToken stop)
    {
        string[] board = ["--config", configFile, "--state", Path.Join(folder, "state"), "--runtime", Path.Join(folder, "run")];
        using var broker = new DemoBroker(folder, _clock);
        broker.Start(stop);
        Say($"mosquitto answers at 127.0.0.1:{broker.Port}");
        Say("positions and photographs are off until somebody grants them:");
        foreach (var grant in Grants)
        {
            Self(["consent", "grant", .. grant.Split(' '), .. board], "fieldagent consent grant " + grant);
        }

        using var consuming = new CancellationTokenSource();
        var consumer = new Consumer(
            new ConsumerOptions { Link = new LinkOptions { Host = "127.0.0.1", Port = broker.Port, ClientId = "demo-consumer" }, FirstSequence = 1 },
            LinkLibrary.CreateFactory(), _clock, NullLogger<Consumer>.Instance);
        var consumerThread = new Thread(() => consumer.Run(consuming.Token, Show)) { Name = "consumer", IsBackground = true };
        consumerThread.Start();
        Until(() => consumer.Report().Connects > 0, DeliverWithin, stop);

        var url = string.Create(CultureInfo.InvariantCulture, $"mqtt://127.0.0.1:{broker.Port}");
        string[] run = ["run", .. board, "--broker", url, "--quiet"];
        var control = Path.Join(folder, "run", "control.sock");
        var summary = Work(run, folder, control, () => Outage(broker, stop), stop);

        // An agent that is stopped keeps what waits for its next start.
        for (var again = 0; again < StartsMore && summary.BlocksWaiting + summary.ImagesWaiting > 0; again++)
        {
            Say($"{summary.BlocksWaiting} batches and {summary.ImagesWaiting} photos still waited when it ended: they go out at the next start");
            summary = Sum(summary, Work(run, folder, control, static () => { }, stop));
        }

        var readings = summary.ReadingsStored;
        Until(() => consumer.Report() is var r && r.Readings >= readings && r.PhotosComplete >= summary.ImagesStored, DeliverWithin, stop);
        consuming.Cancel();
        consumerThread.Join();
        return Judge(consumer.Report(), summary);
    }

    // One life of the agent: collecting, until all that it has stored is delivered.
    private RunSummary Work(string[] run, string folder, string control, Action meanwhile, CancellationToken stop)
    {
        var summaryFile = Path.Join(folder, "summary.json");
        File.Delete(summaryFile);
        using var agent = ChildProcess.StartSelf([.. run, "--summary", summaryFile]);
        var code = ExitCode.Fault;
        try
        {
            meanwhile();
            Until(() => HasDelivered(control), DeliverWithin, stop);
            Say("collecting ends");
        }
        finally
        {
            code = ChildProcess.Terminate(agent, EndWithin);
        }

        return code == ExitCode.Ok && File.Exists(summaryFile)
            ? JsonSerializer.Deserialize(File.ReadAllText(summaryFile), AgentJson.Default.RunSummary)!
            : throw new InvalidOperationException($"the agent ended with exit code {code}");
    }

    private void Outage(DemoBroker broker, CancellationToken stop)
    {
        var outage = TimeSpan.FromTicks(Math.Min(OutageMax.Ticks, length.Ticks / 4));
        _clock.Wait(length / 2 - outage / 2, stop);
        Say($"the broker is stopped for {outage.TotalSeconds:0.#} s; the board goes on collecting");
        broker.Stop();
        _clock.Wait(outage, stop);
        broker.Start(stop);
        Say("the broker is back");
        _clock.Wait(length / 2 - outage / 2, stop);
    }

    // What was stored adds up; what waits is what the last one left.
    private static RunSummary Sum(RunSummary first, RunSummary then) => then with
    {
        ReadingsStored = first.ReadingsStored + then.ReadingsStored,
        BlocksStored = first.BlocksStored + then.BlocksStored,
        ImagesStored = first.ImagesStored + then.ImagesStored,
        Dropped = first.Dropped.Count > 0 ? first.Dropped : then.Dropped,
    };

    private static bool HasDelivered(string controlSocket) =>
        ControlClient.Call(controlSocket, new ControlRequest("status")).Status is { } status
            && status.Links.All(static l => l.Phase == "connected") && status.Spool.OldestUnsentSeconds is null or < 2;

    private int Judge(ConsumerReport report, RunSummary summary)
    {
        Console.Out.WriteLine();
        report.WriteTable(Console.Out);
        Console.Out.WriteLine();
        foreach (var (reason, count) in summary.Dropped)
        {
            Say(string.Create(CultureInfo.InvariantCulture, $"the board lost {count}: {reason}"));
        }

        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"demo: sent {summary.ReadingsStored} readings in {summary.BlocksStored} batches, received {report.Readings}, missing {Math.Max(report.Missing, summary.ReadingsStored - report.Readings)}, duplicates removed {report.Duplicates}, photos {report.PhotosComplete}/{summary.ImagesStored}"));
        var good = report.IsComplete && report.Readings == summary.ReadingsStored && report.Readings > 0
            && report.PhotosComplete == summary.ImagesStored && summary.ImagesStored > 0 && summary.Dropped.Count == 0;
        return good ? ExitCode.Ok : ExitCode.Fault;
    }

    private void Self(string[] args, string shown)
    {
        Say("$ " + shown);
        using var process = ChildProcess.StartSelf(args);
        process.WaitForExit();
        if (process.ExitCode != ExitCode.Ok)
        {
            throw new InvalidOperationException($"'{shown}' ended with exit code {process.ExitCode}");
        }
    }

    private void Until(Func<bool> condition, TimeSpan limit, CancellationToken stop)
    {
        var end = _clock.BootNs + limit.ToNs();
        while (!condition() && _clock.BootNs < end && _clock.Wait(TimeSpan.FromMilliseconds(50), stop))
        {
        }
    }

    private void Show(ConsumerEvent arrived)
    {
        lock (_printing)
        {
            _arrivals.Print(arrived);
        }
    }

    private void Say(string text)
    {
        lock (_printing)
        {
            Console.Out.WriteLine($"demo: {text}");
        }
    }
}
