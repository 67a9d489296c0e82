using System.Globalization;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Devices.Tests;

/// <summary>Readings of other programs through a real socket.</summary>
public sealed class SharedUplinkTests : IDisposable
{
    private const string Hello = """{"source":"pump","streams":[{"name":"flow","unit":"L/min","scale":0.01},{"name":"level","unit":"%"}]}""";

    private readonly TempFolder _root = new();

    private static string Me => AgentUser().ToString(CultureInfo.InvariantCulture);

    public void Dispose() => _root.Dispose();

    [Fact]
    [Promise("R15", "R49")]
    public void A_program_hands_rows_over_under_its_tag_and_bad_ones_cost_nothing_but_themselves()
    {
        using var host = new RecordingHost();
        using (host.Start(Sensor()))
        {
            using var program = Connect(host);
            Assert.Equal("{\"ok\":true}", program.Say(Hello));
            program.Tell("""{"values":[1.25,80]}""");
            program.Tell("""{"values":[null,81]}""");
            foreach (var bad in new[]
            {
                "nonsense", "{}", "[]", """{"values":[1]}""", """{"values":[1,2,3]}""", """{"values":[null,null]}""", """{"values":[1,"2"]}""",
                """{"values":[1,2],"ageMs":-1}""", """{"values":[1,2],"ageMs":864000000}""", """{"values":[1,2],"shell":"ls"}""",
                """{"values":[1,2]} {"values":[1,2]}""", """{"values":[1e999,2]}""", "",
            })
            {
                Assert.StartsWith("{\"ok\":false", program.Say(bad), StringComparison.Ordinal);
            }

            program.Tell("""{"ageMs":0,"values":[2.5,82]}""");
            Eventually.True(() => host.Rows.Count == 3, "three rows");
            Assert.Equal("connected: pump", host.Description);
        }

        Assert.All(host.Rows, static row => Assert.Equal(("uplink.pump", "foreign.reading"), (row.Set.Name, row.Set.Field)));
        Assert.Equal([1.25, null, 2.5], host.Rows.Select(static row => row["flow"]));
        Assert.Equal([80, 81, 82], host.Rows.Select(static row => row["level"]));
        Assert.Equal(13, host.Skips["malformed"]);
    }

    [Fact]
    [Promise("R33")]
    public void The_socket_and_the_list_of_programs_exist_only_while_the_function_runs()
    {
        using var host = new RecordingHost();
        Assert.False(File.Exists(_root.File("uplink.sock")));
        using (host.Start(Sensor()))
        {
            using var program = Connect(host);
            Assert.Equal("no program is connected", host.Description);
            program.Say(Hello);
            Eventually.True(() => host.Description == "connected: pump", "the program in the list");
            program.Dispose();
            Eventually.True(() => host.Description == "no program is connected", "an empty list");
        }

        Assert.False(File.Exists(_root.File("uplink.sock")));
    }

    [Fact]
    public void Programs_that_say_nothing_for_long_are_no_call_that_hangs()
    {
        using var host = new RecordingHost();
        using (host.Start(Sensor()))
        {
            using var program = Connect(host);
            program.Say(Hello);
            Eventually.True(() => host.Description == "connected: pump", "the program in the list");
            var before = host.Described;
            Eventually.True(() => host.Described > before + 1, "signs of life without a row");
        }
    }

    [Theory]
    [Promise("R56", "R76")]
    [InlineData("""{"source":"somebody","streams":[{"name":"a","unit":"1"}]}""", "refused-caller")]
    [InlineData("""{"source":"pump","streams":[]}""", "malformed")]
    [InlineData("""{"source":"pump","streams":[{"name":"A B","unit":"1"}]}""", "malformed")]
    [InlineData("""{"source":"pump","streams":[{"name":"a","unit":"1"},{"name":"a","unit":"1"}]}""", "malformed")]
    [InlineData("""{"source":"pump","streams":[{"name":"a","unit":"1","scale":-1}]}""", "malformed")]
    [InlineData("""{"source":"pump"}""", "malformed")]
    [InlineData("""{"publish":"fieldagent/v1/x/data/telemetry"}""", "malformed")]
    [InlineData("GET / HTTP/1.1", "malformed")]
    [InlineData("""{"values":[1]}""", "malformed")]
    public void Who_does_not_say_who_it_is_is_answered_and_hung_up_on(string first, string counted)
    {
        using var host = new RecordingHost();
        using (host.Start(Sensor()))
        {
            using var program = Connect(host);
            Assert.StartsWith("{\"ok\":false", program.Say(first), StringComparison.Ordinal);
            Assert.Null(program.Read());
            Eventually.True(() => host.Skips.GetValueOrDefault(counted) == 1, counted);
        }

        Assert.Empty(host.Rows);
    }

