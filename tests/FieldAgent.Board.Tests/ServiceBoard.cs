using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace FieldAgent.Board.Tests;

/// <summary>The virtual board as a board in the field is: systemd, udev and an SSH server run on it, and what is changed outlives a restart. A
/// test reaches it as a technician does, with ssh and deploy.sh.</summary>
internal sealed partial class ServiceBoard : IDisposable
{
    private const int BootSeconds = 600;
    private const int CallSeconds = 600;

    // Chips that answer: a BME280 at 0x76 with the data sheet's sample (BST-BMP280-DS001, 3.12), an LM75 at 0x48 with 25.5 degrees.
    private const string Script = """
        mkdir -p -m 700 /root/.ssh
        install -m 600 key.pub /root/.ssh/authorized_keys
        grep -q broker.example /etc/hosts || printf '127.0.0.1 localhost\n10.0.2.2 broker.example\n' >>/etc/hosts
        cat >/root/put <<'TXT'
        # put CHIP REGISTER HEX : what the chip's registers hold
        put() { printf "$(echo "$3" | tr -d ' ' | sed 's/../\\x&/g')" | dd of=/sys/kernel/debug/fieldagent-i2c/$1 bs=1 seek=$(($2)) conv=notrunc status=none; }
        TXT
        cat >/root/chips <<'TXT'
        . /root/put
        put 76 0xd0 60
        put 76 0x88 '706b4367 18fc7d8e 43d6d00b 270b8c00 f9ff8c3c f8c67017'
        put 76 0xf7 '655ac07eed00'
        put 48 0 1980
        modprobe lm75
        echo lm75 0x48 >/sys/bus/i2c/devices/$(basename "$(readlink /run/i2c-bus)")/new_device
        TXT
        . /root/chips
        touch up
        until [ -e stop ]; do sleep 0.5; done
        rm -f stop
        """;

    private readonly VirtualBoard _board = new();
    private readonly TempFolder _tools = new();
    private readonly ClosedPort _port = new();
    private readonly string _ssh = Places.Program("ssh");
    private readonly StringBuilder _said = new();
    private Process? _machine;
    private Process? _connection;

    public ServiceBoard()
    {
        Assert.Equal(0, Call(Places.Program("ssh-keygen"), ["-q", "-t", "ed25519", "-N", "", "-f", _tools.File("key")]).Code);
        File.Copy(_tools.File("key.pub"), _board.Share.File("key.pub"));
        Directory.CreateDirectory(Build);
        foreach (var file in new[] { "fieldagent", "libe_sqlite3.so" })
        {
            File.Copy(_board.Share.File(file), Path.Join(Build, file));
        }

        // The board's host key is as new as the board; all calls share one connection.
        File.WriteAllText(_tools.File("ssh"),
            $"#!/bin/sh\nexec {_ssh} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -S {_tools.File("c")} \"$@\"\n");
        File.SetUnixFileMode(_tools.File("ssh"), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        _board.Share.Write("boot.sh", Script.ReplaceLineEndings("\n"));
    }

    /// <summary>The board's SSH port, at 127.0.0.1.</summary>
    public int Port => _port.Number;

    /// <summary>A build, as deploy.sh leaves it in out/.</summary>
    public string Build => _tools.File("build");

    /// <summary>Files for this test.</summary>
    public TempFolder Tools => _tools;

    /// <summary>What the board sees as /share.</summary>
    public TempFolder Share => _board.Share;

    /// <summary>Boots, and waits until it can be reached.</summary>
    public void Boot()
    {
        File.Delete(Share.File("up"));
        _machine = Start("bash",
        [
            Path.Join(Places.Repository, "hardware/virtual-board/board"), "run", "--systemd", "--keep", "--disk", _tools.File("disk"), "--share", Share.Path,
            "--forward", string.Create(CultureInfo.InvariantCulture, $"{Port}:22"), "--pid-file", _tools.File("pid"), "--time", "1800", "--", "bash", "boot.sh",
        ]);
        _machine.OutputDataReceived += Keep;
        _machine.ErrorDataReceived += Keep;
        _machine.BeginOutputReadLine();
        _machine.BeginErrorReadLine();
        Eventually.True(() => File.Exists(Share.File("up")) || _machine.HasExited, "the board is up", BootSeconds);
        Assert.False(_machine.HasExited, _said.ToString());
        Connect();
    }

    /// <summary>Switches it off and on as <c>systemctl reboot</c> does.</summary>
    public void Reboot()
    {
        Shell("systemctl reboot");
        Eventually.True(() => _machine!.HasExited, "the board goes down", BootSeconds);
        End(ref _connection);
        End(ref _machine);
        Boot();
    }

    /// <summary>Runs lines of bash on the board as root.</summary>
    /// <returns>Exit code, and what it wrote.</returns>
    public (int Code, string Output) Shell(string script) =>
        Call(_tools.File("ssh"), [.. Options, "root@127.0.0.1", "bash -s"], script.ReplaceLineEndings("\n"));

    /// <summary>The same, which must end with 0.</summary>
    /// <returns>What it wrote.</returns>
    public string Must(string script)
    {
        var (code, output) = Shell(script);
        Assert.True(code == 0, $"{code}: {output}");
        return output;
    }

    /// <summary>Runs <c>./deploy.sh COMMAND root@127.0.0.1 ARGUMENTS</c>.</summary>
    public (int Code, string Output) Deploy(string command, params string[] arguments) => Call("bash",
    [
        Path.Join(Places.Repository, "deploy.sh"), command, "root@127.0.0.1", "--port", Port.ToString(CultureInfo.InvariantCulture), "--identity", _tools.File("key"),
        .. arguments,
    ]);

    public void Dispose()
    {
        End(ref _connection);
        if (_machine is { HasExited: false })
        {
            File.WriteAllText(Share.File("stop"), "");
            if (!_machine.WaitForExit(30_000) && int.TryParse(File.ReadAllText(_tools.File("pid")), CultureInfo.InvariantCulture, out var machine))
            {
                _ = SendSignal(machine, 9);
                _machine.WaitForExit();
            }
        }

        End(ref _machine);
        _port.Dispose();
        _tools.Dispose();
        _board.Dispose();
    }

    private string[] Options => ["-o", "BatchMode=yes", "-p", Port.ToString(CultureInfo.InvariantCulture), "-i", _tools.File("key")];

    private void Connect()
    {
        // The server may come up after what the board was started for; until then a call is refused, and made again.
        Eventually.True(
            () =>
            {
                if (_connection is null or { HasExited: true })
                {
                    End(ref _connection);
                    _connection = Start(_tools.File("ssh"), ["-M", "-N", .. Options, "root@127.0.0.1"]);
                }

                return File.Exists(_tools.File("c"));
            },
            "SSH answers", BootSeconds);
    }

    private (int Code, string Output) Call(string program, IReadOnlyList<string> arguments, string input = "")
    {
        using var process = Start(program, arguments);
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        Assert.True(process.WaitForExit(CallSeconds * 1000), $"{program} {string.Join(' ', arguments)} does not end");
        return (process.ExitCode, output.GetAwaiter().GetResult() + error.GetAwaiter().GetResult());
    }

    private Process Start(string program, IReadOnlyList<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["PATH"] = _tools.Path + ":" + Environment.GetEnvironmentVariable("PATH");
        return Process.Start(start)!;
    }

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        lock (_said)
        {
            _said.AppendLine(line.Data);
        }
    }

    private static void End(ref Process? process)
    {
        if (process is { HasExited: false })
        {
            process.Kill();
            process.WaitForExit();
        }

        process?.Dispose();
        process = null;
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SendSignal(int pid, int signal);
}
