using System.Diagnostics;
using FieldAgent.Devices.Gpio;
using FieldAgent.Devices.I2c;
using FieldAgent.Devices.Linux;

namespace FieldAgent.Benchmarks.Stacks;

/// <summary>GPIO and I2C through each set of drivers that is built in (with <c>-p:DeviceStack=DotNetIot</c> both), in turns, in the same run, on
/// the virtual board.</summary>
internal static class DriverRatio
{
    private const string Bus = "/run/i2c-bus";
    private const string Pull = "/run/gpio/line7/pull";
    private const byte Chip = 0x48;
    private const int Rounds = 3;
    private const int Edges = 200;
    private static readonly TimeSpan Slice = TimeSpan.FromSeconds(1);

    public static void Run(Results results)
    {
        if (!File.Exists(Pull) || !File.Exists(Bus))
        {
            results.Skipped("GPIO and I2C through each stack", "not on the virtual board");
            return;
        }

        var bus = new FileInfo(Bus).ResolveLinkTarget(returnFinalTarget: true)!.FullName;
        Compare(results, "GPIO reads", "reads/s", drivers => GpioReads(drivers.Gpio));
        Compare(results, "I2C register reads", "reads/s", drivers => I2cReads(drivers.I2c, bus));
        Compare(results, "edges, one after the other", "edges/s", drivers => EdgesThere(drivers.Gpio));
    }

    private static void Compare(
        Results results, string what, string unit, Func<(string Name, Func<IGpioController> Gpio, Func<string, II2cBus> I2c), double> measure)
    {
        var measured = DriverSets.All.ToDictionary(static drivers => drivers.Name, static _ => new List<double>());
        for (var round = 0; round < Rounds; round++)
        {
            foreach (var drivers in DriverSets.All)
            {
                measured[drivers.Name].Add(measure(drivers));
            }
        }

        var medians = DriverSets.All.Select(drivers => measured[drivers.Name].Order().ElementAt(Rounds / 2)).ToList();
        for (var i = 0; i < medians.Count; i++)
        {
            results.Add($"{DriverSets.All[i].Name}: {what}", medians[i], unit);
        }

        if (medians.Count > 1)
        {
            results.Add($"{DriverSets.All[0].Name} against {DriverSets.All[1].Name}: {what}", medians[0] / medians[1], "times");
        }
    }

    private static double GpioReads(Func<IGpioController> open)
    {
        using var lines = open().Request(new GpioRequest("board-gpio", [new GpioLine("line6")]));
        return Rate(() => lines.Read());
    }

    private static double I2cReads(Func<string, II2cBus> open, string path)
    {
        using var bus = open(path);
        byte[] register = [0];
        var answer = new byte[2];
        return Rate(() =>
        {
            if (bus.Transfer(Chip, register, answer) != I2cOutcome.Done)
            {
                throw new InvalidOperationException("the chip does not answer");
            }
        });
    }

    private static double EdgesThere(Func<IGpioController> open)
    {
        using var lines = open().Request(new GpioRequest("board-gpio", [new GpioLine("line7")], GpioEdges.Both));
        using var stop = new StopEvent(CancellationToken.None);
        var edges = new GpioEdge[16];
        var watch = Stopwatch.StartNew();
        var seen = 0;
        for (var i = 0; i < Edges; i++)
        {
            File.WriteAllText(Pull, i % 2 == 0 ? "pull-up" : "pull-down");
            if (lines.Wait(stop, 2_000) == Readiness.Readable)
            {
                seen += lines.ReadEdges(edges);
            }
        }

        var rate = seen / watch.Elapsed.TotalSeconds;
        File.WriteAllText(Pull, "pull-down");
        return rate;
    }

    private static double Rate(Action once)
    {
        for (var i = 0; i < 2_000; i++)
        {
            once();
        }

        var watch = Stopwatch.StartNew();
        long count = 0;
        while (watch.Elapsed < Slice)
        {
            for (var i = 0; i < 100; i++)
            {
                once();
            }

            count += 100;
        }

        return count / watch.Elapsed.TotalSeconds;
    }
}
