using FieldAgent.Store.Keys;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Spooling;

/// <summary>How many pages of the write-ahead log a change fills, from above: what a transaction writes is reckoned before it begins, so that
/// the cap holds while it runs too. The write lock is held.</summary>
internal sealed class LogPages(StoreContext context)
{
    /// <summary>What a row costs beside its payload: columns, cell, its share of the tree.</summary>
    public const int RowOverheadBytes = 64;

    /// <summary>Header, counts, keys, the rightmost leaves, and the pages of the free list that are taken up and put down.</summary>
    public const int Fixed = 20;

    /// <summary>A gap: its item, its row, and what they open.</summary>
    public const int PerGap = 6;

    /// <summary>A row of the catalogue.</summary>
    public const int PerCatalogueRow = 6;

    /// <summary>A picture: its description is small.</summary>
    public const int PerImage = 5;

    // Bytes of payload in a page of its own, and pages that one page of the reverse map of an auto-vacuum database covers.
    private const int PageContentBytes = Database.PageBytes - 4;
    private const int PagesPerMapPage = (Database.PageBytes / 5) - 1;

    /// <summary>Pages of the reverse map that any transaction may write.</summary>
    public long Map => IsScattered ? 2 : MapPages;

    // Each page that is taken or freed is noted in the reverse map: all of it in the worst case, or a page for each.
    private long MapPages => (context.Database.PageCount / PagesPerMapPage) + 2;

    private bool IsScattered => MapPages > Database.LogPagesIn(context.Database.LogBytesKept) / 3;

    /// <summary>A row that is written, or overwritten because its length changes.</summary>
    public long OfRow(long bytes) =>
        ((((bytes + DataKey.Overhead + RowOverheadBytes) / PageContentBytes) + 1) * (IsScattered ? 2 : 1)) + 2;

    /// <summary>A delete writes the leaf and its neighbour; what lay on pages of its own only goes to the free list.</summary>
    public long OfDelete(in ItemInfo item) => 2 + (IsScattered ? item.Bytes / PageContentBytes : 0);
}
