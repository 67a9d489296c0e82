using System.Numerics;
using FsCheck;
using FsCheck.Fluent;

namespace FieldAgent.Devices.Tests;

public sealed class ScanFormatTests
{
    private static readonly Arbitrary<(ScanFormat Format, ulong[] Values, ulong Noise, int At)> Any =
        (from little in Gen.Elements(true, false)
         from signed in Gen.Elements(true, false)
         from bytes in Gen.Choose(1, 8)
         from bits in Gen.Choose(1, bytes * 8)
         from shift in Gen.Choose(0, (bytes * 8) - bits)
         from repeat in Gen.Choose(1, 6)
         from values in Gen.ArrayOf(ArbMap.Default.GeneratorFor<ulong>(), repeat)
         from noise in ArbMap.Default.GeneratorFor<ulong>()
         from at in Gen.Choose(0, 5)
         select (new ScanFormat(little, signed, bits, bytes * 8, repeat, shift), values, noise, at)).ToArbitrary();

    [Fact]
    public void Every_format_is_read_back_from_its_text() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(2_000),
        Prop.ForAll(Any, t => ScanFormat.TryParse(t.Format.ToString(), out var format) && format == t.Format));

    [Fact]
    public void Every_format_gives_back_the_numbers_that_were_laid_into_it() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(3_000),
        Prop.ForAll(Any, t =>
        {
            var format = t.Format;
            var bytes = format.StorageBits / 8;
            var mask = (BigInteger.One << format.Bits) - 1;
            var scan = new byte[t.At + format.Bytes];
            for (var nth = 0; nth < format.Repeat; nth++)
            {
                // the bits around the number are anything
                var raw = ((BigInteger)t.Noise & ~(mask << format.Shift) | (((BigInteger)t.Values[nth] & mask) << format.Shift));
                for (var i = 0; i < bytes; i++)
                {
                    scan[t.At + (nth * bytes) + (format.LittleEndian ? i : bytes - 1 - i)] = (byte)((raw >> (8 * i)) & 0xff);
                }
            }

            return Enumerable.Range(0, format.Repeat).All(nth =>
            {
                var expected = (BigInteger)t.Values[nth] & mask;
                expected = format.Signed && expected >> (format.Bits - 1) == 1 ? expected - mask - 1 : expected;
                return format.Field(t.At, nth).Read(scan) == (double)expected;
            });
        }));

    [Theory]
    [InlineData("le:s16/16", true)]
    [InlineData("be:u12/16>>4", true)]
    [InlineData("le:s32/32X4>>0", true)]
    [InlineData("le:s64/64>>0", true)]
    [InlineData("", false)]
    [InlineData("le:", false)]
    [InlineData("me:s16/16>>0", false)]
    [InlineData("le:f32/32>>0", false)]
    [InlineData("le:s17/16>>0", false)]
    [InlineData("le:s12/16>>5", false)]
    [InlineData("le:s12/12>>0", false)]
    [InlineData("le:s12/16>>", false)]
    [InlineData("le:s12/16X0>>0", false)]
    [InlineData("le:s12/16>>4 ", false)]
    [InlineData("le:s99999999999/16>>4", false)]
    public void What_is_no_format_is_refused(string text, bool ok) => Assert.Equal(ok, ScanFormat.TryParse(text, out _));

    /// <summary>As drivers/iio/industrialio-buffer.c computes it.</summary>
    [Theory]
    [InlineData("le:s16/16 le:s64/64", "0 8", 16)]
    [InlineData("le:u8/8 be:s24/32 le:s16/16 le:s64/64", "0 4 8 16", 24)]
    [InlineData("le:s16/16 le:s16/16 le:s16/16", "0 2 4", 6)]
    [InlineData("le:s32/32X4 le:s64/64", "0 16", 32)]
    [InlineData("le:u8/8", "0", 1)]
    public void Elements_are_aligned_to_their_size(string formats, string offsets, int bytes)
    {
        var layout = new ScanLayout([.. formats.Split(' ').Select(text => ScanFormat.TryParse(text, out var format) ? format : default)]);
        Assert.Equal(offsets, string.Join(' ', layout.Offsets));
        Assert.Equal(bytes, layout.ScanBytes);
    }
}
