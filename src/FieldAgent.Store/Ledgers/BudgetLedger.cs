using FieldAgent.Core;

namespace FieldAgent.Store.Ledgers;

/// <summary>Bytes a recipient and day. Thread-safe.</summary>
internal sealed class BudgetLedger(StoreContext context) : IBudgetLedger
{
    private const int WriteBytes = 8 << 10;

    /// <summary>A month and the day before it are all that is ever asked for.</summary>
    private const int DaysKept = 35;

    /// <inheritdoc/>
    public long Used(string recipient, long fromDay)
    {
        lock (context.WriteLock)
        {
            using var sum = context.Database.Writer.Once("SELECT ifnull(sum(bytes), 0) FROM traffic WHERE recipient = ?1 AND day >= ?2");
            return sum.Bind(1, recipient).Bind(2, fromDay).Scalar();
        }
    }

    /// <inheritdoc/>
    public void Add(string recipient, long day, long bytes)
    {
        lock (context.WriteLock)
        {
            context.Write(writer =>
            {
                using var add = writer.Once(
                    "INSERT INTO traffic(recipient, day, bytes) VALUES(?1, ?2, ?3) ON CONFLICT(recipient, day) DO UPDATE SET bytes = bytes + ?3");
                add.Bind(1, recipient).Bind(2, day).Bind(3, bytes).Run();
                using var old = writer.Once("DELETE FROM traffic WHERE recipient = ?1 AND day < ?2");
                old.Bind(1, recipient).Bind(2, day - DaysKept).Run();
            }, WriteBytes);
        }
    }
}
