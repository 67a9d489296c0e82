using FieldAgent.Core;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.DataProtection;

/// <summary>What carrying an act to its end brought about.</summary>
/// <param name="Receipt">Number of the newest receipt; 0 when none was issued.</param>
/// <param name="Erasures">What was erased.</param>
/// <param name="Asked">Who was asked to erase.</param>
internal sealed record Followed(long Receipt, IReadOnlyList<ErasureReport> Erasures, IReadOnlyList<AskedRecipient> Asked);

/// <summary>Carries acts of consent to their end. The ledger and the gate come first and are the desk's; here follow, in this order: the
/// request to recipients that have data of what was withdrawn or may have, the erasure of what was not sent, the receipt to recipients, and last the
/// receipt that the board keeps. That one is the mark: an act without it is begun again, at the next command or start, and every step
/// can be repeated without harm. Any thread; one act at a time.</summary>
internal sealed class ConsentFollowUp(
    Gate gate, IConsentLedger ledger, IDocumentShelf shelf, Audiences audiences, IEraser eraser, ErasureNotices notices, IOutbox? outbox,
    IReadOnlyList<string> recipients)
{
    private readonly Lock _lock = new();

    /// <summary>True while an act waits for its end.</summary>
    /// <exception cref="StoreFault">The store cannot be read.</exception>
    public bool HasUnfinished => Unfinished(ledger.All()).Count > 0;

    /// <summary>Finishes every act that is not finished.</summary>
    /// <param name="again">What a command that found nothing to add wants to see erased once more.</param>
    /// <exception cref="StoreFault">Something is not finished: what was withdrawn is withdrawn, and not sent; call again.</exception>
    public Followed Complete(IReadOnlyList<ConsentPair> again)
    {
        lock (_lock)
        {
            var events = ledger.All();
            var receipt = 0L;
            var erasures = new List<ErasureReport>();
            var asked = new List<AskedRecipient>();
            foreach (var act in Unfinished(events))
            {
                var pairs = ConsentActs.ToErase(events, act, gate.Policy);
                if (act.Action == ConsentAction.Withdraw)
                {
                    asked.AddRange(Ask(act, pairs));
                }

                Erase(pairs, erasures);
                Issue(act);
                receipt = act.Number;
            }

            if (receipt == 0)
            {
                Erase([.. again.Where(pair => events.Any(e => e.Function == pair.Function && e.Field == pair.Field))], erasures);
            }

            // What was under way when it was withdrawn may have arrived meanwhile.
            asked.AddRange(AskForLate(events));
            return new Followed(receipt, erasures, asked);
        }
    }

    /// <summary>Asks for what arrived after it was withdrawn, having been under way.</summary>
    /// <exception cref="StoreFault">Not everybody could be asked; call again.</exception>
    public void AskForLate()
    {
        lock (_lock)
        {
            AskForLate(ledger.All());
        }
    }

    private IReadOnlyList<ConsentAct> Unfinished(IReadOnlyList<ConsentEvent> events) =>
        ConsentActs.After(events, shelf.Newest(DocumentTypes.ConsentReceipt, DeviceSigner.Board));

    private List<AskedRecipient> AskForLate(IReadOnlyList<ConsentEvent> events)
    {
        var asked = new List<AskedRecipient>();
        foreach (var act in ConsentActs.After(events, 0).Where(static act => act.Action == ConsentAction.Withdraw).Reverse())
        {
            asked.AddRange(Ask(act, ConsentActs.ToErase(events, act, gate.Policy)));
        }

        return asked;
    }

    /// <summary>Those of <paramref name="pairs"/> that rest on consent: what a recipient holds on another ground is not touched by its end (R11).</summary>
    public IReadOnlyList<ConsentPair> OfConsent(IEnumerable<ConsentPair> pairs) =>
        [.. pairs.Where(pair => gate.Policy.Rule(pair.Function, pair.Field) is null or { Basis: LegalBasis.Consent })];

    private IReadOnlyList<AskedRecipient> Ask(ConsentAct act, IReadOnlyList<ConsentPair> pairs) =>
        notices.Ask(act.Number, OfConsent(pairs), "consent-withdrawn", act.At);

    private void Erase(IReadOnlyList<ConsentPair> pairs, List<ErasureReport> erasures)
    {
        if (pairs.Count > 0)
        {
            erasures.Add(eraser.Erase(
                [.. pairs.Select(static pair => new ErasureScope(pair.Function, pair.Field))], GapReason.ConsentWithdrawn, "withdrawn"));
        }
    }

    private void Issue(ConsentAct act)
    {
        foreach (var recipient in outbox is null ? [] : recipients)
        {
            var audience = audiences.For(recipient);
            if (ConsentReceipt.Write(gate.Policy, act, audience) is { } document)
            {
                outbox!.Put(new Notice(
                    0, recipient, NoticeKind.Consent, audience.Reference("consent-receipt", act.Number),
                    SignedDocument.Sign(audience.Signer, document), UntilAcknowledged: false));
            }
        }

        var board = audiences.Board;
        if (ConsentReceipt.Write(gate.Policy, act, board) is { } own)
        {
            shelf.Keep(new KeptDocument(
                DocumentTypes.ConsentReceipt, act.Number, board.Name, board.Reference("consent-receipt", act.Number),
                SignedDocument.Sign(board.Signer, own)));
        }
    }
}
