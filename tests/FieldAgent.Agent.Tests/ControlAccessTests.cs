using System.Net.Sockets;
using FieldAgent.Agent.Configuration;
using FieldAgent.Agent.Control;
using FieldAgent.Agent.Hosting;
using FieldAgent.Core;
using FieldAgent.Core.Configuration;
using FieldAgent.Delivery;
using FieldAgent.Devices;
using FieldAgent.Simulation;
using Microsoft.Extensions.Logging.Abstractions;

namespace FieldAgent.Agent.Tests;

/// <summary>Who may call the agent on the board, and do what.</summary>
public sealed class ControlAccessTests
{
    [Fact]
    [Promise("R109")]
    public void A_callers_role_comes_from_its_user_or_the_best_of_its_groups_and_strangers_have_none()
    {
        using var folder = new TempFolder();
        var access = new ControlAccess(
            ["technicians", "anna", "1007"], ["staff", "anna", "nobody-here"], own: 900,
            folder.Write("passwd", "root:x:0:0:root:/root:/bin/sh\nanna:x:1001:1001::/home/anna:\nbroken line\nbert:x:1002:1002::/:\n"),
            folder.Write("group", "root:x:0:\ntechnicians:x:2000:anna\nstaff:x:2001:\n"));
        Assert.Equal(ControlRole.Administrator, access.RoleOf(new ControlPeer(0, [0])));
        Assert.Equal(ControlRole.Administrator, access.RoleOf(new ControlPeer(900, [900])));
        Assert.Equal(ControlRole.Operator, access.RoleOf(new ControlPeer(1001, [1001])));
        Assert.Equal(ControlRole.Operator, access.RoleOf(new ControlPeer(1007, [1])));
        Assert.Equal(ControlRole.Viewer, access.RoleOf(new ControlPeer(1002, [1002, 2001])));
        Assert.Equal(ControlRole.Operator, access.RoleOf(new ControlPeer(1002, [2001, 2000])));
        Assert.Null(access.RoleOf(new ControlPeer(1002, [1002])));
        // The group 0 is not the user 0.
        Assert.Null(access.RoleOf(new ControlPeer(1002, [0])));
        Assert.Equal(["nobody-here"], access.Unknown);
    }

