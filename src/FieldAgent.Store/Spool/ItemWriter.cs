using FieldAgent.Core;
using FieldAgent.Store.Keys;

namespace FieldAgent.Store.Spooling;

/// <summary>Writes new items into the transaction at hand: sealed under the key of their rule and day, numbered, counted. The write lock is
/// held.</summary>
internal sealed class ItemWriter(StoreContext context, Catalogue catalogue, Tally tally, KeyRing keys, ImageFiles files)
{
    private const long MsPerDay = 86_400_000;

    private byte[] _sealed = [];
    private byte[] _context = [];

    /// <summary>The statements of the database that is open.</summary>
    public required SpoolStatements Statements { get; set; }

    /// <summary>Number of this boot.</summary>
    public long Boot { get; set; }

    /// <summary>The key of a rule's items of a day.</summary>
    public DataKey KeyFor(Ground ground, long atMs) =>
        keys.For(ground.Function, ground.Field, (atMs + (context.Clock.WallOffsetNs / 1_000_000)) / MsPerDay);

    /// <summary>Writes a block.</summary>
    public void Insert(long id, ReadyBlock block)
    {
        var key = KeyFor(block.Ground, block.AtMs);
        var payload = Seal(key, id, block.Plain.AsSpan(0, block.Length),
            Context(block.Ground, SpoolItemKind.Block, id, block.Sequence, block.AtMs, block.Readings));
        Insert(id, SpoolItemKind.Block, block.Sequence, block.Ground, key.Id, (int)block.Importance, block.Readings, block.AtMs, payload);
        tally.Add(TallyKind.Blocks, (int)block.Importance, 1);
        tally.Add(TallyKind.Readings, (int)block.Importance, block.Readings);
    }

    /// <summary>Writes the row of a picture whose file is there.</summary>
    public void Insert(long id, ReadyImage image)
    {
        const int importance = (int)Importance.Normal;
        var key = KeyFor(image.Ground, image.AtMs);
        files.Mark(image, key);
        var payload = Seal(key, id, image.Description, Context(image.Ground, SpoolItemKind.Image, id, image.Sequence, image.AtMs, 0));
        Insert(id, SpoolItemKind.Image, image.Sequence, image.Ground, key.Id, importance, 0, image.AtMs, payload);
        Statements.InsertImageFile.Bind(1, id).Bind(2, image.Name).Bind(3, image.FileBytes).Run();
        tally.Add(TallyKind.Images, importance, 1);
        tally.Add(TallyKind.ImageBytes, 0, image.FileBytes);
    }

    /// <summary>Writes the announcement of a gap.</summary>
    public void Insert(long id, GapNote note)
    {
        var atMs = context.Clock.BootNs / 1_000_000;
        Statements.InsertItem.Bind(1, id).Bind(2, (long)SpoolItemKind.Gap).Bind(3, note.Gap.ToSequence).Bind(4, 0).Bind(5, 0)
            .Bind(6, Boot).Bind(7, note.Mask).Bind(8, (long)Importance.High).Bind(9, 0).Bind(10, atMs).BindNull(11).Run();
        Statements.InsertGap.Bind(1, id).Bind(2, note.Function).Bind(3, note.Field).Bind(4, (long)note.Gap.Reason)
            .Bind(5, note.Gap.FromSequence).Bind(6, note.Gap.ToSequence).Bind(7, note.Gap.Blocks).Bind(8, note.Gap.Readings).Run();
        if (note.Function.Length > 0)
        {
            KeepSequence(catalogue.Function(note.Function), note.Gap.ToSequence);
        }
    }

    /// <summary>Deletes the announcement of a gap.</summary>
    public void DeleteGap(long id)
    {
        Statements.DeleteItem.Bind(1, id).Run();
        Statements.DeleteGap.Bind(1, id).Run();
    }

    private void Insert(
        long id, SpoolItemKind kind, long sequence, Ground ground, long key, int importance, long readings, long atMs, ReadOnlySpan<byte> payload)
    {
        Statements.InsertItem.Bind(1, id).Bind(2, (long)kind).Bind(3, sequence).Bind(4, ground.Id).Bind(5, key).Bind(6, Boot)
            .Bind(7, ground.Mask).Bind(8, importance).Bind(9, readings).Bind(10, atMs).Bind(11, payload).Run();
        tally.Add(TallyKind.KeyUses, key, 1);
        KeepSequence(ground.FunctionId, sequence);
    }

    private ReadOnlySpan<byte> Context(Ground ground, SpoolItemKind kind, long id, long sequence, long atMs, long readings) =>
        ItemContext.Compose(
            ref _context, ground, context.Database.Generation, context.Clock.BootId, kind, id, sequence, atMs, readings);

    private ReadOnlySpan<byte> Seal(DataKey key, long id, ReadOnlySpan<byte> plain, ReadOnlySpan<byte> about)
    {
        var length = plain.Length + DataKey.Overhead;
        if (_sealed.Length < length)
        {
            _sealed = new byte[length * 2];
        }

        key.Seal(id, plain, _sealed.AsSpan(0, length), about);
        return _sealed.AsSpan(0, length);
    }

    private void KeepSequence(long function, long sequence)
    {
        if (tally[TallyKind.NextSequence, function] <= sequence)
        {
            tally[TallyKind.NextSequence, function] = sequence + 1;
        }
    }
}
