namespace FieldAgent.Core;

/// <summary>A signed document as the board keeps it.</summary>
/// <param name="Type">Its type: <c>consent-receipt</c>.</param>
/// <param name="About">Number of what it is about: the consent act, the erasure.</param>
/// <param name="Audience">For whom: a recipient's name, or <c>board</c> for the person at the board.</param>
/// <param name="Reference">Its name towards the audience.</param>
/// <param name="Json">The document, UTF-8.</param>
public sealed record KeptDocument(string Type, long About, string Audience, string Reference, ReadOnlyMemory<byte> Json);

/// <summary>Documents that the board keeps for those whom they are about. Any thread; durable when a call returns.</summary>
public interface IDocumentShelf
{
    /// <summary>Keeps a document; one of the same type, number, audience and reference is replaced.</summary>
    /// <exception cref="StoreFault">It could not be stored.</exception>
    void Keep(KeptDocument document);

    /// <summary>The newest such document, or null when there is none that can be read.</summary>
    KeptDocument? Find(string type, long about, string audience);

    /// <summary>All documents of a type, oldest first.</summary>
    IReadOnlyList<KeptDocument> All(string type);

    /// <summary>The largest number that a document of this type is about; 0 when there is none. Cheap.</summary>
    long Newest(string type, string audience);
}
