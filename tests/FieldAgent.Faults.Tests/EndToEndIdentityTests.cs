using System.Text;
using FieldAgent.Delivery;

namespace FieldAgent.Faults.Tests;

/// <summary>Who the board is, and with whom it speaks.</summary>
public sealed class EndToEndIdentityTests
{
    private const string BoardName = "bench-of-miss-marple";

    [Fact]
    [Promise("R19")]
    public void No_identifier_of_the_board_is_in_a_message_a_topic_the_client_id_a_file_or_the_log()
    {
        using var board = new Board();
        using var broker = new MosquittoBroker();
        using var cloud = new CloudSide(broker);
        board.Configure(Board.Url(broker.Port), Board.Simulated());
        var config = File.ReadAllText(board.ConfigFile);
        File.WriteAllText(board.ConfigFile, $$"""{ "board": "{{BoardName}}", {{config[(config.IndexOf('{', StringComparison.Ordinal) + 1)..]}}""");
        using var agent = board.Run();
        cloud.Until(() => cloud.Batches("telemetry").Count() > 3, "telemetry", agent);
        cloud.Ask("status", """{"id":"s-1","expires":"2199-01-01T00:00:00Z"}""", agent);

        // The board's own folder is what an identifier is looked for in, while it works and after.
        foreach (var (what, identifier) in Identifiers())
        {
            foreach (var (name, bytes) in EndToEndBoard.FilesIn(board.State))
            {
                AssertAbsent(what, identifier, name, bytes);
            }
        }

        EndToEndBoard.StopInOrder(agent);
        foreach (var (what, identifier) in Identifiers())
        {
            foreach (var message in cloud.Messages)
            {
                AssertAbsent(what, identifier, "a topic", Encoding.UTF8.GetBytes(message.Topic));
                AssertAbsent(what, identifier, message.Topic, message.Plain);
            }

            foreach (var (name, bytes) in EndToEndBoard.FilesIn(board.State))
            {
                AssertAbsent(what, identifier, name, bytes);
            }

            AssertAbsent(what, identifier, "the log", Encoding.UTF8.GetBytes(agent.Error + agent.Out));
        }

        // mosquitto: "New client connected from 127.0.0.1:PORT as CLIENT (…)".
        var clients = broker.Log.Split('\n').Where(static l => l.Contains("New client connected", StringComparison.Ordinal))
            .Select(static l => l[(l.IndexOf(" as ", StringComparison.Ordinal) + 4)..].Split(' ')[0]).Distinct().Order(StringComparer.Ordinal);
        Assert.Equal(new[] { "cloud", cloud.Device }.Order(StringComparer.Ordinal), clients);
        Assert.All(Identifiers(), i => AssertAbsent(i.What, i.Text, "the client id", Encoding.UTF8.GetBytes(cloud.Device)));
    }

    [Fact]
    [Promise("R66")]
    public void With_a_client_certificate_data_arrives_and_without_it_the_status_names_the_fault()
    {
        using var pki = new TestPki();
        using var broker = new MosquittoBroker(new MosquittoSetup { Pki = pki, RequireClientCertificate = true });
        using var cloud = new CloudSide(broker);
        using var board = new Board();
        var url = $"mqtts://localhost:{broker.Port}";
        board.Configure(url, Board.Simulated(), tls: $$"""
            , "tls": { "ca": "{{pki.Authority.CertificateFile}}", "certificate": "{{pki.Client.CertificateFile}}", "key": "{{pki.Client.KeyFile}}" }
            """);
        using (var agent = board.Run())
        {
            cloud.Until(() => cloud.Batches("telemetry").Count() > 3, "telemetry over TLS", agent);
            EndToEndBoard.StopInOrder(agent);
        }

        board.Configure(url, Board.Simulated(), tls: $$""", "tls": { "ca": "{{pki.Authority.CertificateFile}}" }""");
        using var bare = board.Run();
        var status = board.StatusUntil(
            static s => EndToEndBoard.Link(s).GetProperty("detail").GetString()!.Contains("certificate", StringComparison.OrdinalIgnoreCase),
            "a fault of the link that names the certificate", bare);
        Assert.Equal(0, EndToEndBoard.Link(status).GetProperty("acknowledged").GetInt64());
        EndToEndBoard.StopInOrder(bare);
    }

    /// <summary>What would name this machine; texts too short to be told from chance are left out.</summary>
    private static List<(string What, string Text)> Identifiers()
    {
        var found = new List<(string What, string Text)> { ("the board's name", BoardName), ("the host name", Environment.MachineName) };
        foreach (var (what, file) in new[] { ("the machine id", "/etc/machine-id"), ("the boot id", "/proc/sys/kernel/random/boot_id") })
        {
            if (File.Exists(file))
            {
                var text = File.ReadAllText(file).Trim();
                found.Add((what, text));
                found.Add((what, text.Replace("-", "", StringComparison.Ordinal)));
            }
        }

        // A machine may be called by a word of the contract.
        var words = File.ReadAllText(Path.Join(Places.Repository, "src/FieldAgent.Privacy/policy/fieldagent-policy.json")) + Topics.Root + "localhost telemetry vendor";
        found.RemoveAll(i => i.Text.Length < 6 || words.Contains(i.Text, StringComparison.OrdinalIgnoreCase));
        return found;
    }

    private static void AssertAbsent(string what, string identifier, string where, byte[] bytes)
    {
        Assert.True(bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(identifier)) < 0, $"{what} is in {where}");
        if (identifier.Length == 32 && identifier.All(char.IsAsciiHexDigit))
        {
            Assert.True(bytes.AsSpan().IndexOf(Convert.FromHexString(identifier)) < 0, $"{what} is in {where} as bytes");
        }
    }
}
