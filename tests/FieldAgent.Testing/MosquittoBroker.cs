using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using FieldAgent.Core;
using Xunit;

namespace FieldAgent.Testing;

/// <summary>How a <see cref="MosquittoBroker"/> is set up. The default: plaintext on loopback, anyone may do anything.</summary>
public sealed record MosquittoSetup
{
    /// <summary>Certificates to serve TLS with; null: plaintext.</summary>
    public TestPki? Pki { get; init; }

    /// <summary>The certificate to show; null: the one for localhost and 127.0.0.1.</summary>
    public TestCertificate? ServerCertificate { get; init; }

    /// <summary>Lets nobody in without a certificate of the test authority.</summary>
    public bool RequireClientCertificate { get; init; }

    /// <summary>User names and passwords; empty: anonymous.</summary>
    public IReadOnlyDictionary<string, string> Users { get; init; } = new Dictionary<string, string>();

    /// <summary>Lines of an access list (<c>topic read a/#</c>); empty: none.</summary>
    public IReadOnlyList<string> AccessList { get; init; } = [];

    /// <summary>Keeps sessions and retained messages through <see cref="MosquittoBroker.Stop"/>.</summary>
    public bool Persistence { get; init; }

    /// <summary>Largest packet it accepts; 0: its own limit.</summary>
    public int PacketBytesMax { get; init; }

    /// <summary>Receive maximum it states; 0: its own (20).</summary>
    public int ReceiveMaximum { get; init; }

    /// <summary>Further lines of mosquitto.conf, after the listener. The default: it drops nothing of what waits for a consumer, however long a test
    /// looks elsewhere.</summary>
    public IReadOnlyList<string> ExtraLines { get; init; } = ["max_queued_messages 0"];
}

/// <summary>A real mosquitto on a free loopback port with a temporary folder. Skips the test by name where mosquitto is absent.
/// Ends no process but its own.</summary>
public sealed partial class MosquittoBroker : IDisposable
{
    private const int SigTerm = 15;

    private readonly MosquittoSetup _setup;

    // Nobody else gets the port, before the broker listens there or while it is away.
    private readonly ClosedPort _port = new();
    private readonly TempFolder _folder = new();
    private readonly StringBuilder _log = new();
    private readonly string _program;
    private Process? _process;
    private int _logStart;

    /// <summary>Starts a broker and waits until it accepts connections.</summary>
    public MosquittoBroker(MosquittoSetup? setup = null)
    {
        _setup = setup ?? new MosquittoSetup();
        _program = Places.Program("mosquitto");
        AppDomain.CurrentDomain.ProcessExit += OnProcessExit;
        WriteConfiguration();
        Assert.True(TryStart(), $"mosquitto does not start:\n{Log}");
    }

    /// <summary>The TCP port, the same after a restart.</summary>
    public int Port => _port.Number;

    /// <summary>True while the process runs.</summary>
    public bool IsRunning => _process is { HasExited: false };

    /// <summary>What it has written so far.</summary>
    public string Log
    {
        get
        {
            lock (_log)
            {
                return _log.ToString();
            }
        }
    }

    /// <summary>Options that reach this broker: with TLS the test authority, and the client certificate where one is required.</summary>
    public LinkOptions Options(string clientId, MqttVersion version = MqttVersion.V5) => new()
    {
        Host = _setup.Pki is null ? "127.0.0.1" : "localhost",
        Port = Port,
        ClientId = clientId,
        Version = version,
        ConnectTimeout = TimeSpan.FromSeconds(30),
        Tls = _setup.Pki is not { } pki ? null : new LinkTls(
            pki.Authority.CertificateFile,
            _setup.RequireClientCertificate ? pki.Client.CertificateFile : null,
            _setup.RequireClientCertificate ? pki.Client.KeyFile : null,
            null),
    };

    /// <summary>Starts it again on the same port, after <see cref="Stop"/> or <see cref="Kill"/>.</summary>
    public void Start()
    {
        Assert.False(IsRunning, "the broker runs already");
        Eventually.True(TryStart, $"mosquitto starts again at port {Port}");
    }

