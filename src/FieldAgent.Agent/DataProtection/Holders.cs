using System.Globalization;
using System.Text.Json.Nodes;
using FieldAgent.Agent.Status;
using FieldAgent.Core;
using FieldAgent.Delivery;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.DataProtection;

/// <summary>Who was given data of some rules, and who may have it although it never said so (R69, R78). Immutable.</summary>
/// <param name="Given">What was acknowledged.</param>
/// <param name="Possible">What was sent beyond that.</param>
internal sealed record Holders(IReadOnlyList<DeliveryRecord> Given, IReadOnlyList<PossibleDelivery> Possible)
{
    /// <summary>Those of some rules.</summary>
    /// <param name="ledger">The ledger; null where nothing is ever delivered.</param>
    /// <param name="pairs">The rules.</param>
    /// <param name="beforeNs">Only of what was collected before, Unix ns; <see cref="long.MaxValue"/>: all.</param>
    /// <exception cref="StoreFault">The ledger cannot be read.</exception>
    public static Holders Of(IDeliveryLedger? ledger, IReadOnlyCollection<ConsentPair> pairs, long beforeNs = long.MaxValue) => ledger is null
        ? new Holders([], [])
        : new Holders(
            [.. ledger.All().Where(run => pairs.Contains(new ConsentPair(run.Function, run.Field)) && run.FromReadingWallUnixNs < beforeNs)],
            [.. ledger.Possible().Where(one => pairs.Contains(new ConsentPair(one.Function, one.Field)) && one.FromReadingWallUnixNs < beforeNs)]);

    /// <summary>Their names, those that were given some first.</summary>
    public IReadOnlyList<string> Names =>
        [.. Given.Select(static run => run.Recipient).Union(Possible.Select(static one => one.Recipient))];

    /// <summary>True when nobody has or may have any of it.</summary>
    public bool IsNobody => Given.Count + Possible.Count == 0;

    /// <summary>In plain words, a line a recipient and state of knowledge.</summary>
    /// <param name="underWay">What is on its way at this moment.</param>
    public IEnumerable<string> Lines(IReadOnlyList<ItemUnderWay> underWay)
    {
        if (IsNobody)
        {
            yield return "nobody was given any of it";
        }

        foreach (var of in Given.GroupBy(static run => run.Recipient))
        {
            yield return $"{of.Key} was given {Amount([.. of])} of it";
        }

        foreach (var of in Possible.GroupBy(static one => one.Recipient))
        {
            var more = Given.Any(run => run.Recipient == of.Key) ? "more" : "part";
            yield return $"{of.Key} may have {more} of it: "
                + (of.All(one => one.Items > 0 && one.Items == underWay.Count(item => IsOf(item, one)))
                    ? "it is on its way and not acknowledged yet" : "it was sent when the connection broke or the agent ended, and never acknowledged")
                + $" ({string.Join("; ", of.Select(What))})";
        }
    }

    /// <summary>What is on its way, in plain words, a line a recipient and rule; none when there is nothing.</summary>
    public static IEnumerable<string> OnTheWay(IReadOnlyList<ItemUnderWay> underWay) => underWay.GroupBy(static item => (item.Recipient, item.Function, item.Field))
        .Select(static of => $"on its way to {of.Key.Recipient} at that moment, and may still arrive: {of.Key.Function} {of.Key.Field}, "
            + $"{(of.All(static item => item.IsFacts) ? Documents(of.Count()) : $"{(of.Count() == 1 ? "number" : "numbers")} {string.Join(", ", of.Select(static item => item.Sequence.ToString(CultureInfo.InvariantCulture)))}")} "
            + $"({Plural.Of(of.Sum(static item => item.Messages), "message", "messages")})");

    /// <summary>The same as JSON.</summary>
    public static JsonArray Json(IReadOnlyList<ItemUnderWay> underWay) => new([.. underWay.Select(static item => (JsonNode)new JsonObject
    {
        ["recipient"] = item.Recipient,
        ["function"] = item.Function,
        ["field"] = item.Field,
        ["kind"] = item.IsFacts ? "facts" : "readings",
        ["seq"] = item.IsFacts ? null : item.Sequence,
        ["messages"] = item.Messages,
    })]);

    /// <summary>What may have arrived, in plain words.</summary>
    public static string What(PossibleDelivery one) => $"{one.Function} {one.Field}, "
        + (one.IsFacts ? one.Items == 0 ? "documents of facts" : Documents(one.Items)
            : one.FromSequence == one.ToSequence ? string.Create(CultureInfo.InvariantCulture, $"number {one.FromSequence}")
            : string.Create(CultureInfo.InvariantCulture,
                $"{(one.Items == one.ToSequence - one.FromSequence + 1 ? "numbers" : "some of the numbers")} {one.FromSequence} to {one.ToSequence}"));

    private static string Amount(IReadOnlyCollection<DeliveryRecord> runs)
    {
        List<string> parts = [];
        if (runs.Where(static run => !run.IsFacts).ToList() is { Count: > 0 } readings)
        {
            parts.Add(Plural.Of(readings.Sum(static run => run.Items), "block or picture", "blocks and pictures"));
        }

        if (runs.Where(static run => run.IsFacts).ToList() is { Count: > 0 } facts)
        {
            // a document holds several fields, each counted by itself
            parts.Add(Documents(facts.GroupBy(static run => run.Function)
                .Sum(static function => function.GroupBy(static run => run.Field).Max(static of => of.Sum(static run => run.Items)))));
        }

        return string.Join(" and ", parts);
    }

    private static string Documents(long count) => Plural.Of(count, "document of facts", "documents of facts");

    private static bool IsOf(ItemUnderWay item, PossibleDelivery one) =>
        item.Recipient == one.Recipient && item.Function == one.Function && item.Field == one.Field;
}
