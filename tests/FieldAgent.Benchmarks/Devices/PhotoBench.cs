using System.Globalization;
using FieldAgent.Testing;

namespace FieldAgent.Benchmarks.Devices;

/// <summary>A photograph on the virtual board: from the command until the consumer on the host has it whole, over TLS.</summary>
internal static class PhotoBench
{
    private const int Shots = 5;

    public static void Run(Results results)
    {
        using var delivery = new Board.Tests.DeliveryBoard { Shots = """ "warmUp": "1ms" """ };
        delivery.Live.StatusUntil(static s => LiveBoard.Sensor(s, "camera").GetProperty("state").GetString() == "Running", "the camera waits");
        DurablePath.Spin(() => delivery.Device.Length > 0, "the board's first batch");
        var port = delivery.PlainPort.ToString(CultureInfo.InvariantCulture);
        var delivered = Median(i =>
        {
            var seen = delivery.PhotoCount;
            var watch = System.Diagnostics.Stopwatch.StartNew();
            var (code, output) = Shell.Run(
                "mosquitto_pub", "-h", "127.0.0.1", "-p", port, "-q", "1", "-t", $"fieldagent/v1/{delivery.Device}/command/photo",
                "-m", $$"""{"id":"p-{{BenchBoard.Text(i)}}","expires":"2199-01-01T00:00:00Z"}""");
            if (code != 0)
            {
                throw new InvalidOperationException(output);
            }

            DurablePath.Spin(() => delivery.PhotoCount > seen, "the photograph");
            var elapsed = watch.Elapsed.TotalMilliseconds;
            return delivery.Photo(seen).Sound ? elapsed : throw new InvalidOperationException("a photograph that is not as its manifest says");
        });
        var alone = Median(_ => double.Parse(
            delivery.Live.Ok("""
                begin=$(date +%s%N)
                ffmpeg -nostdin -loglevel error -f video4linux2 -i /dev/video0 -ss 0.001 -frames:v 1 -q:v 2 -f image2pipe pipe:1 >/dev/null
                echo $((($(date +%s%N) - begin) / 1000000))
                """),
            CultureInfo.InvariantCulture));
        results.Add($"photograph, ffmpeg alone on the board (median of {BenchBoard.Text(Shots)})", alone, "ms");
        results.Add($"photograph, from command to delivered (median of {BenchBoard.Text(Shots)})", delivered, "ms");
        results.Add("photograph, agent against ffmpeg alone", delivered / alone, "ratio");
    }

    private static double Median(Func<int, double> shoot) => Enumerable.Range(0, Shots).Select(shoot).Order().ElementAt(Shots / 2);
}
