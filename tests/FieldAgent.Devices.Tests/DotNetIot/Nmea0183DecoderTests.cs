using FieldAgent.Devices.DotNetIot;
using FieldAgent.Devices.Gnss;

namespace FieldAgent.Devices.Tests.DotNetIot;

/// <summary>The NMEA reader of Iot.Device.Bindings beside the agent's own.</summary>
public sealed class Nmea0183DecoderTests
{
    [Fact]
    public void Both_readers_find_the_same_fixes_in_a_recording()
    {
        var bytes = File.ReadAllBytes(Path.Join(Places.Repository, "hardware/boards/recordings/walk.nmea"));
        var own = All(new NmeaDecoder(), bytes);
        var other = All(new Nmea0183Decoder(NmeaDate.NoDay), bytes);
        Assert.NotEmpty(own);
        Assert.Equal(own.Count, other.Count);
        foreach (var (expected, fix) in own.Zip(other))
        {
            Assert.Equal(expected.HasPosition, fix.HasPosition);
            Assert.InRange(fix.UnixNs - expected.UnixNs, -1_000_000, 1_000_000);
            Assert.InRange(fix.LatitudeNdeg - expected.LatitudeNdeg, -100, 100);
            Assert.InRange(fix.LongitudeNdeg - expected.LongitudeNdeg, -100, 100);
            Assert.Equal(expected.Satellites, fix.Satellites);
        }
    }

    [Fact]
    public void What_is_no_sentence_is_counted_by_reason()
    {
        var decoder = new Nmea0183Decoder(NmeaDate.NoDay);
        ReadOnlySpan<byte> data = "$GPGGA,120000,5000.0,N,00800.0,E,1,08,1.0,100.0,M,47.0,M,,*00\r\n$PUBX,00*33\r\n!AIVDM,1*00\r\n"u8;
        while (decoder.TryRead(ref data, out _))
        {
        }

        Assert.Equal((0, 1, 2), (decoder.Counts.Good, decoder.Counts.Checksum, decoder.Counts.Foreign));
        Assert.False(decoder.TryFinish(out _));
    }

    private static List<GnssFix> All(INmeaDecoder decoder, byte[] bytes)
    {
        var fixes = new List<GnssFix>();
        ReadOnlySpan<byte> data = bytes;
        while (decoder.TryRead(ref data, out var fix) || decoder.TryFinish(out fix))
        {
            if (!fix.IsRevised)
            {
                fixes.Add(fix);
            }
        }

        return fixes;
    }
}
