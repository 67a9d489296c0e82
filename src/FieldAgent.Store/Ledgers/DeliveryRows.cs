using FieldAgent.Core;
using FieldAgent.Store.Spooling;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Ledgers;

/// <summary>The rows of the delivery ledger.</summary>
internal static class DeliveryRows
{
    private const string Columns =
        "id, open, generation, recipient, ground, function, field, from_sequence, to_sequence, step, items, readings, first_ns, last_ns, "
        + "from_item, to_item, from_reading_ns, to_reading_ns, purpose, basis, precision, term_ns, consent_id, policy_version, policy_hash";

    /// <summary>Writes one, in place of an older one with its number.</summary>
    public static void Write(Connection writer, long id, DeliveryRecord record, long ground, bool open)
    {
        using var put = writer.Once(
            $"INSERT OR REPLACE INTO deliveries({Columns}) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, "
            + "?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25)");
        put.Bind(1, id).Bind(2, open ? 1L : 0).Bind(3, record.Generation.ToByteArray()).Bind(4, record.Recipient).Bind(5, ground)
            .Bind(6, record.Function).Bind(7, record.Field).Bind(8, record.FromSequence).Bind(9, record.ToSequence)
            .Bind(10, (long)record.Step).Bind(11, record.Items).Bind(12, record.Readings).Bind(13, record.FirstWallUnixNs)
            .Bind(14, record.LastWallUnixNs).Bind(15, record.FromItem).Bind(16, record.ToItem).Bind(17, record.FromReadingWallUnixNs)
            .Bind(18, record.ToReadingWallUnixNs).Bind(19, record.Purpose).Bind(20, (long)record.Basis).Bind(21, (long)record.Precision)
            .Bind(22, record.Term.Ticks).Bind(23, record.ConsentId).Bind(24, record.PolicyVersion).Bind(25, record.PolicyHash).Run();
    }

    /// <summary>One that does not grow; null when there is none with that number.</summary>
    public static DeliveryRecord? Find(Connection connection, long id)
    {
        using var one = connection.Once($"SELECT {Columns} FROM deliveries WHERE id = ?1 AND open = 0");
        return one.Bind(1, id).Step() ? Record(one) : null;
    }

    /// <summary>Rows whose last acknowledgement is not older than a wall time; of open ones with <paramref name="openToo"/>, completed from
    /// the counts.</summary>
    public static List<DeliveryRecord> Read(Connection connection, bool openToo, long oldestNs)
    {
        var records = new List<DeliveryRecord>();
        using (var all = connection.Once($"SELECT {Columns} FROM deliveries WHERE open = 0 AND last_ns >= ?1 ORDER BY id"))
        {
            all.Bind(1, oldestNs);
            while (all.Step())
            {
                records.Add(Record(all));
            }
        }

        if (openToo)
        {
            var counts = new Tally();
            counts.Load(connection);
            records.AddRange(ReadOpen(connection, (kind, of) => counts[kind, of], counts[TallyKind.NextId, 0] - 1)
                .Select(static row => row.Record).Where(record => record.LastWallUnixNs >= oldestNs));
        }

        return records;
    }

    /// <summary>Rows that still grow, completed from the counts.</summary>
    public static List<(string Recipient, DeliveryRecord Record, DeliveryRun Run)> ReadOpen(
        Connection connection, Func<TallyKind, long, long> count, long lastItem)
    {
        var rows = new List<(string, DeliveryRecord, DeliveryRun)>();
        using var all = connection.Once($"SELECT {Columns} FROM deliveries WHERE open = 1 ORDER BY id");
        while (all.Step())
        {
            var id = all.Int(0);
            var record = Record(all);
            var to = count(TallyKind.DeliveredTo, id);
            if (to > record.ToSequence)
            {
                // what only the row says has grown since, too: how far at most is known
                record = record with { ToItem = lastItem, ToReadingWallUnixNs = count(TallyKind.DeliveredAtMs, id) * 1_000_000 };
            }

            record = record with
            {
                ToSequence = Math.Max(to, record.ToSequence),
                Items = record.Step == 0 ? Math.Max(count(TallyKind.DeliveredItems, id), record.Items)
                    : ((Math.Max(to, record.ToSequence) - record.FromSequence) / record.Step) + 1,
                Readings = Math.Max(count(TallyKind.DeliveredReadings, id), record.Readings),
                LastWallUnixNs = Math.Max(count(TallyKind.DeliveredAtMs, id) * 1_000_000, record.LastWallUnixNs),
            };
            rows.Add((record.Recipient, record, new DeliveryRun
            {
                Id = id,
                Fixed = record,
                Ground = all.Int(4),
                From = record.FromSequence,
                To = record.ToSequence,
                Step = record.Step,
                Items = record.Items,
                Readings = record.Readings,
                FirstNs = record.FirstWallUnixNs,
                LastNs = record.LastWallUnixNs,
                FromItem = record.FromItem,
                ToItem = record.ToItem,
                FromReadingNs = record.FromReadingWallUnixNs,
                ToReadingNs = record.ToReadingWallUnixNs,
            }));
        }

        return rows;
    }

    private static DeliveryRecord Record(Statement row)
    {
        if (row.Blob(2).Length != 16)
        {
            throw new StoreFault(StoreFaultKind.Corrupt, "the delivery ledger does not read", retry: false);
        }

        return new DeliveryRecord(row.Text(3), row.Text(5), row.Text(6), row.Int(7), row.Int(8), row.Int(10), row.Int(11), row.Int(12),
            row.Int(13), row.Text(18), (LegalBasis)row.Int(19), (Precision)row.Int(20), TimeSpan.FromTicks(row.Int(21)), row.Int(22),
            row.Text(23), row.Text(24))
        {
            Generation = new Guid(row.Blob(2)),
            Step = (int)row.Int(9),
            FromItem = row.Int(14),
            ToItem = row.Int(15),
            FromReadingWallUnixNs = row.Int(16),
            ToReadingWallUnixNs = row.Int(17),
            IsFacts = row.Int(14) == 0,
        };
    }
}
