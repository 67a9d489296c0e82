using System.Security.Cryptography;
using System.Text;

namespace FieldAgent.Faults.Tests;

/// <summary>What really goes over a broker, against the published contract and the exact positions of a recording.</summary>
public sealed class EndToEndContractTests
{
    // Cells of 1 km: bands of this many degrees, each cut into as many equal parts as its circumference holds.
    private const double Band = 0.009;

    [Theory]
    [InlineData("0B")]
    [InlineData("1B")]
    [Promise("R45")]
    public void Every_message_keeps_the_contract_and_no_exact_position_leaves_the_receiver(string compressAbove)
    {
        using var board = new Board();
        using var broker = new MosquittoBroker();
        using var cloud = new CloudSide(broker);
        board.Configure(Board.Url(broker.Port), string.Join(',', Board.Simulated(), EndToEndBoard.Gnss, EndToEndBoard.Camera(""", "interval": "1s" """)),
            tls: $$""", "compressAbove": "{{compressAbove}}" """);
        var said = new StringBuilder();
        said.Append(EndToEndBoard.Ok(board, "consent", "grant", "fleet-location", "--precision", "1km"));
        said.Append(EndToEndBoard.Ok(board, "consent", "grant", "photo"));
        said.Append(EndToEndBoard.Ok(board, "consent", "show"));
        using var agent = board.Run();
        cloud.Until(
            () => cloud.Batches("telemetry").Count() > 3 && cloud.Batches("fleet-location").Any() && cloud.Of("image").Count() > 1
                && cloud.Of("state").Any(static m => m.Text.Contains("gnss.position", StringComparison.Ordinal)),
            "readings, places, photographs and their meaning", agent);

        // While the board is on: its write-ahead log counts as well.
        var exact = new ExactPositions(EndToEndBoard.Recording);
        foreach (var (name, bytes) in EndToEndBoard.FilesIn(board.State))
        {
            exact.AssertAbsent(name, bytes, alsoBinary: true);
        }

        said.Append(board.Command("status").Out).Append(board.Command("status", "--json").Out);
        var shown = cloud.Messages.Count;
        said.Append(EndToEndBoard.Ok(board, "consent", "withdraw", "photo"));
        EndToEndBoard.StopInOrder(agent);
        cloud.Until(() => cloud.Messages.Skip(shown).Any(static m => m.Schema == "state" && !m.Json.GetProperty("online").GetBoolean()), "the goodbye");

        AssertSchemas(cloud);
        Assert.Equal(compressAbove == "1B", cloud.Of("batch").All(static m => m.Encoding == "br"));
        AssertPhotos(cloud);
        AssertOnGrid(cloud, exact);
        foreach (var message in cloud.Messages)
        {
            exact.AssertAbsent(message.Topic, Encoding.UTF8.GetBytes(message.Topic));
            exact.AssertAbsent(message.Topic, message.Plain);
        }

        exact.AssertAbsent("the log", Encoding.UTF8.GetBytes(agent.Error + agent.Out));
        exact.AssertAbsent("the command line's output", Encoding.UTF8.GetBytes(said.ToString()));
        foreach (var (name, bytes) in EndToEndBoard.FilesIn(board.State))
        {
            exact.AssertAbsent(name, bytes, alsoBinary: true);
        }
    }

    private static void AssertSchemas(CloudSide cloud)
    {
        using var schemas = new ContractSchemas();
        foreach (var message in cloud.Messages)
        {
            if (message.Schema is { } schema)
            {
                schemas.Add(schema, message.Plain);
            }
        }

        Assert.Superset(new HashSet<string> { "batch", "image", "state" }, schemas.Used.ToHashSet());
        Assert.Equal("", schemas.Violations());
    }

    private static void AssertPhotos(CloudSide cloud)
    {
        var whole = 0;
        foreach (var manifest in cloud.Of("image"))
        {
            var image = manifest.Json.GetProperty("image");
            var id = image.GetProperty("id").GetString();
            var chunks = cloud.Messages
                .Where(m => m.Rest.StartsWith($"data/photo/{id}/", StringComparison.Ordinal))
                .DistinctBy(static m => m.Topic)
                .OrderBy(static m => int.Parse(m.Topic.Split('/')[^1], System.Globalization.CultureInfo.InvariantCulture))
                .ToList();
            if (chunks.Count < image.GetProperty("chunks").GetInt32())
            {
                // The last one may have been withdrawn on its way.
                continue;
            }

            byte[] jpeg = [.. chunks.SelectMany(static m => m.Payload)];
            Assert.Equal(image.GetProperty("bytes").GetInt64(), jpeg.Length);
            Assert.Equal(image.GetProperty("sha256").GetString(), Convert.ToHexStringLower(SHA256.HashData(jpeg)));
            AssertNoMetadata(jpeg);
            whole++;
        }

        Assert.True(whole > 0, "no whole photograph arrived");
    }

    private static void AssertNoMetadata(byte[] jpeg)
    {
        Assert.Equal((byte)0xFF, jpeg[0]);
        Assert.Equal((byte)0xD8, jpeg[1]);
        for (var i = 2; i + 4 <= jpeg.Length;)
        {
            Assert.Equal((byte)0xFF, jpeg[i]);
            var marker = jpeg[i + 1];
            Assert.False(marker is 0xE1 or 0xFE, $"segment {marker:X2} at {i}");
            if (marker == 0xDA)
            {
                return;
            }

            i += 2 + (jpeg[i + 2] << 8) + jpeg[i + 3];
        }

        Assert.Fail("the picture has no scan");
    }

    private static void AssertOnGrid(CloudSide cloud, ExactPositions exact)
    {
        var places = 0;
        foreach (var batch in cloud.Batches("fleet-location"))
        {
            Assert.True(batch.Json.TryGetProperty("consent", out _));
            var latitudes = EndToEndBoard.Values(batch, "latitude").ToList();
            var longitudes = EndToEndBoard.Values(batch, "longitude").ToList();
            Assert.Equal(latitudes.Count, longitudes.Count);
            Assert.Equal(EndToEndBoard.Readings(batch), latitudes.Count + longitudes.Count);
            for (var i = 0; i < latitudes.Count; i++)
            {
                var row = Math.Floor((latitudes[i] + 90) / Band);
                var middle = ((row + 0.5) * Band) - 90;
                Assert.Equal(middle, latitudes[i], 1e-9);
                var columns = Math.Floor(360 / Band * Math.Cos(double.DegreesToRadians(middle)));
                var column = Math.Floor((longitudes[i] + 180) / 360 * columns);
                Assert.Equal(Math.Round((((column + 0.5) * 360 / columns) - 180) * 1e4) / 1e4, longitudes[i], 1e-9);

                // And it is the cell of the walk, not any cell.
                Assert.InRange(latitudes[i], exact.Range.Min - Band, exact.Range.Max + Band);
                Assert.InRange(longitudes[i], exact.Range.Min - Band, exact.Range.Max + Band);
                places++;
            }
        }

        Assert.True(places > 0);
    }
}
