using FieldAgent.Core;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Ledgers;

/// <summary>Facts that were delivered in documents: a row a rule, recipient and day, written in the transaction that forgets the document. Their item is 0:
/// they were in no spool.</summary>
internal sealed partial class DeliveryLedger
{
    // Rows that documents were added to in this run. Looked at before they are used: one may be gone, or its transaction have failed.
    private readonly Dictionary<(string Recipient, string Function, string Field), long> _ofFacts = [];

    /// <summary>What recipients may have of facts.</summary>
    public Func<IReadOnlyList<PossibleDelivery>> PossibleFacts { get; set; } = static () => [];

    /// <summary>A recipient has acknowledged a document; within the caller's transaction, under the write lock.</summary>
    public void Note(Connection writer, HoldingNotice notice)
    {
        if (_unsettled)
        {
            // the last one did not get as far as failing, and would take numbers back
            Failed();
        }

        var now = context.Clock.Now().WallUnixNs;
        foreach (var one in notice.Holds)
        {
            var key = (notice.Recipient, one.Function, one.Field);
            if (_ofFacts.TryGetValue(key, out var id) && DeliveryRows.Find(writer, id) is { IsFacts: true } run && IsOf(run, notice.Recipient, one)
                && run.Generation == context.Database.Generation && run.FirstWallUnixNs / NsPerDay == now / NsPerDay)
            {
                run = run with
                {
                    FromSequence = Math.Min(run.FromSequence, notice.Id), ToSequence = Math.Max(run.ToSequence, notice.Id), Step = 0, Items = run.Items + 1,
                    Readings = run.Readings + 1, LastWallUnixNs = now, FromReadingWallUnixNs = Math.Min(run.FromReadingWallUnixNs, one.AtWallUnixNs),
                    ToReadingWallUnixNs = Math.Max(run.ToReadingWallUnixNs, one.AtWallUnixNs),
                };
            }
            else
            {
                _ofFacts[key] = id = _nextId++;
                run = new DeliveryRecord(
                    notice.Recipient, one.Function, one.Field, notice.Id, notice.Id, 1, 1, now, now, one.Purpose, one.Basis, one.Precision, one.Term,
                    one.ConsentId, one.PolicyVersion, one.PolicyHash)
                {
                    Generation = context.Database.Generation, FromReadingWallUnixNs = one.AtWallUnixNs, ToReadingWallUnixNs = one.AtWallUnixNs,
                };
                ForgetOld(writer);
            }

            DeliveryRows.Write(writer, id, run, ground: 0, open: false);
        }
    }

    private static bool IsOf(DeliveryRecord run, string recipient, NoticeContent one) =>
        run.Recipient == recipient && run.Function == one.Function && run.Field == one.Field && run.Purpose == one.Purpose && run.Basis == one.Basis
        && run.Precision == one.Precision && run.Term == one.Term && run.ConsentId == one.ConsentId && run.PolicyHash == one.PolicyHash;
}
