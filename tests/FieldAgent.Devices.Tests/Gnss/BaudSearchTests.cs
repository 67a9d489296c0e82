using FieldAgent.Core;
using FieldAgent.Devices.Gnss;
using FieldAgent.Devices.Linux;

namespace FieldAgent.Devices.Tests.Gnss;

/// <summary>Which speed is tried when; time and what comes are made up.</summary>
public sealed class BaudSearchTests
{
    [Theory]
    [InlineData(9600)]
    [InlineData(38_400)]
    [InlineData(115_200)]
    [InlineData(4800)]
    [InlineData(57_600)]
    [InlineData(460_800)]
    public void The_receivers_speed_is_found_before_its_silence_is_a_fault(int true_speed)
    {
        var line = new Line(true_speed, remembered: 0);
        line.RunUntil(() => line.Search.IsFound, 30);
        Assert.Equal(true_speed, line.Search.Baud);
    }

    [Fact]
    public void A_remembered_speed_comes_first_and_a_found_one_stays_through_silence_and_single_faults()
    {
        var line = new Line(115_200, remembered: 115_200);
        Assert.Equal(115_200, line.Search.Baud);
        line.RunUntil(() => line.Search.IsFound, 3);
        line.IsSilent = true;
        line.Run(600);
        Assert.True(line.Search is { IsFound: true, Baud: 115_200 });
        line.IsSilent = false;
        line.Run(60);
        Assert.True(line.Search is { IsFound: true, Baud: 115_200 });
        Assert.Equal(0, line.Changes);
    }

    [Fact]
    public void Only_garbage_at_the_found_speed_begins_the_search_again()
    {
        var line = new Line(9600, remembered: 0);
        line.RunUntil(() => line.Search.IsFound, 3);
        line.TrueSpeed = 57_600;
        line.RunUntil(() => !line.Search.IsFound, 10);
        line.RunUntil(() => line.Search.IsFound, 30);
        Assert.Equal(57_600, line.Search.Baud);
    }

    [Fact]
    public void A_single_good_sentence_is_chance_and_a_speed_that_the_device_cannot_do_is_passed_over()
    {
        var search = new BaudSearch(0, 0);
        Assert.False(search.Look(1, 1, 80));
        Assert.False(search.IsFound);
        Assert.True(search.Look(3 * ClockExtensions.NsPerSecond, 1, 80));
        Assert.Equal(38_400, search.Baud);
        Assert.True(search.Next(4 * ClockExtensions.NsPerSecond));
        Assert.Equal(115_200, search.Baud);
    }

    [Fact]
    public void A_line_takes_another_speed_while_it_is_open()
    {
        using var pty = new Pty();
        using var line = SerialLine.Open(pty.Path, 9600);
        foreach (var speed in new[] { 38_400, 115_200, 4800, 57_600 })
        {
            Assert.True(line.TryChange(pty.Path, speed));
            Assert.Equal(speed, SpeedOf(line));
        }
    }

    private static unsafe int SpeedOf(SerialLine line)
    {
        Libc.Termios termios = default;
        Assert.Equal(0, Libc.TcGetAttr(line.Descriptor.Number, &termios));
        return Libc.CfGetOSpeed(&termios) switch
        {
            0xC => 4800,
            0xF => 38_400,
            0x1001 => 57_600,
            0x1002 => 115_200,
            _ => 0,
        };
    }

    /// <summary>A receiver that sends five sentences a second: good at its speed, and garbage of the same length at others.</summary>
    private sealed class Line(int trueSpeed, int remembered)
    {
        private long _nowNs;
        private long _good;
        private long _bytes;

        public BaudSearch Search { get; } = new(0, remembered);

        public int TrueSpeed { get; set; } = trueSpeed;

        public bool IsSilent { get; set; }

        public int Changes { get; private set; }

        public void Run(int seconds)
        {
            for (var i = 0; i < seconds * 5; i++)
            {
                _nowNs += ClockExtensions.NsPerSecond / 5;
                _good += !IsSilent && Search.Baud == TrueSpeed ? 1 : 0;
                _bytes += IsSilent ? 0 : 70;
                Changes += Search.Look(_nowNs, _good, _bytes) ? 1 : 0;
            }
        }

        public void RunUntil(Func<bool> condition, int seconds)
        {
            for (var i = 0; i < seconds && !condition(); i++)
            {
                Run(1);
            }

            Assert.True(condition());
        }
    }
}
