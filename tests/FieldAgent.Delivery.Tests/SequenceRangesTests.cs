namespace FieldAgent.Delivery.Tests;

public sealed class SequenceRangesTests
{
    [Fact]
    public void Holds_what_a_plain_set_holds()
    {
        const int Seed = 11;
        var random = new Random(Seed);
        for (var round = 0; round < 300; round++)
        {
            var ranges = new SequenceRanges(1000);
            var plain = new HashSet<long>();
            for (var i = 0; i < 100; i++)
            {
                var from = random.Next(0, 120);
                if (random.Next(3) == 0)
                {
                    var to = from + random.Next(0, 10);
                    ranges.AddRange(from, to);
                    plain.UnionWith(Enumerable.Range(from, to - from + 1).Select(n => (long)n));
                }
                else
                {
                    Assert.Equal(plain.Add(from), ranges.Add(from));
                }

                Assert.Equal(plain.Count, ranges.Count);
            }

            Assert.Equal(plain.Min(), ranges.First);
            Assert.Equal(plain.Max(), ranges.Last);
            var holes = ranges.Holes(0).SelectMany(h => Enumerable.Range((int)h.From, (int)(h.To - h.From + 1))).Select(n => (long)n);
            Assert.Equal(Enumerable.Range(0, (int)plain.Max()).Select(n => (long)n).Where(n => !plain.Contains(n)), holes);
        }
    }

    [Fact]
    public void Stays_within_its_limit_by_closing_the_oldest_holes()
    {
        var ranges = new SequenceRanges(10);
        for (var i = 0; i < 1000; i += 2)
        {
            Assert.True(ranges.Add(i));
        }

        Assert.True(ranges.Contains(1));
        Assert.False(ranges.Contains(997));
        Assert.Equal(490, ranges.Closed);
    }
}
