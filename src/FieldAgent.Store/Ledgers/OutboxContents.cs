using FieldAgent.Core;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Ledgers;

/// <summary>A document of the outbox that holds data of rules.</summary>
internal sealed record HoldingNotice(long Id, string Recipient, NoticeKind Kind, IReadOnlyList<NoticeContent> Holds);

/// <summary>The rows that say which data is in which document. Under the write lock.</summary>
internal static class OutboxContents
{
    private const string Columns =
        "notice, field, recipient, kind, function, purpose, basis, precision, term_ns, consent_id, policy_version, policy_hash, at_ns";

    /// <summary>Writes what a document holds.</summary>
    public static void Insert(Connection writer, Notice notice)
    {
        foreach (var one in notice.Holds)
        {
            using var put = writer.Once(
                $"INSERT OR REPLACE INTO outbox_contents({Columns}) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)");
            put.Bind(1, notice.Id).Bind(2, one.Field).Bind(3, notice.Recipient).Bind(4, (long)notice.Kind).Bind(5, one.Function).Bind(6, one.Purpose)
                .Bind(7, (long)one.Basis).Bind(8, (long)one.Precision).Bind(9, one.Term.ToNs()).Bind(10, one.ConsentId).Bind(11, one.PolicyVersion)
                .Bind(12, one.PolicyHash).Bind(13, one.AtWallUnixNs).Run();
        }
    }

    /// <summary>The documents that wait and hold something, or with <paramref name="gone"/> those that do not wait any more although nobody said so: a
    /// program that does not know these rows has sent them. By number.</summary>
    public static List<HoldingNotice> Read(Connection connection, bool gone = false) => Read(
        connection, $"WHERE notice {(gone ? "NOT " : "")}IN (SELECT id FROM outbox) ORDER BY notice", 0);

    /// <summary>What one document holds; null when it holds nothing.</summary>
    public static HoldingNotice? Find(Connection connection, long id) => Read(connection, "WHERE notice = ?1", id).SingleOrDefault();

    /// <summary>False for a database of a program that does not know these rows.</summary>
    public static bool IsKnown(Connection connection) => connection.Scalar("SELECT count(*) FROM sqlite_schema WHERE name = 'outbox_contents'") > 0;

    /// <summary>Deletes what is said of a document.</summary>
    public static void Delete(Connection writer, long id)
    {
        using var delete = writer.Once("DELETE FROM outbox_contents WHERE notice = ?1");
        delete.Bind(1, id).Run();
    }

    private static List<HoldingNotice> Read(Connection connection, string which, long id)
    {
        var found = new List<HoldingNotice>();
        List<NoticeContent> holds = [];
        using var rows = connection.Once($"SELECT {Columns} FROM outbox_contents {which}");
        if (id != 0)
        {
            rows.Bind(1, id);
        }

        while (rows.Step())
        {
            if (found.Count == 0 || found[^1].Id != rows.Int(0))
            {
                found.Add(new HoldingNotice(rows.Int(0), rows.Text(2), (NoticeKind)rows.Int(3), holds = []));
            }

            holds.Add(new NoticeContent(
                rows.Text(4), rows.Text(1), rows.Text(5), (LegalBasis)rows.Int(6), (Precision)rows.Int(7), TimeSpan.FromTicks(rows.Int(8) / 100),
                rows.Int(9), rows.Text(10), rows.Text(11), rows.Int(12)));
        }

        return found;
    }
}
