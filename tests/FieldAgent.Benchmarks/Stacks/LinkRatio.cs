namespace FieldAgent.Benchmarks.Stacks;

/// <summary>The durable path over each MQTT client that is built in: with <c>-p:MqttClient=MQTTnet</c> both, in turns, three times, in the same
/// run. Small blocks show the client, large ones what the rest of the path leaves of the difference.</summary>
internal static class LinkRatio
{
    private const int Rounds = 3;

    public static void Run(Results results)
    {
        using var broker = BenchBroker.Start();
        Compare(results, broker.Port, blockReadings: 10, rows: 40_000);
        Compare(results, broker.Port, blockReadings: 100, rows: 200_000);
        if (LinkClients.All.Count == 1)
        {
            results.Skipped("another client beside it", "built without -p:MqttClient=MQTTnet");
        }
    }

    private static void Compare(Results results, int port, int blockReadings, long rows)
    {
        var clients = LinkClients.All;
        var measured = clients.Select(static _ => new List<(double Rate, double CpuUs)>()).ToList();

        // The first round warms up and does not count.
        for (var round = 0; round <= Rounds; round++)
        {
            for (var i = 0; i < clients.Count; i++)
            {
                var one = DurablePath.Measure(port, blockReadings, rows, clients[i].Make());
                if (round > 0)
                {
                    measured[i].Add(one);
                }
            }
        }

        var medians = measured.Select(static all => all.OrderBy(static one => one.Rate).ElementAt(Rounds / 2)).ToList();
        for (var i = 0; i < clients.Count; i++)
        {
            results.Add($"{clients[i].Name}: blocks of {blockReadings}", medians[i].Rate, "readings/s");
            results.Add($"{clients[i].Name}: blocks of {blockReadings}, CPU", medians[i].CpuUs, "µs/reading");
        }

        if (clients.Count > 1)
        {
            var against = $"{clients[0].Name} against {clients[1].Name}, blocks of {blockReadings}";
            results.Add($"{against}: rate", medians[0].Rate / medians[1].Rate, "times");
            results.Add($"{against}: CPU", medians[0].CpuUs / medians[1].CpuUs, "times");
        }
    }
}
