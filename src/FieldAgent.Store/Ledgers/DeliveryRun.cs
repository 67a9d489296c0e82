using FieldAgent.Core;
using FieldAgent.Store.Spooling;

namespace FieldAgent.Store.Ledgers;

/// <summary>A run of deliveries that still grows.</summary>
internal record struct DeliveryRun
{
    // Further apart two numbers of one run are not: beyond, they belong to two.
    private const int StepMax = 16;

    public long Id { get; set; }

    /// <summary>The recipient's bit; −1 when it is no longer configured: then the run does not grow any more.</summary>
    public int Bit { get; set; }

    /// <summary>What does not grow: recipient, rule and grounds.</summary>
    public DeliveryRecord Fixed { get; set; }

    public long Ground { get; set; }

    public long From { get; set; }

    public long To { get; set; }

    /// <summary>From one number to the next; 1 for a single one; 0: not all numbers in between.</summary>
    public int Step { get; set; }

    public long Items { get; set; }

    public long Readings { get; set; }

    public long FirstNs { get; set; }

    public long LastNs { get; set; }

    public long FromItem { get; set; }

    public long ToItem { get; set; }

    public long FromReadingNs { get; set; }

    public long ToReadingNs { get; set; }

    /// <summary>True until its row is written.</summary>
    public bool IsNew { get; set; }

    /// <summary>True when its row is to be written, not only what grows.</summary>
    public bool IsRowStale { get; set; }

    /// <summary>A run of one item.</summary>
    public static DeliveryRun Of(int bit, in ItemInfo item, long readingNs, long nowNs) => new()
    {
        Bit = bit,
        Ground = item.Ground,
        From = item.Sequence,
        To = item.Sequence,
        Step = 1,
        Items = 1,
        Readings = item.Readings,
        FirstNs = nowNs,
        LastNs = nowNs,
        FromItem = item.Id,
        ToItem = item.Id,
        FromReadingNs = readingNs,
        ToReadingNs = readingNs,
        IsNew = true,
    };

    /// <summary>True when the other run continues this one exactly, at either end or between each two of its numbers.</summary>
    public readonly bool Continues(in DeliveryRun other, bool evenApart, out int step)
    {
        step = 0;
        if (Step == 0 || other.Step == 0)
        {
            return false;
        }

        if (Step == 2 && other.Step == 2 && Math.Abs(From - other.From) == 1 && Math.Abs(To - other.To) == 1)
        {
            step = 1;
            return true;
        }

        var distance = From < other.From ? other.From - To : From - other.To;
        var wanted = Items > 1 ? Step : other.Items > 1 ? other.Step : evenApart ? Math.Clamp(distance, 1, StepMax) : 1;
        step = (int)wanted;
        return distance == wanted && (Items == 1 || Step == wanted) && (other.Items == 1 || other.Step == wanted);
    }

    /// <summary>Takes the other run in.</summary>
    public void Take(in DeliveryRun other, int step)
    {
        IsRowStale |= From > other.From || (Step != step && !IsNew);
        From = Math.Min(From, other.From);
        To = Math.Max(To, other.To);
        Step = step;
        Items += other.Items;
        Readings += other.Readings;
        FirstNs = Math.Min(FirstNs, other.FirstNs);
        LastNs = Math.Max(LastNs, other.LastNs);
        FromItem = Math.Min(FromItem, other.FromItem);
        ToItem = Math.Max(ToItem, other.ToItem);
        FromReadingNs = Math.Min(FromReadingNs, other.FromReadingNs);
        ToReadingNs = Math.Max(ToReadingNs, other.ToReadingNs);
    }

    /// <summary>As others see it.</summary>
    public readonly DeliveryRecord Record() => Fixed with
    {
        FromSequence = From,
        ToSequence = To,
        Step = Step,
        Items = Items,
        Readings = Readings,
        FirstWallUnixNs = FirstNs,
        LastWallUnixNs = LastNs,
        FromItem = FromItem,
        ToItem = ToItem,
        FromReadingWallUnixNs = FromReadingNs,
        ToReadingWallUnixNs = ToReadingNs,
    };

    /// <summary>What does not grow, of one ground at one recipient.</summary>
    public static DeliveryRecord FixedOf(string recipient, Ground ground, Guid generation) => new(
        recipient, ground.Function, ground.Field, 0, 0, 0, 0, 0, 0, ground.Purpose, ground.Terms.Basis, ground.Terms.Precision,
        TimeSpan.FromTicks(ground.Terms.TermNs / 100), ground.ConsentId, ground.PolicyVersion, ground.Terms.PolicyHash)
    {
        Generation = generation,
    };
}
