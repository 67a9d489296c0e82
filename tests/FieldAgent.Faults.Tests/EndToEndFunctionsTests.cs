using System.Globalization;
using System.Net.Sockets;
using System.Text;
using FieldAgent.Core;

namespace FieldAgent.Faults.Tests;

/// <summary>The functions that the policy names, over a real broker: off without a grant, on with it, and nothing left behind.</summary>
public sealed class EndToEndFunctionsTests
{
    private const string Later = "\"expires\":\"2199-01-01T00:00:00Z\"";

    [Fact]
    [Promise("R28", "R29", "R33", "R34", "R47", "R49", "R80")]
    public void What_is_granted_arrives_what_is_not_does_not_and_nothing_but_the_state_is_retained()
    {
        using var board = new Board();
        using var broker = new MosquittoBroker();
        using var cloud = new CloudSide(broker);
        using var schemas = new ContractSchemas();
        WriteTree(board);
        board.Configure(
            Board.Url(broker.Port),
            string.Join(',', Board.Simulated(interval: "1s"), """{ "name": "health", "kind": "health", "interval": "1s" }""",
                """{ "name": "activity", "kind": "activity" }""", $$"""
                { "name": "uplink", "kind": "shared-uplink", "sources": [ { "name": "pump", "user": "{{Me()}}", "basis": "contract" } ] }
                """),
            state: """}, "groups": { "names": ["north"]""");
        using var agent = board.Run();
        cloud.Until(() => cloud.Messages.Any(static m => m.Rest == "facts") && cloud.Batches("telemetry").Any(), "facts and telemetry", agent);
        var facts = cloud.Messages.First(static m => m.Rest == "facts").Json.GetProperty("document").GetProperty("document");
        Assert.Equal("Raspberry Pi 4 Model B Rev 1.4", facts.GetProperty("facts").GetProperty("device.model").GetString());

        var status = board.StatusUntil(static s => EndToEndBoard.StateOf(s, "env") == "Running", "a running sensor", agent);
        foreach (var sensor in new[] { "health", "activity", "uplink" })
        {
            Assert.Equal("Closed", EndToEndBoard.StateOf(status, sensor));
        }

        var socket = Path.Join(board.Runtime, "uplink.sock");
        Assert.False(File.Exists(socket));
        cloud.Publish("fieldagent/v1/group/north/command/flush", $$"""{"id":"g-0",{{Later}}}""");
        var seen = cloud.Messages.Count;
        cloud.Until(() => cloud.Batches("telemetry").Count() > 3 && cloud.Messages.Count > seen, "more telemetry", agent);
        Assert.DoesNotContain(cloud.Messages, static m => m.Rest.StartsWith("result/", StringComparison.Ordinal));
        Assert.DoesNotContain(cloud.Messages, static m => m.Schema == "batch" && !m.Rest.StartsWith("data/telemetry", StringComparison.Ordinal));

        foreach (var function in new[] { "diagnostics", "activity", "shared-uplink", "group-commands" })
        {
            EndToEndBoard.Ok(board, "consent", "grant", function);
        }

        using (var program = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            Eventually.True(() => Connects(program, socket), "the socket", 60);
            program.Send(Encoding.UTF8.GetBytes(
                "{\"source\":\"pump\",\"streams\":[{\"name\":\"flow\",\"unit\":\"L/min\",\"scale\":0.01}]}\n{\"values\":[12.34]}\n"));
            cloud.Until(() => cloud.Batches("shared-uplink").Any(), "a program's readings", agent);
            Assert.Contains(12.34, cloud.Batches("shared-uplink").SelectMany(static b => EndToEndBoard.Values(b, "flow")).Select(static v => Math.Round(v, 6)));
            board.StatusUntil(
                static s => EndToEndBoard.SensorOf(s, "uplink").GetRawText().Contains("connected: pump", StringComparison.Ordinal), "the list of programs", agent);
        }

        cloud.Until(() => cloud.Batches("diagnostics").Any(), "health", agent);
        var asked = 0;
        cloud.Until(
            () =>
            {
                // The subscription follows the grant; until then the command goes past.
                cloud.Publish("fieldagent/v1/group/north/command/flush", $$"""{"id":"g-{{++asked}}",{{Later}}}""");
                return cloud.Messages.Any(static m => m.Rest == "result/flush");
            },
            "a group's command", agent);

        EndToEndBoard.Ok(board, "consent", "withdraw", "shared-uplink");
        Eventually.True(() => !File.Exists(socket), "the socket is gone", 60);
        EndToEndBoard.StopInOrder(agent);

        foreach (var message in cloud.Messages.Where(static m => m.Rest is "facts"))
        {
            schemas.Add("notice", message.Plain);
        }

        foreach (var batch in cloud.Of("batch"))
        {
            schemas.Add("batch", batch.Plain);
        }

        Assert.Equal("", schemas.Violations());

        // Whoever comes later finds the state of the board at the broker and nothing else.
        using var late = new CloudSide(broker, "late");
        late.Until(() => late.Messages.Count > 0, "the retained state");
        Assert.All(late.Messages, static m => Assert.Equal("state", m.Rest));
        Assert.All(
            cloud.Messages.Where(static m => !m.Topic.StartsWith("fieldagent/v1/group/", StringComparison.Ordinal)),
            m => Assert.StartsWith($"fieldagent/v1/{late.Device}/", m.Topic, StringComparison.Ordinal));
    }

