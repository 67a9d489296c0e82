using System.Security.Cryptography;

namespace FieldAgent.Core;

/// <summary>What a notice tells its recipient; also the last level of its topic.</summary>
/// <remarks>Which of them hold data of a rule, so that it is noted who has it or may have it, and erased here and there with that rule:
/// <list type="table">
/// <item><term><see cref="Facts"/></term><description>Yes: the facts are the data.</description></item>
/// <item><term><see cref="Consent"/></term><description>A receipt: no; who decided what is the proof of the decision, and outlives the data. A correction:
/// no row, it goes only to who has the data it is about or may have it, and is asked to erase it with that; while it waits it is erased with the
/// rule.</description></item>
/// <item><term><see cref="Erasure"/></term><description>No: function, field, numbers and times of what is to be erased or was, and nothing that was
/// read.</description></item>
/// <item><term><see cref="Audit"/></term><description>No: hashes.</description></item>
/// <item><term><see cref="Incident"/></term><description>No: what happened to the board's data, in words from a closed list.</description></item>
/// </list>
/// Beside the outbox: a gap says which numbers are missing, and the state how the agent is; neither holds a reading. A result answers who sent a command.
/// An anonymous window can be led back to nobody (R71), so nobody could be asked to erase it. The pseudonym is the name on every message,
/// and of no use without what came under it.</remarks>
public enum NoticeKind : byte
{
    /// <summary>A consent receipt, or a correction: topic <c>consent</c>.</summary>
    Consent,

    /// <summary>A request to erase what was delivered, or the receipt of an erasure: topic <c>erasure</c> (R78).</summary>
    Erasure,

    /// <summary>A signed checkpoint of the audit chain: topic <c>audit</c>.</summary>
    Audit,

    /// <summary>An incident: topic <c>incident</c> (R110).</summary>
    Incident,

    /// <summary>What seldom changes, such as the board's model (R28, R29): topic <c>facts</c>.</summary>
    Facts,
}

/// <summary>Data of a rule in a notice, and what let it in.</summary>
/// <param name="Function">The function.</param>
/// <param name="Field">The field.</param>
/// <param name="Purpose">The rule's purpose.</param>
/// <param name="Basis">Its legal basis.</param>
/// <param name="Precision">How exact it is.</param>
/// <param name="Term">Its retention term.</param>
/// <param name="ConsentId">The consent event; 0 when none was needed.</param>
/// <param name="PolicyVersion">The policy at that time.</param>
/// <param name="PolicyHash">Its hash.</param>
/// <param name="AtWallUnixNs">When it was collected, or the last time it is about, wall time; <see cref="long.MaxValue"/>: no end.</param>
public sealed record NoticeContent(
    string Function, string Field, string Purpose, LegalBasis Basis, Precision Precision, TimeSpan Term, long ConsentId, string PolicyVersion,
    string PolicyHash, long AtWallUnixNs)
{
    /// <summary>What a permit let in.</summary>
    /// <param name="permit">The permit.</param>
    /// <param name="atWallUnixNs">When it was collected.</param>
    public static NoticeContent Of(Permit permit, long atWallUnixNs) => new(
        permit.Function, permit.Field, permit.Purpose, permit.Basis, permit.Precision, permit.Term, permit.ConsentId, permit.PolicyVersion,
        permit.PolicyHash, atWallUnixNs);
}

/// <summary>A document that waits for one recipient.</summary>
/// <param name="Id">Number of the notice, ascending; 0 before it is stored.</param>
/// <param name="Recipient">For whom.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Reference">Its name in an acknowledgement: random, 26 characters of a–z and 2–7.</param>
/// <param name="Json">The document, UTF-8, under 128 KiB.</param>
/// <param name="UntilAcknowledged">True when it is repeated, at every connection and once a day, until the recipient acknowledges
/// <paramref name="Reference"/> with the command <c>acknowledge</c>; false when the broker's PUBACK is enough.</param>
public sealed record Notice(long Id, string Recipient, NoticeKind Kind, string Reference, ReadOnlyMemory<byte> Json, bool UntilAcknowledged)
{
    /// <summary>How long it may wait, from when it is put in, by the rule of what it holds; null: until the recipient has it. What is past it is
    /// unreadable at once and destroyed when the time is trusted, as readings are.</summary>
    public TimeSpan? Term { get; init; }