    [Fact]
    [Promise("R56")]
    public void Another_user_is_refused_although_it_knows_the_tag()
    {
        using var host = new RecordingHost();
        using (host.Start(Sensor(user: "54321")))
        {
            using var program = Connect(host);
            Assert.Contains("this user may not", program.Say(Hello), StringComparison.Ordinal);
        }

        _root.Write("etc/passwd", $"root:x:0:0::/root:/bin/sh\npumpd:x:{Me}:100::/:/bin/false\n");
        using (host.Start(Sensor(user: "pumpd")))
        {
            using var program = Connect(host);
            Assert.Equal("{\"ok\":true}", program.Say(Hello));
        }
    }

    [Fact]
    [Promise("R77")]
    public void A_program_is_admitted_by_its_path_and_hash()
    {
        var program = _root.Write("opt/pump", "the program");
        var hash = Convert.ToHexStringLower(SHA256.HashData("the program"u8));
        Directory.CreateDirectory(_root.File($"proc/{Environment.ProcessId}"));
        File.CreateSymbolicLink(_root.File($"proc/{Environment.ProcessId}/exe"), program);
        Assert.Equal("{\"ok\":true}", Answer(program, hash));
        Assert.Equal("{\"ok\":true}", Answer(program, hash.ToUpperInvariant()));
        Assert.Contains("may not speak", Answer("/usr/bin/other", hash), StringComparison.Ordinal);
        File.WriteAllText(program, "another program");
        Assert.Contains("hash differs", Answer(program, hash), StringComparison.Ordinal);
        File.Delete(_root.File($"proc/{Environment.ProcessId}/exe"));
        Assert.StartsWith("{\"ok\":false", Answer(program, hash), StringComparison.Ordinal);

        string? Answer(string path, string digest)
        {
            using var host = new RecordingHost();
            using (host.Start(Sensor(more: $$""", "program": "{{path}}", "sha256": "{{digest}}" """)))
            {
                using var caller = Connect(host);
                return caller.Say(Hello);
            }
        }
    }

    [Fact]
    public void An_overlong_line_ends_the_call_and_many_callers_are_bounded()
    {
        using var host = new RecordingHost();
        using (host.Start(Sensor()))
        {
            using var program = Connect(host);
            Assert.Contains("4096", program.Say(new string('x', SharedUplinkLimits.LineBytesMax)), StringComparison.Ordinal);
            var callers = Enumerable.Range(0, SharedUplinkLimits.CallersMax + 1).Select(_ => Connect(host)).ToList();
            Eventually.True(() => host.Skips.GetValueOrDefault("too-many-callers") >= 1, "a refused caller");
            callers.ForEach(static c => c.Dispose());
        }

        Assert.Equal(1, host.Skips["overlong"]);
    }

    [Fact]
    public void A_program_that_is_faster_than_the_store_waits_and_loses_nothing()
    {
        // More than the socket and the store hold together.
        const int Rows = 8_000;
        using var host = new RecordingHost(rowsMax: 64);
        using (host.Start(Sensor()))
        {
            using var program = Connect(host);
            program.Say(Hello);
            var writer = new Thread(() =>
            {
                try
                {
                    for (var i = 0; i < Rows; i++)
                    {
                        program.Tell(string.Create(CultureInfo.InvariantCulture, $"{{\"values\":[{i},0]}}"));
                    }
                }
                catch (Exception e) when (e is SocketException or ObjectDisposedException)
                {
                    // The test has ended before its time, and says why.
                }
            })
            { IsBackground = true };
            writer.Start();
            Eventually.True(() => host.Rows.Count == Rows, "all rows", 120);
            writer.Join();
        }

        Assert.Equal(Enumerable.Range(0, Rows).Select(static i => (double?)i), host.Rows.Select(static row => row["flow"]));
    }

