using System.Globalization;
using FieldAgent.Devices.Gnss;

namespace FieldAgent.Devices.Tests.Gnss;

public sealed class NmeaDecoderTests
{
    private const string Rmc = "GPRMC,225446.330,A,4916.4500,N,12311.1200,W,000.5,054.7,191194,020.3,E,A";
    private const string Gga = "GPGGA,225446.330,4916.4500,N,12311.1200,W,1,08,0.9,545.4,M,46.9,M,,";

    [Fact]
    public void Sentences_of_one_epoch_become_one_fix()
    {
        var json = Nmea.Json(Nmea.Lines(Gga, "GPGSA,A,3,19,28,14,18,27,22,31,39,,,,,1.7,1.0,1.3", Rmc, "GPVTG,054.8,T,034.4,M,010.0,N,018.5,K,A"));

        Assert.Equal(
            "{\"time\":\"1994-11-19T22:54:46.330Z\",\"mode\":3,\"lat\":49.274166667,\"lon\":-123.185333333,\"alt\":545.400,"
            + "\"speed\":5.1444,\"track\":54.800,\"satellites\":8,\"hdop\":1.00}\n",
            json);
    }

    [Theory]
    [InlineData("GP")]
    [InlineData("GN")]
    [InlineData("GL")]
    [InlineData("GA")]
    [InlineData("GB")]
    [InlineData("BD")]
    [InlineData("QZ")]
    [InlineData("II")]
    public void Every_talker_is_heard(string talker)
    {
        var fix = Assert.Single(Nmea.Fixes(Nmea.Line(talker + Rmc[2..])));
        Assert.True(fix.HasPosition);
        Assert.Equal(-123_185_333_333, fix.LongitudeNdeg);
    }

    [Fact]
    public void Empty_fields_are_absent_and_never_zero()
    {
        var fix = Assert.Single(Nmea.Fixes(Nmea.Line("GNRMC,120000,A,0000.00,N,00000.00,E,,,010126,,,A")));

        Assert.Equal(FixMode.TwoD, fix.Mode);
        Assert.Equal((0, 0), (fix.LatitudeNdeg, fix.LongitudeNdeg));
        Assert.True(double.IsNaN(fix.SpeedMps) && double.IsNaN(fix.TrackDeg) && double.IsNaN(fix.AltitudeM) && double.IsNaN(fix.Hdop));
        Assert.Equal(-1, fix.Satellites);
    }

    [Theory]
    [InlineData("GPRMC,120001,V,4916.45,N,12311.12,W,,,010126,,,N")]
    [InlineData("GPGGA,120001,4916.45,N,12311.12,W,0,00,,,M,,M,,")]
    [InlineData("GPGLL,4916.45,N,12311.12,W,120001,V,N")]
    [InlineData("GNGNS,120001,4916.45,N,12311.12,W,NNN,00,,,,,,")]
    [InlineData("GPGGA,120001,,,,,0,00,,,M,,M,,")]
    public void A_lost_fix_is_said_to_be_lost_and_never_repeats_the_last_position(string lost)
    {
        var fixes = Nmea.Fixes(Nmea.Lines("GPRMC,120000,A,4916.45,N,12311.12,W,1.0,2.0,010126,,,A", lost));

        Assert.Equal(2, fixes.Count);
        Assert.True(fixes[0].HasPosition);
        Assert.Equal(FixMode.None, fixes[1].Mode);
        Assert.Equal(1_000_000_000, fixes[1].LostForNs);
        Assert.Equal((0, 0), (fixes[1].LatitudeNdeg, fixes[1].LongitudeNdeg));
        Assert.True(double.IsNaN(fixes[1].SpeedMps));
    }

    [Fact]
    public void A_GSA_without_fix_outweighs_a_position()
    {
        var fixes = Nmea.Fixes(Nmea.Lines(Gga, Rmc, "GPGSA,A,1,,,,,,,,,,,,,,,"));
        Assert.Equal(FixMode.None, Assert.Single(fixes).Mode);
    }