    [Fact]
    [Promise("R51")]
    public void A_command_sent_while_the_board_is_away_is_done_once_it_is_back()
    {
        using var board = new Board();
        using var broker = new MosquittoBroker();
        using var cloud = new CloudSide(broker);
        board.Configure(Board.Url(broker.Port), Board.Simulated(interval: "1s"));
        using (var agent = board.Run())
        {
            cloud.Until(() => cloud.Batches("telemetry").Any(), "telemetry", agent);
            EndToEndBoard.StopInOrder(agent);
        }

        cloud.Publish($"fieldagent/v1/{cloud.Device}/command/flush", $$"""{"id":"away-1",{{Later}}}""");
        using (var agent = board.Run())
        {
            var result = cloud.Next(0, "result/flush", agent);
            Assert.Equal("away-1", result.Json.GetProperty("id").GetString());
            Assert.True(result.Json.GetProperty("ok").GetBoolean(), result.Text);
            EndToEndBoard.StopInOrder(agent);
        }
    }

    [Fact]
    [Promise("R58")]
    public void Every_file_that_the_agent_has_open_for_writing_lies_in_its_own_folders()
    {
        using var board = new Board();
        using var broker = new MosquittoBroker();
        using var cloud = new CloudSide(broker);
        board.Configure(Board.Url(broker.Port), Board.Simulated(interval: "100ms"));
        using var agent = board.Run();
        cloud.Until(
            () =>
            {
                Assert.DoesNotContain(Written(agent.Id), path => !path.StartsWith(board.State, StringComparison.Ordinal));
                return cloud.Batches("telemetry").Count() > 5;
            },
            "telemetry", agent);
        EndToEndBoard.StopInOrder(agent);
    }

    // What is on a disk: pipes, sockets, terminals, memory and the kernel's own files are none.
    private static IEnumerable<string> Written(int process)
    {
        foreach (var link in Directory.EnumerateFileSystemEntries($"/proc/{process}/fd"))
        {
            string? target;
            string flags;
            try
            {
                target = new FileInfo(link).LinkTarget;
                flags = File.ReadLines($"/proc/{process}/fdinfo/{Path.GetFileName(link)}").First(static l => l.StartsWith("flags:", StringComparison.Ordinal));
                if (new FileInfo(link).LinkTarget != target)
                {
                    // Closed in between, and another file has its number.
                    continue;
                }
            }
            catch (Exception e) when (e is IOException or InvalidOperationException)
            {
                continue;
            }

            if (target is ['/', ..] && !target.StartsWith("/dev/", StringComparison.Ordinal) && !target.StartsWith("/proc/", StringComparison.Ordinal)
                && !target.StartsWith("/memfd:", StringComparison.Ordinal) && (Convert.ToInt32(flags[6..].Trim(), 8) & 3) != 0)
            {
                yield return target;
            }
        }
    }

    private static bool Connects(Socket program, string socket)
    {
        try
        {
            program.Connect(new UnixDomainSocketEndPoint(socket));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static void WriteTree(Board board)
    {
        foreach (var (name, text) in new[]
        {
            ("sys/firmware/devicetree/base/model", "Raspberry Pi 4 Model B Rev 1.4\0"), ("sys/class/thermal/thermal_zone0/temp", "45000\n"),
            ("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n"),
        })
        {
            var path = board.File("root/" + name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, text);
        }
    }

    private static string Me() => File.ReadLines("/proc/self/status").First(static l => l.StartsWith("Uid:", StringComparison.Ordinal)).Split('\t')[2]
        .ToString(CultureInfo.InvariantCulture);
}
