using FieldAgent.Core;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Ledgers;

/// <summary>Incidents, one row a kind and place. Thread-safe.</summary>
internal sealed class IncidentLedger(StoreContext context) : IIncidentStore
{
    private const int WriteBytes = 16 << 10;

    /// <inheritdoc/>
    public IncidentRow Note(IncidentKind kind, string place)
    {
        lock (context.WriteLock)
        {
            var at = context.Clock.Now();
            context.Write(writer =>
            {
                using var put = writer.Once(
                    "INSERT INTO incidents(kind, place, boot_id, boot_ns, wall_ns, quality, times) VALUES(?1, ?2, ?3, ?4, ?5, ?6, 1) "
                    + "ON CONFLICT(kind, place) DO UPDATE SET times = times + 1");
                put.Bind(1, (long)kind).Bind(2, place).Bind(3, at.BootId.ToByteArray()).Bind(4, at.BootNs).Bind(5, at.WallUnixNs)
                    .Bind(6, (long)at.Quality).Run();
                using var old = writer.Once("DELETE FROM incidents WHERE id <= (SELECT id FROM incidents ORDER BY id DESC LIMIT 1 OFFSET ?1)");
                context.Counters.Add("dropped.incidents", old.Bind(1, context.Limits.IncidentsMax).Run());
            }, WriteBytes);
            return Read("WHERE kind = ?1 AND place = ?2", s => s.Bind(1, (long)kind).Bind(2, place))[0];
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<IncidentRow> All()
    {
        lock (context.WriteLock)
        {
            return Read("ORDER BY id DESC", static s => s);
        }
    }

    /// <inheritdoc/>
    public IncidentRow? Clear(long id)
    {
        lock (context.WriteLock)
        {
            if (Read("WHERE id = ?1", s => s.Bind(1, id)) is not [var row])
            {
                return null;
            }

            context.Write(writer =>
            {
                using var delete = writer.Once("DELETE FROM incidents WHERE id = ?1");
                delete.Bind(1, id).Run();
            }, WriteBytes);
            return row;
        }
    }

    private List<IncidentRow> Read(string which, Func<Statement, Statement> bind)
    {
        var found = new List<IncidentRow>();
        using var rows = context.Database.Writer.Once(
            "SELECT id, kind, place, boot_id, boot_ns, wall_ns, quality, times FROM incidents " + which);
        bind(rows);
        while (rows.Step())
        {
            var bootId = rows.Blob(3).Length == 16 ? new Guid(rows.Blob(3)) : Guid.Empty;
            found.Add(new IncidentRow(
                rows.Int(0), (IncidentKind)rows.Int(1), rows.Text(2), new Stamp(bootId, rows.Int(4), rows.Int(5), (ClockQuality)rows.Int(6)),
                rows.Int(7)));
        }

        return found;
    }
}