    [Fact]
    public void Epochs_without_time_are_told_apart_by_their_sentences()
    {
        var lost = Nmea.Lines("GPRMC,,V,,,,,,,,,,N", "GPGGA,,,,,,0,,,,,,,,");
        Assert.Equal(3, Nmea.Fixes(lost + lost + lost).Count);
    }

    [Fact]
    public void A_date_begins_at_midnight_although_its_GGA_comes_before_its_RMC()
    {
        var fixes = Nmea.Fixes(Nmea.Lines(
            "GPGGA,235959.00,4916.45,N,12311.12,W,1,08,0.9,545.4,M,46.9,M,,",
            "GPRMC,235959.00,A,4916.45,N,12311.12,W,,,311225,,,A",
            "GPGGA,000000.00,4916.45,N,12311.12,W,1,08,0.9,545.4,M,46.9,M,,",
            "GPRMC,000000.00,A,4916.45,N,12311.12,W,,,010126,,,A",
            "GPGGA,000001.00,4916.45,N,12311.12,W,1,08,0.9,545.4,M,46.9,M,,"));
        Assert.Equal(["2025-12-31T23:59:59.000Z", "2026-01-01T00:00:00.000Z", "2026-01-01T00:00:01.000Z"], fixes.Select(f => Nmea.Time(f)));
    }

    [Fact]
    public void Midnight_passes_without_any_further_date()
    {
        var fixes = Nmea.Fixes(Nmea.Lines(
            "GPZDA,235958.00,31,12,2025,,",
            "GPGGA,235959.00,4916.45,N,12311.12,W,1,08,0.9,545.4,M,46.9,M,,",
            "GPGGA,000000.00,4916.45,N,12311.12,W,1,08,0.9,545.4,M,46.9,M,,"));
        Assert.Equal(["2025-12-31T23:59:59.000Z", "2026-01-01T00:00:00.000Z"], fixes.Select(f => Nmea.Time(f)));
    }

    [Fact]
    public void A_time_without_any_date_is_absent()
    {
        Assert.False(Assert.Single(Nmea.Fixes(Nmea.Line(Gga))).HasTime);
    }

    [Theory]
    [InlineData("060180", 1980)]
    [InlineData("311299", 1999)]
    [InlineData("010100", 2000)]
    [InlineData("290224", 2024)]
    [InlineData("010179", 2079)]
    public void Two_digit_years_are_those_of_GPS(string ddmmyy, int year)
    {
        var day = NmeaDate.FromDdmmyy(Nmea.Bytes(ddmmyy), 0);
        Assert.Equal(year, DateTime.UnixEpoch.AddDays(day).Year);
    }

    [Theory]
    [InlineData("290223")]
    [InlineData("320124")]
    [InlineData("001324")]
    [InlineData("0101-1")]
    [InlineData("01012024")]
    [InlineData("")]
    public void No_date_is_made_of_what_is_none(string ddmmyy) => Assert.Equal(NmeaDate.NoDay, NmeaDate.FromDdmmyy(Nmea.Bytes(ddmmyy), 0));

    [Fact]
    public void A_four_digit_year_decides_the_century()
    {
        var fixes = Nmea.Fixes(Nmea.Lines("GPZDA,120000.00,01,06,2085,,", "GPRMC,120000.00,A,4916.45,N,12311.12,W,,,010685,,,A"));
        Assert.Equal("2085-06-01T12:00:00.000Z", Nmea.Time(Assert.Single(fixes)));
    }

    [Fact]
    public void A_live_receiver_whose_week_counter_rolled_over_is_put_right_and_a_recording_is_not()
    {
        // 1,024 weeks before 2026-03-18.
        var line = Nmea.Line("GPRMC,120000.00,A,4916.45,N,12311.12,W,,,020806,,,A");
        Assert.Equal("2026-03-18T12:00:00.000Z", Nmea.Time(Assert.Single(Nmea.Fixes(line, GnssLimits.LiveNotBeforeDay))));
        Assert.Equal("2006-08-02T12:00:00.000Z", Nmea.Time(Assert.Single(Nmea.Fixes(line))));
        var today = Nmea.Line("GPRMC,120000.00,A,4916.45,N,12311.12,W,,,180326,,,A");
        Assert.Equal("2026-03-18T12:00:00.000Z", Nmea.Time(Assert.Single(Nmea.Fixes(today, GnssLimits.LiveNotBeforeDay))));
    }