    /// <summary>Ends it in order (SIGTERM): it says goodbye to its clients and saves what it is to keep.</summary>
    public void Stop()
    {
        if (_process is { HasExited: false } process)
        {
            _ = SendSignal(process.Id, SigTerm);
            if (!process.WaitForExit(30_000))
            {
                process.Kill();
            }
        }

        Forget();
    }

    /// <summary>Ends it at once (SIGKILL), as a power cut would.</summary>
    public void Kill()
    {
        if (_process is { HasExited: false } process)
        {
            process.Kill();
            process.WaitForExit();
        }

        Forget();
    }

    public void Dispose()
    {
        AppDomain.CurrentDomain.ProcessExit -= OnProcessExit;
        Kill();
        _port.Dispose();
        _folder.Dispose();
    }

    private void OnProcessExit(object? sender, EventArgs e) => Kill();

    private void Forget()
    {
        _process?.Dispose();
        _process = null;
    }

    private bool TryStart()
    {
        var start = new ProcessStartInfo(_program, ["-c", _folder.File("mosquitto.conf")])
        {
            UseShellExecute = false,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        lock (_log)
        {
            _logStart = _log.Length;
        }

        var process = new Process { StartInfo = start };
        process.OutputDataReceived += Keep;
        process.ErrorDataReceived += Keep;
        process.Start();
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        _process = process;
        var accepts = false;
        Eventually.True(() => process.HasExited || (accepts = Accepts()), "mosquitto accepts connections, or ends");

        if (accepts && !process.HasExited)
        {
            return true;
        }

        Kill();
        return false;
    }

    private bool Accepts()
    {
        // Before it says so, another program may be what accepts at that port.
        if (!Log.AsSpan(_logStart).Contains("running", StringComparison.Ordinal))
        {
            return false;
        }

        try
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Connect(IPAddress.Loopback, Port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private void Keep(object sender, DataReceivedEventArgs e)
    {
        lock (_log)
        {
            _log.AppendLine(e.Data);
        }
    }

    private void WriteConfiguration()
    {
        var text = new StringBuilder();
        Line("per_listener_settings false");
        Line("log_dest stderr");
        Line("log_type all");
        if (Environment.UserName == "root")
        {
            // Else it gives up root and cannot read the temporary folder.
            Line("user root");
        }

        if (_setup.Persistence)
        {
            Line("persistence true");
            Line($"persistence_location {_folder.Path}/");
            Line("autosave_interval 1");
        }

        if (_setup.PacketBytesMax > 0)
        {
            Line(FormattableString.Invariant($"max_packet_size {_setup.PacketBytesMax}"));
        }

        if (_setup.ReceiveMaximum > 0)
        {
            Line(FormattableString.Invariant($"max_inflight_messages {_setup.ReceiveMaximum}"));
        }

        Line(_setup.Users.Count == 0 ? "allow_anonymous true" : $"allow_anonymous false\npassword_file {WritePasswords()}");
        if (_setup.AccessList.Count > 0)
        {
            Line($"acl_file {_folder.Write("acl", string.Join('\n', _setup.AccessList) + "\n")}");
        }

        Line(FormattableString.Invariant($"listener {Port} 127.0.0.1"));
        Line("socket_domain ipv4");
        if (_setup.Pki is { } pki)
        {
            var server = _setup.ServerCertificate ?? pki.Server;
            Line($"cafile {pki.Authority.CertificateFile}");
            Line($"certfile {server.CertificateFile}");
            Line($"keyfile {server.KeyFile}");
            Line($"require_certificate {(_setup.RequireClientCertificate ? "true" : "false")}");
        }

        foreach (var line in _setup.ExtraLines)
        {
            Line(line);
        }

        _folder.Write("mosquitto.conf", text.ToString());

        void Line(string line) => text.Append(CultureInfo.InvariantCulture, $"{line}\n");
    }

    private string WritePasswords()
    {
        var program = Places.Program("mosquitto_passwd");
        var path = _folder.Write("passwords", string.Concat(_setup.Users.Select(static user => $"{user.Key}:{user.Value}\n")));
        using var hashing = Process.Start(new ProcessStartInfo(program, ["-U", path]))!;
        hashing.WaitForExit();
        Assert.Equal(0, hashing.ExitCode);
        return path;
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SendSignal(int processId, int signal);
}
