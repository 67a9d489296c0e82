using System.Text;
using System.Text.Json;
using FieldAgent.Devices.Gnss;

namespace FieldAgent.Devices.Tests.Gnss;

/// <summary>Any bytes at all: never an exception, always valid output, and the same however the bytes are cut.</summary>
public sealed class NmeaFuzzTests
{
    private const int Seeds = 300;

    private static readonly string[] Samples =
    [
        "GPRMC,225446.33,A,4916.45,N,12311.12,W,000.5,054.7,191194,020.3,E,A",
        "GPGGA,225446.33,4916.45,N,12311.12,W,1,08,0.9,545.4,M,46.9,M,,",
        "GNGSA,A,3,19,28,14,18,27,22,31,39,,,,,1.7,1.0,1.3,1",
        "GPGSV,3,1,11,10,63,137,17,07,61,098,15",
        "GPGLL,4916.45,N,12311.12,W,225446.33,A,A",
        "GPZDA,225446.33,19,11,1994,,",
        "GNGNS,225446.33,4916.45,N,12311.12,W,AN,08,0.9,545.4,46.9,,",
        "GPVTG,054.7,T,034.4,M,005.5,N,010.2,K,A",
        "PUBX,00,1,2",
    ];

    [Fact]
    public void Any_bytes_give_valid_lines_and_never_an_exception()
    {
        for (var seed = 1; seed <= Seeds; seed++)
        {
            var data = Input(new Random(seed));
            using var input = new MemoryStream(data);
            using var output = new MemoryStream();
            NmeaRecording.WriteFixes(input, output);
            foreach (var line in Encoding.UTF8.GetString(output.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                using var json = JsonDocument.Parse(line);
                Assert.InRange(json.RootElement.GetProperty("mode").GetInt32(), 1, 3);
                if (json.RootElement.TryGetProperty("lat", out var lat))
                {
                    Assert.InRange(lat.GetDouble(), -90, 90);
                }
            }
        }
    }

    [Fact]
    public void It_makes_no_difference_how_the_bytes_come()
    {
        for (var seed = 1; seed <= Seeds; seed++)
        {
            var random = new Random(seed);
            var data = Input(random);
            var whole = Nmea.Fixes(data, out var wholeCounts);
            var decoder = new NmeaDecoder();
            var parts = new List<GnssFix>();
            for (var at = 0; at < data.Length;)
            {
                var length = Math.Min(random.Next(1, 40), data.Length - at);
                var part = (ReadOnlySpan<byte>)data.AsSpan(at, length);
                while (decoder.TryRead(ref part, out var fix))
                {
                    parts.Add(fix);
                }

                at += length;
            }

            while (decoder.TryFinish(out var fix))
            {
                parts.Add(fix);
            }

            Assert.Equal(whole, parts);
            Assert.Equal(wholeCounts, decoder.Counts);
        }
    }

    [Fact]
    public void Any_bytes_from_gpsd_never_throw()
    {
        for (var seed = 1; seed <= Seeds; seed++)
        {
            var random = new Random(seed);
            var text = Encoding.Latin1.GetBytes(
                "{\"class\":\"TPV\",\"mode\":3,\"time\":\"2026-01-01T00:00:00.000Z\",\"lat\":1.5,\"lon\":-2.5,\"altMSL\":3}\n"
                + "{\"class\":\"SKY\",\"uSat\":7,\"satellites\":[{\"PRN\":1,\"used\":true}]}\n{\"class\":\"DEVICES\",\"devices\":[]}\n");
            for (var i = random.Next(0, 12); i > 0; i--)
            {
                text[random.Next(text.Length)] = (byte)random.Next(256);
            }

            var reader = new GpsdReader();
            var data = (ReadOnlySpan<byte>)text;
            while (reader.TryRead(ref data, out var fix))
            {
                Assert.InRange((int)fix.Mode, 1, 3);
            }
        }
    }

    private static byte[] Input(Random random)
    {
        using var data = new MemoryStream();
        for (var i = random.Next(1, 60); i > 0; i--)
        {
            byte[] piece;
            if (random.Next(4) == 0)
            {
                piece = new byte[random.Next(1, 400)];
                random.NextBytes(piece);
            }
            else
            {
                // With a right checksum over broken fields, so that the fields themselves are reached.
                var body = Samples[random.Next(Samples.Length)].ToCharArray();
                for (var j = random.Next(0, 5); j > 0; j--)
                {
                    body[random.Next(body.Length)] = (char)random.Next(0x20, 0x7f);
                }

                piece = Nmea.Bytes(Nmea.Line(new string(body)));
            }

            data.Write(piece);
        }

        return data.ToArray();
    }
}