    [Fact]
    public void A_wrong_checksum_drops_the_sentence_and_is_counted()
    {
        var text = Nmea.Line(Rmc).Replace("225446", "225447", StringComparison.Ordinal) + Nmea.Line(Rmc);
        var fix = Assert.Single(Nmea.Fixes(Nmea.Bytes(text), out var counts));
        Assert.Equal("1994-11-19T22:54:46.330Z", Nmea.Time(fix));
        Assert.Equal(1, counts.Checksum);
        Assert.Equal(1, counts.Good);
    }

    [Fact]
    public void A_receiver_may_send_no_checksums_but_not_lose_one()
    {
        Assert.Single(Nmea.Fixes($"${Rmc}\r\n"));

        Assert.Single(Nmea.Fixes(Nmea.Bytes(Nmea.Line(Rmc) + "$GPRMC,225447.33,A,4916.45,N,12311.\r\n"), out var counts));
        Assert.Equal(1, counts.Malformed);
    }

    [Fact]
    public void Proprietary_and_AIS_sentences_are_passed_over()
    {
        Nmea.Fixes(Nmea.Bytes(Nmea.Line("PUBX,00,081350.00,4717.113210,N,00833.915187,E,546.589,G3") + "!AIVDM,1,1,,A,13u?etPv2;0n,0*23\r\n"), out var counts);
        Assert.Equal(2, counts.Foreign);
        Assert.Equal(0, counts.Faulty);
    }

    [Fact]
    public void Garbage_binary_and_overlong_lines_are_skipped_and_counted()
    {
        var text = "\u00b5b\u0001\u0007noise " + Nmea.Line(Rmc) + "$GPGGA," + new string('1', 400) + "\r\n" + "hello\r\n# $GPRMC is not read in a note\r\n"
            + "$GPGGA,1234\u0000\u0001\r\n" + Nmea.Line("GPGLL,4916.45,N,12311.12,W,225447,A,A");
        var fixes = Nmea.Fixes(Nmea.Bytes(text), out var counts);

        Assert.Equal(2, fixes.Count);
        Assert.Equal(2, counts.Good);
        Assert.Equal(1, counts.Overlong);
        Assert.True(counts.Garbage >= 2);
        Assert.Equal(1, counts.Malformed);
    }

    [Fact]
    public void A_sentence_that_runs_into_the_next_is_whole_when_its_checksum_is()
    {
        Assert.Equal(2, Nmea.Fixes(Nmea.Line(Rmc).TrimEnd() + Nmea.Line("GPGLL,4916.45,N,12311.12,W,225447,A,A")).Count);
    }

    [Fact]
    public void A_last_sentence_without_line_end_counts() => Assert.Single(Nmea.Fixes(Nmea.Line(Rmc).TrimEnd()));

    [Fact]
    public void A_corrected_position_in_one_epoch_leaves_both_and_marks_the_first()
    {
        var fixes = Nmea.Fixes(Nmea.Lines(Rmc, Gga.Replace("4916.4500", "4916.4600", StringComparison.Ordinal)));
        Assert.Equal([true, false], fixes.Select(static f => f.IsRevised));
        Assert.Equal(fixes[0].UnixNs, fixes[1].UnixNs);
    }

    [Fact]
    public void Few_satellites_in_a_GGA_alone_are_no_fix()
    {
        var gga = Nmea.Line("GPGGA,225447.00,4916.45,N,12311.12,W,1,00,3.3,10.8,M,-33.3,M,,");
        Assert.False(Assert.Single(Nmea.Fixes(gga)).HasPosition);
        Assert.True(Nmea.Fixes(gga + Nmea.Line("GPGLL,4916.45,N,12311.12,W,225447.00,A,A"))[0].HasPosition);
    }

