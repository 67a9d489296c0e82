using FieldAgent.Core;
using FieldAgent.Store.Keys;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Spooling;

/// <summary>Copies that a legal hold keeps on the board after their delivery: items that nobody waits for any more. They hold up no delivery,
/// count towards the cap like everything else, and go with the first sweep after the hold. A hold never stops the board: copies fill
/// <see cref="StoreLimits.KeptShare"/> of the cap at most, what is delivered after that goes as without a hold; and where there is no room
/// for what is new and nothing else may be given up, a copy that a recipient has goes before a reading that nobody has. What was not
/// delivered yet and is held is never given up. All under the write lock.</summary>
internal sealed partial class Spool
{
    // There while copies are kept, so that a start counts them only where there are any.
    private const string KeptName = "kept";

    private KeptCounts _kept;
    private KeptCounts _keptBefore;
    private bool _holdsEver;

    private record struct KeptCounts(long Blocks, long Readings, long Images, long Bytes)
    {
        public readonly long Items => Blocks + Images;

        public readonly KeptCounts Add(in ItemInfo item, long fileBytes, int sign) => item.Kind == SpoolItemKind.Image
            ? this with { Images = Images + sign, Bytes = Bytes + (sign * (item.Bytes + LogPages.RowOverheadBytes + fileBytes)) }
            : this with { Blocks = Blocks + sign, Readings = Readings + (sign * item.Readings), Bytes = Bytes + (sign * (item.Bytes + LogPages.RowOverheadBytes)) };
    }

    /// <summary>True while copies are kept after their delivery.</summary>
    internal bool KeepsCopies => Volatile.Read(ref _snapshot).Kept > 0;

    // While nobody has said yet what is held, at a start, everything is that may be.
    private bool IsHeld(in ItemInfo item) => _catalogue.Ground(item.Ground) is { } ground
        && (Eraser is { KnowsHolds: true } eraser
            ? eraser.Holds.IsHeld(ground.Function, ground.Field, _context.Terms.CertainWallNs) : _holdsEver);

    // What is damaged is of no use to anybody.
    private bool MayBeKept(in ItemOutcome outcome) =>
        outcome.Item.Kind != SpoolItemKind.Gap && outcome.GivenUp != GapReason.Unreadable && IsHeld(outcome.Item);

    // Nobody but these waits for the item: it stays, where it is held and there is room, and goes otherwise. False when others wait.
    private bool KeepOrDelete(in ItemOutcome outcome)
    {
        var isHeld = MayBeKept(outcome);
        var file = isHeld ? FileBytes(outcome.Item) : 0;
        if (isHeld && _kept.Add(outcome.Item, file, 1).Bytes <= _context.Options.StateBytesMax / StoreLimits.KeptShare)
        {
            var isKept = _statements.KeepDone.Bind(1, outcome.Item.Id).Bind(2, outcome.Bits).Run() > 0;
            _kept = isKept ? _kept.Add(outcome.Item, file, 1) : _kept;
            return isKept;
        }

        if (_statements.DeleteDone.Bind(1, outcome.Item.Id).Bind(2, outcome.Bits).Run() == 0)
        {
            return false;
        }

        if (isHeld)
        {
            _context.Counters.Add("held.not-kept");
        }

        Removed(outcome.Item);
        return true;
    }

    private long FileBytes(in ItemInfo item)
    {
        var bytes = 0L;
        if (item.Kind == SpoolItemKind.Image && _statements.SelectImageFile.Bind(1, item.Id) is var row && row.Step())
        {
            bytes = row.Int(1);
            row.Reset();
        }

        return bytes;
    }

    // Within the transaction that keeps the first or deletes the last.
    private void SaveKept(Connection writer)
    {
        if (_kept.Items > 0 == _keptBefore.Items > 0)
        {
            return;
        }

        if (_kept.Items > 0)
        {
            _context.Database.SetMeta(KeptName, "1"u8);
        }
        else
        {
            using var delete = writer.Once("DELETE FROM meta WHERE name = ?1");
            delete.Bind(1, KeptName).Run();
        }
    }

    private void LoadKept(Database database)
    {
        _kept = default;
        _holdsEver = database.Writer.Scalar($"SELECT count(*) FROM consents WHERE action = {(int)ConsentAction.Hold}") > 0;
        if (database.GetMeta(KeptName) is null)
        {
            return;
        }

        using var all = database.Writer.Once(
            "SELECT i.kind, i.readings, ifnull(length(i.payload), 0), ifnull(f.bytes, 0) FROM items i LEFT JOIN image_files f ON f.item = i.id "
            + "WHERE i.kind < 2 AND i.pending = 0");
        while (all.Step())
        {
            var item = new ItemInfo(0, (SpoolItemKind)all.Int(0), 0, 0, 0, 0, 0, all.Int(1), all.Int(2), 0, 0);
            _kept = _kept.Add(item, all.Int(3), 1);
        }
    }

    // The last thing that makes room: the oldest copies, whose recipients have them.
    private bool EvictKept(long bytes, GapReason reason)
    {
        if (_kept.Items == 0 || !EvictOnFullDisk(items =>
            {
                var pages = Collect(_statements.OldestKept.Bind(1, items), item => _pages.OfDelete(item) + 1, bytes, items);
                return _evicting.Count > 0 && CommitEviction(pages, reason);
            }))
        {
            return false;
        }

        _context.Counters.Add("held.given-up", _evicting.Count);
        StoreLog.HeldGivenUp(_context.Logger, _evicting.Count);
        Interlocked.Increment(ref _epoch);
        return true;
    }
}
