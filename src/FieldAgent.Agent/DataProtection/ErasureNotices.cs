using System.Text.Json.Nodes;
using FieldAgent.Core;
using FieldAgent.Delivery;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.DataProtection;

/// <summary>Tells recipients to erase what they were given (R78), and gives receipts of what the board itself erased. A request waits in
/// the outbox until it is acknowledged. Any thread.</summary>
internal sealed class ErasureNotices
{
    private readonly Lock _lock = new();
    private readonly IDocumentShelf _shelf;
    private readonly Audiences _audiences;
    private readonly Func<Policy> _policy;
    private readonly IDeliveryLedger? _deliveries;
    private readonly IOutbox? _outbox;
    private readonly IEraser _eraser;

    /// <summary>Begins to follow the eraser.</summary>
    /// <param name="shelf">Where requests and receipts are kept.</param>
    /// <param name="audiences">Names and keys.</param>
    /// <param name="policy">The policy in force.</param>
    /// <param name="eraser">Whose work gets receipts.</param>
    /// <param name="deliveries">Who has what; null where nothing was ever delivered.</param>
    /// <param name="outbox">Takes documents to the recipients; null where there is none.</param>
    public ErasureNotices(
        IDocumentShelf shelf, Audiences audiences, Func<Policy> policy, IEraser eraser, IDeliveryLedger? deliveries, IOutbox? outbox)
    {
        _shelf = shelf;
        _audiences = audiences;
        _policy = policy;
        _deliveries = deliveries;
        _outbox = outbox;
        _eraser = eraser;
        eraser.Verified += report =>
        {
            try
            {
                Issue(report);
            }
            catch (StoreFault)
            {
                // The erasure is done and verified; its receipt comes with the next look.
            }
        };
    }

    /// <summary>Issues the receipts of erasures that were verified while nobody listened, at a start, or whose receipt could not be stored.</summary>
    /// <exception cref="StoreFault">Not all could be stored; call again.</exception>
    public void IssueMissing()
    {
        var issued = _shelf.All(DocumentTypes.ErasureReceipt).Select(static one => one.About).ToHashSet();
        foreach (var report in _eraser.Reports().Where(report => report.State == ErasureState.Verified && !issued.Contains(report.Id)).Reverse())
        {
            Issue(report);
        }
    }

    /// <summary>Asks each recipient that has data of <paramref name="pairs"/>, or may have, to erase it; one that was asked for all of that is not
    /// asked again, and one that was never sent any is not asked.</summary>
    /// <param name="number">Number of the act or request that it is about.</param>
    /// <param name="pairs">What is to be erased.</param>
    /// <param name="reason">Why: <c>consent-withdrawn</c>, <c>erasure-requested</c>.</param>
    /// <param name="at">When it was decided.</param>
    /// <param name="beforeNs">Only what was collected before, Unix ns; <see cref="long.MaxValue"/>: all.</param>
    /// <returns>Those who were asked now.</returns>
    /// <exception cref="StoreFault">Not everybody could be asked; call again.</exception>
    public IReadOnlyList<AskedRecipient> Ask(
        long number, IReadOnlyCollection<ConsentPair> pairs, string reason, Stamp at, long beforeNs = long.MaxValue)
    {
        if (_deliveries is null || _outbox is null || pairs.Count == 0)
        {
            return [];
        }

        lock (_lock)
        {
            _deliveries.Settle();
            var askedTo = AskedTo(beforeNs);
            var delivered = _deliveries.All().Where(d => pairs.Contains(new ConsentPair(d.Function, d.Field)) && d.FromReadingWallUnixNs < beforeNs
                && d.ToSequence > askedTo.GetValueOrDefault((d.Recipient, d.Function, d.Field), -1)).ToLookup(static d => d.Recipient);
            var possible = _deliveries.Possible().Where(p => pairs.Contains(new ConsentPair(p.Function, p.Field)) && p.FromReadingWallUnixNs < beforeNs
                && p.ToSequence > askedTo.GetValueOrDefault((p.Recipient, p.Function, p.Field), -1)).ToLookup(static p => p.Recipient);
            return [.. delivered.Select(static of => of.Key).Union(possible.Select(static of => of.Key))
                .Select(recipient => Ask(recipient, number, [.. delivered[recipient]], [.. possible[recipient]], reason, at, beforeNs))];
        }
    }

    /// <summary>Who was given data of <paramref name="pairs"/>, and who may have it; what is acknowledged by now counts as given.</summary>
    /// <param name="pairs">The rules.</param>
    /// <param name="beforeNs">Only of what was collected before, Unix ns; <see cref="long.MaxValue"/>: all.</param>
    /// <exception cref="StoreFault">The ledger cannot be read.</exception>
    public Holders Holders(IReadOnlyCollection<ConsentPair> pairs, long beforeNs = long.MaxValue)
    {
        _deliveries?.Settle();
        return DataProtection.Holders.Of(_deliveries, pairs, beforeNs);
    }

    /// <summary>What of <paramref name="pairs"/> is on its way at this moment: sent over a connection that is up, and not acknowledged.</summary>
    public IReadOnlyList<ItemUnderWay> OnTheWay(IReadOnlyCollection<ConsentPair> pairs) =>
        [.. pairs.Distinct().SelectMany(pair => UnderWay(pair.Function, pair.Field))];

    /// <summary>Asks every courier what of a function and field is on its way; none while no agent runs.</summary>
    public Func<string, string, IReadOnlyList<ItemUnderWay>> UnderWay { get; set; } = static (_, _) => [];

