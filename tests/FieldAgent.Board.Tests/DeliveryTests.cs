using System.Diagnostics;
using System.Globalization;
using FieldAgent.Core;
using FieldAgent.Delivery;
using FieldAgent.Devices;
using Microsoft.Extensions.Logging.Abstractions;

namespace FieldAgent.Board.Tests;

/// <summary>A camera of the kernel's, a real broker over TLS on the host, and the reference consumer: the whole way of a photograph. One boot
/// for all.</summary>
public sealed class DeliveryTests(DeliveryTests.Delivery delivery) : IClassFixture<DeliveryTests.Delivery>
{
    [Fact]
    [Promise("R65")]
    public void A_photograph_is_masked_encrypted_on_disk_and_delivered_in_chunks_when_the_broker_is_back()
    {
        var live = delivery.Live;
        var seen = delivery.PhotoCount;
        delivery.Broker.Stop();
        live.StatusUntil(static s => s.GetProperty("spool").GetProperty("images").GetInt64() > 0, "a photograph waits");
        live.Ok("rm -rf state-copy; cp -r /tmp/state state-copy");
        delivery.Broker.Start();

        var files = Directory.GetFiles(delivery.Share.File("state-copy"), "*", SearchOption.AllDirectories).Select(File.ReadAllBytes).ToList();
        Assert.Contains(files, static bytes => bytes.Length > 10_000);
        Assert.All(files, static bytes =>
        {
            Assert.Equal(-1, bytes.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]));
            Assert.Equal(-1, bytes.AsSpan().IndexOf("JFIF"u8));
        });

        Eventually.True(() => delivery.PhotoCount > seen, "a photograph arrives", 60);
        var photo = delivery.Photo(seen);
        Assert.True(photo.Sound, "size and SHA-256 are as the manifest says");
        Assert.True(photo.Jpeg.Length > Delivery.PacketBytesMax, $"a photograph of {photo.Jpeg.Length} bytes came in chunks");
        AssertMasked(photo.Jpeg);
        delivery.AssertAllArrived();
    }

    [Fact]
    [Promise("R13")]
    public void A_camera_that_is_pulled_out_while_it_captures_is_absent_until_it_is_back_and_the_other_sensors_go_on()
    {
        var live = delivery.Live;
        live.Ok("until pgrep -x ffmpeg >/dev/null; do sleep 0.1; done; sleep 0.5; echo vivid.0 >/sys/bus/platform/drivers/vivid/unbind");
        try
        {
            var status = live.StatusUntil(static s => LiveBoard.Sensor(s, "camera").GetProperty("state").GetString() == "Absent", "the camera is absent");
            Assert.Contains("/dev/video0: absent. ", LiveBoard.Sensor(status, "camera").GetProperty("detail").GetString(), StringComparison.Ordinal);
            live.StatusUntil(s => Rows(s) > Rows(status) && LiveBoard.Sensor(s, "env").GetProperty("state").GetString() == "Running", "the other sensor goes on");
        }
        finally
        {
            live.Ok("echo vivid.0 >/sys/bus/platform/drivers/vivid/bind");
        }

        var seen = delivery.PhotoCount;
        Eventually.True(() => delivery.PhotoCount > seen, "a photograph arrives again", 90);
        AssertMasked(delivery.Photo(seen).Jpeg);
        delivery.AssertAllArrived();

        static long Rows(System.Text.Json.JsonElement status) => LiveBoard.Sensor(status, "env").GetProperty("rows").GetInt64();
    }

    // The middle quarter is black, and the colour bars of the simulated camera are on both sides of it.
    private void AssertMasked(ReadOnlyMemory<byte> jpeg)
    {
        var file = delivery.Share.File("photo.jpg");
        File.WriteAllBytes(file, jpeg.Span);
        using var decoder = Process.Start(new ProcessStartInfo(Places.Program("djpeg"), ["-pnm", "-outfile", file + ".ppm", file]))!;
        decoder.WaitForExit();
        Assert.Equal(0, decoder.ExitCode);
        var ppm = File.ReadAllBytes(file + ".ppm");
        const int Width = 640, Height = 360, Edge = 16;
        Assert.StartsWith(string.Create(CultureInfo.InvariantCulture, $"P6\n{Width} {Height}\n255\n"), System.Text.Encoding.ASCII.GetString(ppm, 0, 15), StringComparison.Ordinal);
        var pixels = ppm.AsSpan(ppm.Length - (Width * Height * 3));
        var (left, right) = (0, 0);
        for (var y = 0; y < Height; y++)
        {
            for (var x = 0; x < Width; x++)
            {
                var pixel = pixels.Slice(((y * Width) + x) * 3, 3);
                var brightest = Math.Max(pixel[0], Math.Max(pixel[1], pixel[2]));
                if (x is >= (Width / 4) + Edge and < (Width * 3 / 4) - Edge && y is >= (Height / 4) + Edge and < (Height * 3 / 4) - Edge)
                {
                    Assert.True(brightest <= 8, $"pixel {x}, {y} is {brightest} inside the mask");
                }

                left += x < Width / 4 && brightest > 150 ? 1 : 0;
                right += x >= Width * 3 / 4 && brightest > 150 ? 1 : 0;
            }
        }

        Assert.True(left > 1000 && right > 1000, $"there is a picture around the mask: {left} and {right} bright pixels");
    }

    /// <summary>The board with its camera, the broker, and a consumer that listens.</summary>
    public sealed class Delivery : IDisposable
    {
        /// <summary>Smaller than a photograph.</summary>
        internal const int PacketBytesMax = 8_000;

        // The broker's certificate is for this name; the board finds the host by it.
        private const string Host = "broker.example";

        private readonly List<PhotoArrived> _photos = [];
        private readonly CancellationTokenSource _stop = new();
        private TestPki? _pki;
        private VirtualBoard? _board;
        private LiveBoard? _live;
        private MosquittoBroker? _broker;
        private Consumer? _consumer;
        private Thread? _listening;

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
            Eventually.True(() => _consumer!.Report().Readings >= stored, $"{stored} readings arrive", 60);
            var report = _consumer!.Report();
            Assert.Equal((0L, 0L), (report.Missing, report.Invalid));
        }

        public void Dispose()
        {
            _live?.Dispose();
            _stop.Cancel();
            _listening?.Join();
            _broker?.Dispose();
            _board?.Dispose();
            _pki?.Dispose();
            _stop.Dispose();
        }

        private void Boot()
        {
            _board = new VirtualBoard();
            _pki = new TestPki();
            var plain = MosquittoBroker.FreePort();
            // The second listener is for the consumer on this machine, who knows the broker by another name.
            _broker = new MosquittoBroker(new MosquittoSetup
            {
                Pki = _pki, ServerCertificate = _pki.OtherHost, RequireClientCertificate = true, Persistence = true, PacketBytesMax = PacketBytesMax,
                ExtraLines = [string.Create(CultureInfo.InvariantCulture, $"listener {plain} 127.0.0.1")],
            });
            _consumer = new Consumer(
                new ConsumerOptions { Link = new LinkOptions { Host = "127.0.0.1", Port = plain, ClientId = "consumer" } },
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
                  "sensors": [
                    { "name": "env", "kind": "simulated", "interval": "100ms", "seed": 1, "streams": [ { "name": "a", "unit": "1" }, { "name": "b", "unit": "1" } ] },
                    { "name": "camera", "kind": "camera", "source": "usb", "device": "/dev/video0", "interval": "4s", "warmUp": "2s", "timeout": "30s",
                      "masks": [ { "left": 25, "top": 25, "width": 50, "height": 50 } ] }
                  ] }
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
            if (arrived is PhotoArrived photo)
            {
                lock (_photos)
                {
                    _photos.Add(photo);
                }
            }
        }
    }
}