    [Fact]
    public void Without_a_descriptor_for_a_caller_it_waits_says_so_and_lets_the_caller_in_later()
    {
        using var host = new RecordingHost();
        var (tries, left) = (0, false);
        var sensor = new SharedUplinkSensor(
            new Core.SensorSetup("uplink", new SharedUplinkKind().Shape.Bind(ConfigNode.Parse("{}"u8.ToArray(), new ConfigErrors())!, new ConfigErrors()), _root.Path, _root.Path),
            [new UplinkSource("pump", Me, null, null, "foreign.reading", "contract")], _root.File("uplink.sock"),
            listener =>
            {
                Interlocked.Increment(ref tries);
                return Volatile.Read(ref left) ? listener.Accept() : throw new SocketException((int)SocketError.TooManyOpenSockets);
            });
        using (host.Start(sensor))
        {
            using var program = Connect(host);
            program.Tell(Hello);
            for (var second = 1; second <= 3; second++)
            {
                // While nobody is connected it waits for the time at which it may look again, and for nothing else.
                Eventually.True(() => host.Time.Waiting == 1, "it waits");
                Assert.Equal(second, Volatile.Read(ref tries));
                Assert.Contains("LimitNOFILE", host.Description, StringComparison.Ordinal);
                Assert.Equal(2, host.Described);
                Volatile.Write(ref left, second == 3);
                host.Time.Advance(TimeSpan.FromSeconds(1));
            }

            Assert.Equal("{\"ok\":true}", program.Read());
            Eventually.True(() => host.Description == "connected: pump", "the program in the list");
        }

        Assert.Equal(4, tries);
        Assert.Equal(3, host.Skips["no-descriptor"]);
    }

    [Theory]
    [Promise("R15")]
    [InlineData("""{ "name": "pump", "user": "1" }""", "basis")]
    [InlineData("""{ "name": "pump", "user": "1", "basis": "habit" }""", "basis")]
    [InlineData("""{ "name": "pump", "user": "1", "basis": "contract", "field": "instrument.measurement" }""", "foreign.")]
    [InlineData("""{ "name": "pump", "user": "1", "basis": "contract", "sha256": "00" }""", "sha256sum")]
    [InlineData("""{ "user": "1", "basis": "contract" }""", "name")]
    [InlineData("""{ "name": "pump", "user": "1", "basis": "contract" }, { "name": "pump", "user": "2", "basis": "contract" }""", "another source")]
    public void A_source_without_tag_field_and_basis_cannot_be_configured(string sources, string says)
    {
        var errors = new ConfigErrors();
        RecordingHost.Create(new SharedUplinkKind(), $$"""{ "sources": [ {{sources}} ] }""", errors, _root.Path, "uplink");
        Assert.Contains(errors.All, e => e.ToString().Contains(says, StringComparison.Ordinal));
    }

    private static uint AgentUser()
    {
        foreach (var line in File.ReadLines("/proc/self/status"))
        {
            if (line.StartsWith("Uid:", StringComparison.Ordinal))
            {
                return uint.Parse(line.Split('\t')[2], CultureInfo.InvariantCulture);
            }
        }

        return 0;
    }

    private Core.ISensor Sensor(string? user = null, string more = "") => RecordingHost.Create(
        new SharedUplinkKind(), $$"""{ "sources": [ { "name": "pump", "user": "{{user ?? Me}}", "basis": "contract" {{more}} } ] }""",
        _root.Path, "uplink");

    private Program Connect(RecordingHost host)
    {
        var path = _root.File("uplink.sock");
        Eventually.True(() => File.Exists(path) && host.Description.Length > 0, "the socket");
        return new Program(path);
    }

    private sealed class Program : IDisposable
    {
        private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = 30_000 };
        private readonly StreamReader _reader;

        public Program(string path)
        {
            // Its file is there before anybody listens.
            Eventually.True(() => TryConnect(path), "somebody listens");
            _reader = new StreamReader(new NetworkStream(_socket, ownsSocket: true));
        }

        private bool TryConnect(string path)
        {
            try
            {
                _socket.Connect(new UnixDomainSocketEndPoint(path));
                return true;
            }
            catch (SocketException)
            {
                return false;
            }
        }

        public void Tell(string line) => _socket.Send(Encoding.UTF8.GetBytes(line + "\n"));

        public string? Say(string line)
        {
            Tell(line);
            return Read();
        }

        public string? Read()
        {
            try
            {
                return _reader.ReadLine();
            }
            catch (IOException)
            {
                return null;
            }
        }

        public void Dispose() => _reader.Dispose();
    }
}
