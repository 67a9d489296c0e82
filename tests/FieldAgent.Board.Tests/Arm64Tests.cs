using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using FieldAgent.Devices.Gpio;
using FieldAgent.Devices.I2c;
using FieldAgent.Devices.Linux;

namespace FieldAgent.Board.Tests;

/// <summary>The arm64 kernel, as most boards have it: one boot, in which a small native program prints how that processor's C lays out what goes
/// to the kernel, and the agent reads lines and a chip where there is a runtime for it to be published with.</summary>
public sealed class Arm64Tests(Arm64Tests.OneBoot boot) : IClassFixture<Arm64Tests.OneBoot>
{
    [Fact]
    public unsafe void The_agents_structures_and_request_numbers_are_those_of_the_processors_C()
    {
        GpioUapi.LineRequest request;
        GpioUapi.LineEvent edge;
        LinuxI2cBus.Message message;
        LinuxI2cBus.Messages messages;
        var own = new Dictionary<string, long>
        {
            ["gpiochip_info"] = sizeof(GpioUapi.ChipInfo),
            ["gpio_v2_line_info"] = sizeof(GpioUapi.LineInfo),
            ["gpio_v2_line_config_attribute"] = sizeof(GpioUapi.ConfigAttribute),
            ["gpio_v2_line_config"] = sizeof(GpioUapi.LineConfig),
            ["gpio_v2_line_request"] = sizeof(GpioUapi.LineRequest),
            ["gpio_v2_line_request.consumer"] = At(&request, request.Consumer),
            ["gpio_v2_line_request.config"] = At(&request, &request.Config),
            ["gpio_v2_line_request.num_lines"] = At(&request, &request.LineCount),
            ["gpio_v2_line_request.event_buffer_size"] = At(&request, &request.EventBufferSize),
            ["gpio_v2_line_request.fd"] = At(&request, &request.Fd),
            ["gpio_v2_line_values"] = sizeof(GpioUapi.LineValues),
            ["gpio_v2_line_event"] = sizeof(GpioUapi.LineEvent),
            ["gpio_v2_line_event.id"] = At(&edge, &edge.Id),
            ["gpio_v2_line_event.offset"] = At(&edge, &edge.Offset),
            ["gpio_v2_line_event.seqno"] = At(&edge, &edge.Sequence),
            ["gpio_v2_line_event.line_seqno"] = At(&edge, &edge.LineSequence),
            ["i2c_msg"] = sizeof(LinuxI2cBus.Message),
            ["i2c_msg.buf"] = At(&message, &message.Buffer),
            ["i2c_rdwr_ioctl_data"] = sizeof(LinuxI2cBus.Messages),
            ["i2c_rdwr_ioctl_data.nmsgs"] = At(&messages, &messages.Count),
            ["pollfd"] = sizeof(Libc.PollFd),
            ["GPIO_GET_CHIPINFO_IOCTL"] = (long)GpioUapi.GetChipInfo,
            ["GPIO_V2_GET_LINEINFO_IOCTL"] = (long)GpioUapi.GetLineInfo,
            ["GPIO_V2_GET_LINE_IOCTL"] = (long)GpioUapi.GetLine,
            ["GPIO_V2_LINE_GET_VALUES_IOCTL"] = (long)GpioUapi.GetValues,
            ["GPIO_V2_LINE_SET_VALUES_IOCTL"] = (long)GpioUapi.SetValues,
            ["I2C_RDWR"] = LinuxI2cBus.TransferRequest,
            ["TIOCEXCL"] = Libc.TIOCEXCL,
            ["TIOCNXCL"] = Libc.TIOCNXCL,
        };
        var there = File.ReadLines(boot.Share.File("layouts.txt"))
            .Select(static line => line.Replace(" =", "", StringComparison.Ordinal).Split(' '))
            .ToDictionary(static pair => pair[0], static pair => long.Parse(pair[1], CultureInfo.InvariantCulture));
        foreach (var (name, value) in own)
        {
            Assert.True(there.TryGetValue(name, out var theirs) && theirs == value, $"{name}: {value} here, {theirs} there");
        }

        // What has room to spare here: the agent's termios, timex and timespec are read by their own offsets.
        Assert.True(there["termios"] <= sizeof(Libc.Termios));
        Assert.Equal((208, 40, 16), (there["timex"], there["timex.status"], there["timespec"]));

        static long At(void* start, void* member) => (byte*)member - (byte*)start;
    }