    [Fact]
    public void An_altitude_that_three_satellites_cannot_give_is_absent()
    {
        var gsa = Nmea.Line("GPGSA,A,2,21,28,08,,,,,,,,,,3.05,2.88,1.00");
        var three = Assert.Single(Nmea.Fixes(Nmea.Line(Gga.Replace(",08,", ",03,", StringComparison.Ordinal)) + gsa));
        Assert.Equal(FixMode.TwoD, three.Mode);
        Assert.True(double.IsNaN(three.AltitudeM));
        Assert.Equal(545.4, Assert.Single(Nmea.Fixes(Nmea.Line(Gga) + gsa)).AltitudeM);
    }

    [Fact]
    public void Satellites_in_view_are_summed_over_the_constellations()
    {
        var fix = Assert.Single(Nmea.Fixes(Nmea.Lines(
            "GPGSV,3,1,11,10,63,137,17,07,61,098,15", "GPGSV,3,2,11,10,63,137,17", "GLGSV,1,1,04,65,,,17", "GPRMC,,V,,,,,,,,,,N")));
        Assert.Equal(15, fix.InView);
    }

    [Theory]
    [InlineData("4807.038", "N", true, 48_117_300_000)]
    [InlineData("00000.0000001", "E", false, 2)]
    [InlineData("18000.0000", "W", false, -180_000_000_000)]
    [InlineData("9000.0000000", "S", true, -90_000_000_000)]
    [InlineData("0123.4567890123", "N", true, 1_390_946_484)]
    public void Angles_are_exact_to_a_nanodegree(string field, string hemisphere, bool isLatitude, long expected)
    {
        Assert.True(NmeaNumber.TryAngle(Nmea.Bytes(field), Nmea.Bytes(hemisphere), isLatitude, out var ndeg));
        Assert.Equal(expected, ndeg);
    }

    [Theory]
    [InlineData("9000.1", "N", true)]
    [InlineData("4860.0", "N", true)]
    [InlineData("4807.038", "E", true)]
    [InlineData("", "N", true)]
    [InlineData("48-7.03", "N", true)]
    [InlineData("nan", "N", true)]
    [InlineData("1234567890123456", "N", true)]
    public void What_is_no_angle_is_absent(string field, string hemisphere, bool isLatitude) =>
        Assert.False(NmeaNumber.TryAngle(Nmea.Bytes(field), Nmea.Bytes(hemisphere), isLatitude, out _));

    [Fact]
    public void Decimals_read_as_the_runtime_reads_them()
    {
        var random = new Random(7);
        for (var i = 0; i < 20_000; i++)
        {
            var text = ((random.NextDouble() - 0.5) * Math.Pow(10, random.Next(0, 8))).ToString("F" + random.Next(0, 7), CultureInfo.InvariantCulture);
            Assert.Equal(double.Parse(text, CultureInfo.InvariantCulture), NmeaNumber.Decimal(Nmea.Bytes(text)));
        }
    }

    [Fact]
    public void Decoding_allocates_nothing_per_sentence()
    {
        var data = Nmea.Bytes(Nmea.Lines(
            Gga, "GPGSA,A,3,19,28,14,18,27,22,31,39,,,,,1.7,1.0,1.3", "GPGSV,3,1,11,10,63,137,17,07,61,098,15", Rmc, "GPVTG,054.7,T,034.4,M,005.5,N,010.2,K,A",
            "GPGLL,4916.4500,N,12311.1200,W,225447.33,A,A", "GPZDA,225447.33,19,11,1994,,", "GNGNS,225448.33,4916.4500,N,12311.1200,W,AN,08,0.9,545.4,46.9,,",
            "PUBX,00") + "garbage \u0001\u0002\r\n$GPRMC,wrong*00\r\n");
        var decoder = new NmeaDecoder();
        Decode(decoder, data, 50);

        var before = GC.GetAllocatedBytesForCurrentThread();
        var fixes = Decode(decoder, data, 1_000);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.True(fixes >= 3_000);
        Assert.Equal(0, allocated);
    }

    private static int Decode(NmeaDecoder decoder, byte[] data, int times)
    {
        var fixes = 0;
        for (var i = 0; i < times; i++)
        {
            var rest = (ReadOnlySpan<byte>)data;
            while (decoder.TryRead(ref rest, out _))
            {
                fixes++;
            }
        }

        return fixes;
    }
}
