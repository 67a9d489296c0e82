using System.Security.Cryptography;

namespace FieldAgent.Core;

/// <summary>What a notice tells its recipient; also the last level of its topic.</summary>
public enum NoticeKind : byte
{
    /// <summary>A consent receipt: topic <c>consent</c>.</summary>
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

    /// <summary>What still waited for <paramref name="recipient"/> when the pseudonym changed, oldest first. It is signed and named with what has
    /// ended: it goes out under the old pseudonym, once, and never under the new one.</summary>
    IReadOnlyList<Notice> Retired(string recipient, int max) => [];

    /// <summary>True while nobody has acknowledged <paramref name="reference"/>, which asks for it: it waits, or went out under a name that has ended
    /// and cannot be acknowledged any more, or gave way to others.</summary>
    /// <exception cref="StoreFault">It cannot be read.</exception>
    bool IsUnacknowledged(string recipient, string reference) =>
        Waiting(recipient, 0, int.MaxValue).Any(notice => notice.Reference == reference) || Retired(recipient, int.MaxValue).Any(notice => notice.Reference == reference);

    /// <summary>The broker has it: forgotten, unless it waits for an acknowledgement. What is retired is forgotten in any case: nobody can
    /// answer the old pseudonym.</summary>
    void Sent(long id);

    /// <summary>The recipient has acknowledged <paramref name="reference"/>.</summary>
    /// <returns>False when nothing of that name waits for that recipient.</returns>
    bool Acknowledge(string recipient, string reference);
}
