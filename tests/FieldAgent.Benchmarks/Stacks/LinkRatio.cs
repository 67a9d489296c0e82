using FieldAgent.Core;

namespace FieldAgent.Benchmarks.Stacks;

/// <summary>The durable path over each MQTT client that is built in: with <c>-p:MqttClient=MQTTnet</c> both, one after the other, three times,
/// in the same run.</summary>
internal static class LinkRatio
{
    private const int Rounds = 3;
    private const int BlockReadings = 100;
    private const long Rows = 200_000;

    public static void Run(Results results)
    {
        using var broker = BenchBroker.Start();
        var clients = LinkClients.All;
        var measured = clients.ToDictionary(static client => client.Name, static _ => new List<(double Rate, double CpuUs)>());
        foreach (var (_, make) in clients)
        {
            DurablePath.Measure(broker.Port, BlockReadings, Rows, make());
        }

        for (var round = 0; round < Rounds; round++)
        {
            foreach (var (name, make) in clients)
            {
                measured[name].Add(DurablePath.Measure(broker.Port, BlockReadings, Rows, make()));
            }
        }

        var medians = clients.ToDictionary(
            static client => client.Name, client => measured[client.Name].OrderBy(static one => one.Rate).ElementAt(Rounds / 2));
        foreach (var (name, (rate, cpu)) in medians)
        {
            results.Add($"{name}: blocks of 100", rate, "readings/s");
            results.Add($"{name}: CPU", cpu, "µs/reading");
        }

        if (clients.Count > 1)
        {
            var (first, second) = (medians[clients[0].Name], medians[clients[1].Name]);
            results.Add($"{clients[0].Name} against {clients[1].Name}: rate", first.Rate / second.Rate, "times");
            results.Add($"{clients[1].Name} against {clients[0].Name}: CPU", second.CpuUs / first.CpuUs, "times");
        }
        else
        {
            results.Skipped("another client beside it", "built without -p:MqttClient=MQTTnet");
        }
    }
}
