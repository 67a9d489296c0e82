using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using FieldAgent.Core;
using FieldAgent.Store.Keys;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Ledgers;

/// <summary>Documents that the board keeps, sealed: they hold the pseudonyms of the board. Thread-safe.</summary>
internal sealed class DocumentShelf : IDocumentShelf, IDisposable
{
    // The row and its index.
    private const int RowBytes = 8 << 10;

    private readonly StoreContext _context;
    private readonly AesGcm _key;

    public DocumentShelf(StoreContext context)
    {
        _context = context;
        _key = context.Identity.CipherFor("documents");
    }

    /// <inheritdoc/>
    public void Keep(KeptDocument document)
    {
        var box = Sealed.Seal(_key, document.Json.Span, Name(document.Type, document.About, document.Audience, document.Reference));
        _context.Write(
            writer =>
            {
                using var put = writer.Once(
                    "INSERT OR REPLACE INTO documents(type, about, audience, reference, document) VALUES(?1, ?2, ?3, ?4, ?5)");
                put.Bind(1, document.Type).Bind(2, document.About).Bind(3, document.Audience).Bind(4, document.Reference).Bind(5, box).Run();
            },
            RowBytes + box.Length);
    }

    /// <inheritdoc/>
    public KeptDocument? Find(string type, long about, string audience)
    {
        lock (_context.WriteLock)
        {
            using var find = _context.Database.Writer.Once(
                "SELECT about, audience, reference, document FROM documents WHERE type = ?1 AND about = ?2 AND audience = ?3 "
                + "ORDER BY id DESC LIMIT 1");
            return find.Bind(1, type).Bind(2, about).Bind(3, audience).Step() ? Open(find, type) : null;
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<KeptDocument> All(string type)
    {
        lock (_context.WriteLock)
        {
            var documents = new List<KeptDocument>();
            using var all = _context.Database.Writer.Once(
                "SELECT about, audience, reference, document FROM documents WHERE type = ?1 ORDER BY id");
            all.Bind(1, type);
            while (all.Step())
            {
                if (Open(all, type) is { } document)
                {
                    documents.Add(document);
                }
            }

            return documents;
        }
    }

    /// <inheritdoc/>
    public long Newest(string type, string audience)
    {
        lock (_context.WriteLock)
        {
            using var newest = _context.Database.Writer.Once("SELECT ifnull(max(about), 0) FROM documents WHERE type = ?1 AND audience = ?2");
            return newest.Bind(1, type).Bind(2, audience).Scalar();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _key.Dispose();

    private static byte[] Name(string type, long about, string audience, string reference) =>
        Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{type}\n{about}\n{audience}\n{reference}"));

    private KeptDocument? Open(Statement row, string type)
    {
        var (about, audience, reference) = (row.Int(0), row.Text(1), row.Text(2));
        var box = row.Blob(3);
        var plain = new byte[Math.Max(0, box.Length - Sealed.Overhead)];
        if (Sealed.TryOpen(_key, box, plain, Name(type, about, audience, reference)))
        {
            return new KeptDocument(type, about, audience, reference, plain);
        }

        _context.Counters.Add("dropped.documents-unreadable");
        return null;
    }
}
