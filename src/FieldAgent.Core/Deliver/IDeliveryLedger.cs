namespace FieldAgent.Core;

/// <summary>What one recipient was given on one ground in one run of numbers (R32): enough to lead from a delivered message back to
/// rule, policy and consent. With <see cref="IsFacts"/> it is not of blocks and pictures but of documents of facts: items are documents, readings are
/// facts, and the numbers are the outbox's, which nobody outside knows.</summary>
/// <param name="Recipient">Who has it.</param>
/// <param name="Function">The function.</param>
/// <param name="Field">The field.</param>
/// <param name="FromSequence">First number of the function in this run.</param>
/// <param name="ToSequence">Last one.</param>
/// <param name="Items">Blocks and pictures acknowledged.</param>
/// <param name="Readings">Readings in them.</param>
/// <param name="FirstWallUnixNs">When the first was acknowledged, wall time.</param>
/// <param name="LastWallUnixNs">When the last was.</param>
/// <param name="Purpose">The rule's purpose at that time.</param>
/// <param name="Basis">Its legal basis.</param>
/// <param name="Precision">How exact it was.</param>
/// <param name="Term">Its retention term.</param>
/// <param name="ConsentId">The consent event; 0 when none was needed.</param>
/// <param name="PolicyVersion">The policy at that time.</param>
/// <param name="PolicyHash">Its hash.</param>
public sealed record DeliveryRecord(
    string Recipient, string Function, string Field, long FromSequence, long ToSequence, long Items, long Readings,
    long FirstWallUnixNs, long LastWallUnixNs, string Purpose, LegalBasis Basis, Precision Precision, TimeSpan Term, long ConsentId,
    string PolicyVersion, string PolicyHash)
{
    /// <summary>Random id of the database whose numbers these are; after a reset numbering starts anew.</summary>
    public Guid Generation { get; init; }

    /// <summary>From one number of the run to the next; 1 unless the function's numbers alternate between several fields. 0: not all of the
    /// numbers in between, and which is not known (acknowledgements came in no order that can be kept in few bytes).</summary>
    public int Step { get; init; } = 1;

    /// <summary>Id of the first item in the spool: the last part of its message's id.</summary>
    public long FromItem { get; init; }

    /// <summary>Id of the last one, or a larger one when the power was cut meanwhile. Ids in between may be other functions'.</summary>
    public long ToItem { get; init; }

    /// <summary>When the first reading was taken, by the best known wall time then.</summary>
    public long FromReadingWallUnixNs { get; init; }

    /// <summary>When the first reading of the last item was taken, or later when the power was cut meanwhile.</summary>
    public long ToReadingWallUnixNs { get; init; }

    /// <summary>True for documents of facts.</summary>
    public bool IsFacts { get; init; }

    /// <summary>True when number <paramref name="sequence"/> is, or with <see cref="Step"/> 0 may be, one of the run.</summary>
    public bool Holds(long sequence) => sequence >= FromSequence && sequence <= ToSequence && (Step == 0 || (sequence - FromSequence) % Step == 0);
}

/// <summary>What a recipient may have, although it never acknowledged it: it was sent, or was about to be, and the answer did not come, because it
/// is still on its way, the connection broke, or the agent or its power ended (R78). What is acknowledged later moves to the
/// <see cref="DeliveryRecord"/>s. With <see cref="IsFacts"/> it is of documents of facts, as there.</summary>
/// <param name="Recipient">Who may have it.</param>
/// <param name="Function">The function.</param>
/// <param name="Field">The field.</param>
/// <param name="FromSequence">First number of the function that it may have.</param>
/// <param name="ToSequence">Last one, or a larger one when nobody knows.</param>
/// <param name="Items">Blocks and pictures that were sent; 0 when nobody knows how many: the agent was killed or the power cut.</param>
/// <param name="FromReadingWallUnixNs">When the first reading of the first of them was taken, by the best known wall time.</param>
/// <param name="ToReadingWallUnixNs">When the first reading of the last of them was taken, or later when nobody knows.</param>
/// <param name="FirstWallUnixNs">When it was first known to be so, wall time.</param>
/// <param name="LastWallUnixNs">When it was last known to be so.</param>
public sealed record PossibleDelivery(
    string Recipient, string Function, string Field, long FromSequence, long ToSequence, long Items, long FromReadingWallUnixNs,
    long ToReadingWallUnixNs, long FirstWallUnixNs, long LastWallUnixNs)
{
    /// <summary>Random id of the database whose numbers these are.</summary>
    public Guid Generation { get; init; }

    /// <summary>Id of the first item in the spool.</summary>
    public long FromItem { get; init; }

    /// <summary>Id of the last one, or a larger one. Ids in between may be other functions'.</summary>
    public long ToItem { get; init; }

    /// <summary>True for documents of facts.</summary>
    public bool IsFacts { get; init; }

    /// <summary>True when number <paramref name="sequence"/> may be one of them.</summary>
    public bool MayHold(long sequence) => sequence >= FromSequence && sequence <= ToSequence;
}

/// <summary>What was delivered to whom (R32, R69). Any thread.</summary>
public interface IDeliveryLedger
{
    /// <summary>All runs that are still kept, oldest first.</summary>
    IReadOnlyList<DeliveryRecord> All();

    /// <summary>What recipients may have beyond <see cref="All"/>, oldest first. Empty when everything that was sent is acknowledged and
    /// noted: then nobody may have anything that <see cref="All"/> does not say.</summary>
    /// <exception cref="StoreFault">The store cannot be read.</exception>
    IReadOnlyList<PossibleDelivery> Possible() => [];

    /// <summary>Notes for good what was acknowledged until now, so that it is delivered and not possible. Blocks for the disk when there is
    /// any. When it cannot be written it stays possible, which is not wrong.</summary>
    void Settle()
    {
    }

    /// <summary>The run of blocks and pictures that holds number <paramref name="sequence"/> of a function at a recipient; null when it was not
    /// delivered, or the record's own term is over.</summary>
    DeliveryRecord? Find(string recipient, string function, long sequence);
}
