using System.Text;
using System.Text.Json;
using FieldAgent.Core;
using Microsoft.Extensions.Logging.Abstractions;

namespace FieldAgent.Delivery.Tests;

/// <summary>Commands to groups: matched on the board, only while that is granted, and not often.</summary>
public sealed class GroupTests
{
    private static readonly GroupSettings North = new() { Names = ["north", "all"], PerHour = 2, Zone = TimeZoneInfo.Utc };

    private readonly SteppingClock _clock = new();
    private readonly FakeGate _gate = new();
    private readonly Counters _counters = new();

    [Fact]
    [Promise("R47")]
    public void A_command_to_a_group_of_this_board_is_done_once_and_one_to_another_is_nobodys()
    {
        var router = Router(North);
        Assert.True(Ok(Send(router, "group/north/command/flush", "a")));
        Assert.True(Ok(Send(router, "group/all/command/flush", "b")));
        foreach (var topic in new[]
        {
            "group/south/command/flush", "group/north/data/flush", "group/north/command/", "group/north/command/a/b", "group//command/flush",
            "group/north", "group/", "group/+/command/flush",
        })
        {
            Assert.Null(Send(router, topic, "c"));
        }

        Assert.Equal(8, _counters["commands.stray"]);
        Assert.Null(Send(Router(new GroupSettings()), "group/north/command/flush", "d"));
    }

    [Fact]
    [Promise("R47")]
    public void A_group_has_so_many_commands_an_hour_and_another_group_and_the_board_itself_are_not_affected()
    {
        var router = Router(North);
        Assert.True(Ok(Send(router, "group/north/command/flush", "a")));
        Assert.True(Ok(Send(router, "group/north/command/flush", "b")));
        Assert.Equal("rate-limited", Reason(Send(router, "group/north/command/flush", "c")));
        Assert.True(Ok(Send(router, "group/all/command/flush", "d")));
        Assert.True(Ok(Send(router, Blocks.Pseudonym + "/command/flush", "e")));
        _clock.Advance(TimeSpan.FromMinutes(31));
        Assert.True(Ok(Send(router, "group/north/command/flush", "f")));
    }

    [Theory]
    [InlineData("22:00", "06:00", 23, true)]
    [InlineData("22:00", "06:00", 5, true)]
    [InlineData("22:00", "06:00", 6, false)]
    [InlineData("22:00", "06:00", 12, false)]
    [InlineData("12:00", "14:00", 13, true)]
    [InlineData("12:00", "14:00", 14, false)]
    [InlineData("00:00", "00:00", 3, false)]
    public void In_quiet_hours_groups_are_not_heard(string from, string until, int hour, bool quiet)
    {
        var invariant = System.Globalization.CultureInfo.InvariantCulture;
        var router = Router(North with { QuietFrom = TimeSpan.Parse(from, invariant), QuietUntil = TimeSpan.Parse(until, invariant) });
        var now = ClockExtensions.ToDate(_clock.Now().WallUnixNs);
        _clock.Advance(now.Date.AddDays(1).AddHours(hour) - now.UtcDateTime);
        var reply = Send(router, "group/north/command/flush", "a");
        Assert.Equal(quiet, !Ok(reply));
        Assert.Equal(quiet ? "quiet" : "", Reason(reply));
        Assert.True(Ok(Send(router, Blocks.Pseudonym + "/command/flush", "b")));
    }

    [Fact]
    [Promise("R47")]
    public void Without_a_grant_it_is_not_subscribed_and_a_withdrawal_ends_it_within_the_connection()
    {
        var rig = new CourierRig();
        rig.Settings = rig.Settings with { Groups = North };
        rig.Gate.Deny(GroupSettings.Function, GroupSettings.Field, DenyReason.NotGranted);
        var step = 0;
        rig.OnIdle = () =>
        {
            switch (step)
            {
                case 0:
                    Assert.Equal([CourierRig.Topic("command/+")], Filters(rig));
                    rig.Gate.Allow(GroupSettings.Function, GroupSettings.Field);
                    step++;
                    break;
                case 1 when Filters(rig).Count > 1:
                    Assert.Equal(
                        [CourierRig.Topic("command/+"), "fieldagent/v1/group/all/command/+", "fieldagent/v1/group/north/command/+"], Filters(rig).Order());
                    rig.Gate.Deny(GroupSettings.Function, GroupSettings.Field, DenyReason.Withdrawn);
                    step++;
                    break;
                case 2 when Filters(rig).Count == 1:
                    step++;
                    break;
            }
        };
        rig.RunUntil(() => step == 3);
    }

    private static List<string> Filters(CourierRig rig) => rig.Broker.FiltersOf(Blocks.Pseudonym);

    private static bool Ok(CommandReply? reply) => JsonDocument.Parse(reply!.Payload).RootElement.GetProperty("ok").GetBoolean();

    private static string Reason(CommandReply? reply) =>
        JsonDocument.Parse(reply!.Payload).RootElement.TryGetProperty("reason", out var reason) ? reason.GetString()! : "";

    private CommandRouter Router(GroupSettings groups) => new(
        "vendor", new Topics(Blocks.Pseudonym), new FakeCommandLedger(), [new Done()], _clock, _counters, new CommandLimits(), NullLogger.Instance,
        new GroupDesk(groups, _gate, _clock));

    private static CommandReply? Send(CommandRouter router, string topic, string id) => router.Handle(
        new LinkMessage
        {
            Topic = Topics.Root + topic, Payload = Encoding.UTF8.GetBytes($$"""{"id":"{{id}}","expires":"2199-01-01T00:00:00Z"}"""),
        },
        MqttVersion.V5);

    private sealed class Done : ICommandHandler
    {
        public string Name => "flush";

        public CommandOutcome Handle(CommandRequest request) => CommandOutcome.Done("{}");
    }
}