    [Fact]
    public void The_agent_reads_lines_and_a_chip_there()
    {
        var share = boot.Share;
        Assert.SkipWhen(boot.NoProgram is not null, $"skipped: {boot.NoProgram}");
        var door = Values(share, "door.json");
        Assert.Equal([0, 1, 0, 1, 0], door.Select(static reading => reading.Value).Take(5));
        var climate = Values(share, "climate.json").ToDictionary(static reading => reading.Stream, static reading => reading.Value);
        Assert.Equal(25.08, climate["climate.temperature"], 2);
        Assert.Equal(100_653, climate["climate.pressure"], 0);
    }

    private static List<(string Stream, double Value)> Values(TempFolder share, string file) =>
        [.. File.ReadLines(share.File(file)).Where(static line => line.EndsWith('}')).Select(static line =>
        {
            using var reading = JsonDocument.Parse(line);
            return (reading.RootElement.GetProperty("stream").GetString()!, reading.RootElement.GetProperty("value").GetDouble());
        })];

    /// <summary>Publishes, boots, runs everything, and switches off.</summary>
    public sealed class OneBoot : IDisposable
    {
        private readonly TempFolder _program = new();
        private VirtualBoard? _board;

        /// <summary>Why there is no agent for arm64; null when there is. Known after <see cref="Share"/>.</summary>
        public string? NoProgram { get; private set; }

        /// <summary>What the board left in /share; boots it the first time, and skips the test where it cannot.</summary>
        public TempFolder Share => (_board ??= Boot()).Share;

        public void Dispose()
        {
            _board?.Dispose();
            _program.Dispose();
        }

        private VirtualBoard Boot()
        {
            NoProgram = Publish();
            var board = new VirtualBoard("arm64", NoProgram is null ? _program.Path : null);
            board.Share.Write("config.json", """
                { "runtimeDirectory": "/run/fieldagent", "state": { "directory": "/tmp/state" }, "recipients": [], "sensors": [
                  { "name": "door", "kind": "gpio", "lines": [ { "name": "door", "line": "line3" } ] },
                  { "name": "climate", "kind": "i2c", "map": "bme280", "bus": "/run/i2c-bus", "interval": "1s" } ] }
                """);
            var (code, output) = board.Run(
                """
                layouts >layouts.txt || exit 1
                [ -e fieldagent ] || exit 0
                # BMP280 data sheet (BST-BMP280-DS001), 3.12
                put() { printf "$(echo "$2" | sed 's/../\\x&/g')" | dd of=/sys/kernel/debug/fieldagent-i2c/76 bs=1 seek=$(($1)) conv=notrunc status=none; }
                put 0xd0 60
                put 0x88 706b436718fc7d8e43d6d00b270b8c00f9ff8c3cf8c67017
                put 0xf7 655ac07eed00
                fieldagent sample --config config.json --sensor door --count 5 --json >door.json &
                agent=$!
                fieldagent sample --config config.json --sensor climate --count 3 --json >climate.json || exit 1
                until [ -s door.json ]; do sleep 0.5; done
                for i in 1 2; do
                  echo pull-up >/run/gpio/line3/pull; sleep 0.5
                  echo pull-down >/run/gpio/line3/pull; sleep 0.5
                done
                wait $agent
                """,
                "--arch", "arm64");
            Assert.True(code == 0, output);
            return board;
        }

        private string? Publish()
        {
            // Neither trimmed nor compiled ahead: that takes longer than the boot.
            using var build = Process.Start(new ProcessStartInfo(
                "dotnet",
                [
                    "publish", Path.Join(Places.Repository, "src/FieldAgent.Agent"), "-r", "linux-arm64", "--self-contained", "-o", _program.Path,
                    "-p:PublishSingleFile=true", "-v", "quiet", "--nologo", "-m:1",
                ])
            { RedirectStandardOutput = true })!;
            var output = build.StandardOutput.ReadToEnd();
            build.WaitForExit();
            return build.ExitCode == 0 ? null
                : output.Contains("NU110", StringComparison.Ordinal) || output.Contains("NETSDK1112", StringComparison.Ordinal)
                    ? "a .NET runtime for linux-arm64"
                : throw new InvalidOperationException(output);
        }
    }
}
