using System.Globalization;
using FieldAgent.Core;
using FieldAgent.Delivery;
using FieldAgent.Devices;
using FieldAgent.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace FieldAgent.Board.Tests;

/// <summary>The virtual board with its camera, a broker over TLS on this machine, and a consumer that listens. Switched on when it is first asked for.</summary>
public sealed class DeliveryBoard : IDisposable
{
    /// <summary>Smaller than a photograph.</summary>
    internal const int PacketBytesMax = 8_000;

    // The broker's certificate is for this name; the board finds the host by it.
    private const string Host = "broker.example";

    private readonly List<PhotoArrived> _photos = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly ClosedPort _plainPort = new();
    private TestPki? _pki;
    private VirtualBoard? _board;
    private LiveBoard? _live;
    private MosquittoBroker? _broker;
    private Consumer? _consumer;
    private Thread? _listening;

    /// <summary>How often the camera shoots, and how long it warms up.</summary>
    internal string Shots { get; init; } = """
        "interval": "4s", "warmUp": "2s"
        """;

    /// <summary>Its sensors; a simulated one and the camera.</summary>
    internal string? Sensors { get; init; }

    /// <summary>The port of this machine at which a program here finds the broker.</summary>
    internal int PlainPort => _plainPort.Number;

    /// <summary>The board's pseudonym; empty before the first batch.</summary>
    internal string Device { get; private set; } = "";

    internal LiveBoard Live
    {
        get
        {
            if (_live is null)
            {
                Boot();
            }

            return _live!;
        }
    }

    internal MosquittoBroker Broker => _broker!;

    internal TempFolder Share => _board!.Share;

    internal int PhotoCount
    {
        get
        {
            lock (_photos)
            {
                return _photos.Count;
            }
        }
    }

    internal PhotoArrived Photo(int index)
    {
        lock (_photos)
        {
            return _photos[index];
        }
    }

    /// <summary>What is stored by now arrives, each reading once.</summary>
    internal void AssertAllArrived()
    {
        var stored = Live.Status().GetProperty("store").GetProperty("readingsStored").GetInt64();
        Eventually.True(() => _consumer!.Report().Readings >= stored, $"{stored} readings arrive", 300);
        var report = _consumer!.Report();
        Assert.Equal((0L, 0L), (report.Missing, report.Invalid));
    }

    public void Dispose()
    {
        _live?.Dispose();
        _stop.Cancel();
        _listening?.Join();
        _broker?.Dispose();
        _plainPort.Dispose();
        _board?.Dispose();
        _pki?.Dispose();
        _stop.Dispose();
    }

    private void Boot()
    {
        _board = new VirtualBoard();
        _pki = new TestPki();
        // The second listener is for the consumer on this machine, who knows the broker by another name.
        _broker = new MosquittoBroker(new MosquittoSetup
        {
            Pki = _pki, ServerCertificate = _pki.OtherHost, RequireClientCertificate = true, Persistence = true, PacketBytesMax = PacketBytesMax,
            ExtraLines = [string.Create(CultureInfo.InvariantCulture, $"listener {PlainPort} 127.0.0.1")],
        });
        _consumer = new Consumer(
            new ConsumerOptions { Link = new LinkOptions { Host = "127.0.0.1", Port = PlainPort, ClientId = "consumer" } },
            new MosquittoLinkFactory(), new LinuxClock(), NullLogger<Consumer>.Instance);
        _listening = new Thread(() => _consumer.Run(_stop.Token, Note));
        _listening.Start();
        foreach (var (name, file) in new[] { ("ca.pem", _pki.Authority.CertificateFile), ("board.pem", _pki.Client.CertificateFile), ("board.key", _pki.Client.KeyFile) })
        {
            File.Copy(file, _board.Share.File(name));
        }

        _board.Share.Write("config.json", $$"""
            { "runtimeDirectory": "/run/fieldagent", "state": { "directory": "/tmp/state", "freeBytesMin": "0B" }, "flush": { "interval": "500ms" },
              "recipients": [ { "name": "vendor", "url": "mqtts://{{Host}}:{{_broker.Port.ToString(CultureInfo.InvariantCulture)}}",
                                "tls": { "ca": "ca.pem", "certificate": "board.pem", "key": "board.key" } } ],
              "sensors": [ {{Sensors ?? $$"""
                { "name": "env", "kind": "simulated", "interval": "100ms", "seed": 1, "streams": [ { "name": "a", "unit": "1" }, { "name": "b", "unit": "1" } ] },
                { "name": "camera", "kind": "camera", "source": "usb", "device": "/dev/video0", {{Shots}}, "timeout": "100s",
                  "masks": [ { "left": 25, "top": 25, "width": 50, "height": 50 } ] }
                """}} ] }
            """);
        _live = _board.TurnOn();
        _live.Ok($"""
            set -e
            echo 10.0.2.2 {Host} >>/etc/hosts
            chmod 600 board.key
            fieldagent consent grant photo --config config.json
            """);
        _live.StartAgent();
    }

    private void Note(ConsumerEvent arrived)
    {
        if (arrived is BatchArrived batch)
        {
            Device = batch.Device;
        }
        else if (arrived is PhotoArrived photo)
        {
            lock (_photos)
            {
                _photos.Add(photo);
            }
        }
    }
}