    /// <summary>The data in it, each field once; empty when it holds none.</summary>
    public IReadOnlyList<NoticeContent> Holds { get; init; } = [];

    /// <summary>A new reference.</summary>
    public static string NewReference() => RandomNumberGenerator.GetString("abcdefghijklmnopqrstuvwxyz234567", ReferenceLength);

    /// <summary>Characters of a reference: 130 bits, so that none comes twice.</summary>
    public const int ReferenceLength = 26;
}

/// <summary>Documents on their way out beside the readings; few, small, durable. Any thread.</summary>
public interface IOutbox
{
    /// <summary>Raised after something was put in, so that the courier wakes. Any thread.</summary>
    event Action? Added;

    /// <summary>Stores a notice; durable when it returns. One with the reference of a notice that waits for the same recipient is not stored
    /// again. A checkpoint of the audit takes the place of older ones, which it says all of.</summary>
    /// <returns>The notice with its number.</returns>
    /// <exception cref="StoreFault">It could not be stored; Refused: its document is too large.</exception>
    Notice Put(Notice notice);

    /// <summary>What waits for <paramref name="recipient"/>, oldest first, with a number above <paramref name="after"/>.</summary>
    IReadOnlyList<Notice> Waiting(string recipient, long after, int max);

    /// <summary>What waits for anybody and holds data, oldest first.</summary>
    /// <exception cref="StoreFault">It cannot be read.</exception>
    IReadOnlyList<Notice> Holding() => [];

    /// <summary>What still waited for <paramref name="recipient"/> when the pseudonym changed, oldest first. It is signed and named with what has
    /// ended: it goes out under the old pseudonym, once, and never under the new one.</summary>
    IReadOnlyList<Notice> Retired(string recipient, int max) => [];

    /// <summary>True while nobody has acknowledged <paramref name="reference"/>, which asks for it: it waits, or went out under a name that has ended
    /// and cannot be acknowledged any more, or gave way to others.</summary>
    /// <exception cref="StoreFault">It cannot be read.</exception>
    bool IsUnacknowledged(string recipient, string reference) =>
        Waiting(recipient, 0, int.MaxValue).Any(notice => notice.Reference == reference) || Retired(recipient, int.MaxValue).Any(notice => notice.Reference == reference);

    /// <summary>A notice is about to be published: from here on its recipient may have the facts in it, durably when it returns (R78). One
    /// transaction for each rule, recipient and run of the agent; none for what holds no facts. Blocks for the disk then.</summary>
    /// <returns>False when it does not wait any more, because it was erased or replaced: it must not be published.</returns>
    /// <exception cref="StoreFault">It could not be noted: it must not be published yet.</exception>
    bool Sending(long id) => true;

    /// <summary>The broker has it: forgotten, unless it waits for an acknowledgement; of facts it is noted that they are delivered. What is retired is
    /// forgotten in any case: nobody can answer the old pseudonym.</summary>
    /// <exception cref="StoreFault">It could not be noted: it goes out again.</exception>
    void Sent(long id);

    /// <summary>Forgets a notice that is out of date, not permitted any more, or cannot be delivered. What was published of it all the same its recipient
    /// may have.</summary>
    /// <exception cref="StoreFault">It could not be written; call again.</exception>
    void Drop(long id);

    /// <summary>Before the first courier begins: notes what a program left that did not note it. What it sent of facts and is not noted, recipients may
    /// have.</summary>
    /// <param name="contentsOf">The data in a notice of facts that waits, by the policy in force.</param>
    /// <param name="told">Rules of facts that recipients may have been told of before the first start of a program that notes it.</param>
    /// <exception cref="StoreFault">It could not be written.</exception>
    void TakeOver(Func<Notice, IReadOnlyList<NoticeContent>> contentsOf, Func<IEnumerable<(string Recipient, string Function, string Field)>> told)
    {
    }

    /// <summary>The recipient has acknowledged <paramref name="reference"/>.</summary>
    /// <returns>False when nothing of that name waits for that recipient.</returns>
    bool Acknowledge(string recipient, string reference);
}