    /// <summary>All who were ever asked, with where it stands, oldest first.</summary>
    /// <exception cref="StoreFault">The store cannot be read.</exception>
    public IReadOnlyList<(AskedRecipient Asked, KeptDocument Request)> Asked() => [.. _shelf.All(DocumentTypes.ErasureRequest)
        .Select(request => (new AskedRecipient(
            request.Audience, request.Reference, !IsWaiting(request.Audience, request.Reference), !Scopes(request).Any(static scope => scope.Items > 0)), request))];

    /// <summary>The erasures that are known, newest first.</summary>
    /// <exception cref="StoreFault">The store cannot be read.</exception>
    public IReadOnlyList<ErasureReport> Reports() => _eraser.Reports();

    /// <summary>The receipt of an erasure with what is known now, signed for the person at the board.</summary>
    /// <returns>Null when there is no such erasure.</returns>
    /// <exception cref="StoreFault">The store cannot be read.</exception>
    public byte[]? Receipt(long number)
    {
        var board = _audiences.Board;
        return _eraser.Reports().FirstOrDefault(report => report.Id == number) is { } report
            ? SignedDocument.Sign(board.Signer, ErasureDocuments.Receipt(board, report, AskedAbout(report)))
            : _shelf.Find(DocumentTypes.ErasureReceipt, number, board.Name)?.Json.ToArray();
    }

    // The end of a term is no news to a recipient, and comes every day.
    private void Issue(ErasureReport report)
    {
        if (report.Reason == GapReason.TermOver)
        {
            return;
        }

        var asked = AskedAbout(report);
        foreach (var recipient in Concerned(report))
        {
            var audience = _audiences.For(recipient);
            var document = ErasureDocuments.Receipt(audience, report, asked);
            _outbox?.Put(new Notice(
                0, recipient, NoticeKind.Erasure, audience.Reference("erasure-receipt-notice", report.Id),
                SignedDocument.Sign(audience.Signer, document), UntilAcknowledged: false));
        }

        var board = _audiences.Board;
        _shelf.Keep(new KeptDocument(
            DocumentTypes.ErasureReceipt, report.Id, board.Name, board.Reference(DocumentTypes.ErasureReceipt, report.Id),
            SignedDocument.Sign(board.Signer, ErasureDocuments.Receipt(board, report, asked))));
    }

    private AskedRecipient Ask(
        string recipient, long number, List<DeliveryRecord> delivered, List<PossibleDelivery> possible, string reason, Stamp at, long beforeNs)
    {
        var audience = _audiences.For(recipient);
        var consent = reason == "consent-withdrawn" ? audience.Reference("consent-receipt", number) : "";

        // The same as long as no more has been sent: after a power cut the request is known to be the same.
        var reference = audience.Reference($"erasure-request/{reason}/{number}", delivered.Sum(static d => d.ToSequence) + possible.Sum(static p => p.ToSequence));
        var document = ErasureDocuments.Request(audience, reference, reason, at, delivered, possible, consent, beforeNs);
        var signed = SignedDocument.Sign(audience.Signer, document);
        _outbox!.Put(new Notice(0, recipient, NoticeKind.Erasure, reference, signed, UntilAcknowledged: true));
        _shelf.Keep(new KeptDocument(DocumentTypes.ErasureRequest, number, recipient, reference, signed));
        return new AskedRecipient(recipient, reference, Acknowledged: false, IsPossible: delivered.Count == 0);
    }

    private List<AskedRecipient> AskedAbout(ErasureReport report)
    {
        var pairs = report.Scopes.Select(static s => (s.Function, s.Field)).ToHashSet();
        return [.. Asked().Where(one => Scopes(one.Request).Any(s => pairs.Contains((s.Function, s.Field)))).Select(static one => one.Asked)];
    }

    private IEnumerable<string> Concerned(ErasureReport report) => _policy().Rules
        .Where(rule => report.Scopes.Any(scope => scope.Function == rule.Function.Name && scope.Field == rule.Field.Name))
        .SelectMany(static rule => rule.Recipients).Distinct();

    // Who was asked for what is older was not asked for the rest, and is not asked again because of what is newer.
    private Dictionary<(string Recipient, string Function, string Field), long> AskedTo(long beforeNs)
    {
        var to = new Dictionary<(string, string, string), long>();
        foreach (var request in _shelf.All(DocumentTypes.ErasureRequest))
        {
            foreach (var scope in Scopes(request).Where(scope => scope.BeforeNs >= beforeNs))
            {
                var key = (request.Audience, scope.Function, scope.Field);
                to[key] = Math.Max(scope.BeforeNs == long.MaxValue ? scope.To : long.MaxValue, to.GetValueOrDefault(key, -1));
            }
        }

        return to;
    }

    private static IEnumerable<(string Function, string Field, long To, long Items, long BeforeNs)> Scopes(KeptDocument request) =>
        JsonNode.Parse(request.Json.Span)?["document"]?["scopes"] is JsonArray scopes
            ? scopes.OfType<JsonObject>().Select(static s => ((string)s["function"]!, (string)s["field"]!, (long)s["to"]!, (long)s["items"]!, ErasureDocuments.BeforeNs(s)))
            : [];

    private bool IsWaiting(string recipient, string reference) =>
        _outbox?.IsUnacknowledged(recipient, reference) ?? false;
}