    [Fact]
    [Promise("R56", "R109")]
    public async Task Over_the_socket_each_role_does_what_it_may_and_refusals_are_plain_counted_and_audited()
    {
        using var folder = new TempFolder();
        var config = Load(folder, "");
        // No time passes: of refusals, one a minute stands in the audit.
        using var parts = new AgentParts(config, new SimulatedClock(), LinkLibrary.CreateFactory(), NullLoggerFactory.Instance);
        var peer = new ControlPeer(4711, [4711]);
        var access = new ControlAccess(["4712"], ["4713"], own: 900) { PeerOf = _ => peer };
        using var server = new ControlServer(
            config.ControlSocket, new ControlHandler(parts).Handle, access, parts.Counters, NullLogger<ControlServer>.Instance);
        await server.StartAsync(TestContext.Current.CancellationToken);
        Eventually.True(() => File.Exists(config.ControlSocket), "the control socket");

        ControlReply As(uint user, string op)
        {
            peer = new ControlPeer(user, [user]);
            return ControlClient.Call(config.ControlSocket, ControlRequest.Of(op, ("function", "photo"), ("id", "7")));
        }

        Assert.StartsWith("refused", As(4711, "status").Message, StringComparison.Ordinal);
        Assert.True(As(4713, "status").Ok);
        Assert.True(As(4713, "audit-verify").Ok);
        Assert.True(As(4713, "incidents-list").Ok);
        foreach (var op in new[] { "flush", "photo", "consent-grant", "consent-withdraw", "audit-show", "incidents-clear", "audit-renew" })
        {
            Assert.Contains("you have the role viewer", As(4713, op).Message, StringComparison.Ordinal);
        }

        Assert.True(As(4712, "flush").Ok);
        Assert.True(As(4712, "consent-grant").Ok);
        Assert.Contains("for the role administrator", As(4712, "audit-renew").Message, StringComparison.Ordinal);
        Assert.Equal(9, parts.Counters["control.refused"]);

        // The first refusal stands in the audit; the others within a minute only count.
        var refused = parts.Privacy.Audit.Read(1, 100).Select(static r => r.Entry!).Where(static e => e.Kind == AuditKind.Access).ToList();
        Assert.Equal(new AuditEntry(AuditKind.Access, "refused", Detail: "a call", Actor: "nobody of this board"), Assert.Single(refused));
        Assert.True(As(900, "audit-renew").Ok);
        await server.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    [Promise("R56")]
    public async Task The_kernel_says_who_calls_and_the_socket_is_the_owners_alone_where_nobody_else_is_configured()
    {
        using var folder = new TempFolder();
        var path = folder.File("control.sock");
        ControlRole? seen = null;
        var access = new ControlAccess([], [], OwnUser());
        using var server = new ControlServer(
            path, (_, role) => new ControlReply((seen = role) is not null), access, new Counters(), NullLogger<ControlServer>.Instance);
        await server.StartAsync(TestContext.Current.CancellationToken);
        Eventually.True(() => File.Exists(path), "the control socket");
        Assert.True(ControlClient.Call(path, new ControlRequest("status")).Ok);
        Assert.Equal(ControlRole.Administrator, seen);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        await server.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_call_that_takes_long_holds_nobody_up()
    {
        using var folder = new TempFolder();
        var path = folder.File("control.sock");
        using var begun = new CountdownEvent(3);
        using var end = new ManualResetEventSlim();
        using var server = new ControlServer(
            path,
            (request, _) =>
            {
                if (request.Op == "long")
                {
                    begun.Signal();
                    end.Wait();
                }

                return new ControlReply(true, request.Op);
            },
            new ControlAccess([], [], OwnUser()), new Counters(), NullLogger<ControlServer>.Instance);
        await server.StartAsync(TestContext.Current.CancellationToken);
        Eventually.True(() => File.Exists(path), "the control socket");
        var callers = Enumerable.Range(0, 3).Select(_ => Task.Factory.StartNew(
            () => ControlClient.Call(path, new ControlRequest("long")).Message, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)).ToList();
        try
        {
            Eventually.True(() => begun.IsSet, "three long calls at once");
            Assert.Equal("short", ControlClient.Call(path, new ControlRequest("short")).Message);
        }
        finally
        {
            end.Set();
        }

        Assert.Equal(["long", "long", "long"], await Task.WhenAll(callers));
        await server.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public void The_peer_of_a_real_socket_is_this_user_with_its_groups()
    {
        using var folder = new TempFolder();
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(folder.File("s")));
        listener.Listen();
        using var caller = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        caller.Connect(new UnixDomainSocketEndPoint(folder.File("s")));
        using var accepted = listener.Accept();
        var peer = ControlPeer.Of(accepted);
        Assert.Equal(OwnUser(), peer.User);
        var status = File.ReadAllLines("/proc/self/status");
        Assert.Contains(Numbers(status, "Gid:")[1], peer.Groups);
        Assert.All(Numbers(status, "Groups:"), group => Assert.Contains(group, peer.Groups));
    }

    [Theory]
    [InlineData("group-a", true, false)]
    [InlineData("group-a,1007", true, true)]
    [InlineData("1007", true, true)]
    [InlineData("", false, false)]
    public void The_sockets_mode_is_the_narrowest_that_lets_the_configured_ones_connect(string operators, bool group, bool others)
    {
        using var folder = new TempFolder();
        var own = Numbers(File.ReadAllLines("/proc/self/status"), "Gid:")[1];
        var path = folder.Write("control.sock", "");
        var access = new ControlAccess(
            operators.Split(',', StringSplitOptions.RemoveEmptyEntries), [], own: 900, folder.Write("passwd", ""), folder.Write("group", $"group-a:x:{own}:\n"));
        access.Protect(path);
        var mode = File.GetUnixFileMode(path);
        Assert.Equal((group, others), (mode.HasFlag(UnixFileMode.GroupWrite), mode.HasFlag(UnixFileMode.OtherWrite)));
    }

    [Fact]
    public void The_configuration_names_operators_and_viewers()
    {
        using var folder = new TempFolder();
        var config = Load(folder, """ "control": { "operators": ["technicians", "1000"], "viewers": ["staff"] }, """);
        Assert.Equal(["technicians", "1000"], config.ControlOperators);
        Assert.Equal(["staff"], config.ControlViewers);
    }

    private static AgentConfig Load(TempFolder folder, string more)
    {
        var errors = new ConfigErrors();
        var config = ConfigLoader.Load(folder.Write("config.json", $$"""
            { {{more}} "runtimeDirectory": "run", "state": { "directory": "state", "freeBytesMin": "0B" },
              "recipients": [ { "name": "vendor", "url": "mqtt://127.0.0.1:1" } ], "sensors": [] }
            """), new ConfigOverrides(), errors);
        Assert.Empty(errors.All);
        return config!;
    }

    private static uint OwnUser() => Numbers(File.ReadAllLines("/proc/self/status"), "Uid:")[1];

    private static uint[] Numbers(string[] status, string name) =>
        [.. status.First(line => line.StartsWith(name, StringComparison.Ordinal))[name.Length..]
            .Split((char[])['\t', ' '], StringSplitOptions.RemoveEmptyEntries)
            .Select(static n => uint.Parse(n, System.Globalization.CultureInfo.InvariantCulture))];
}
