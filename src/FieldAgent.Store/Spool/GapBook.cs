using FieldAgent.Core;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Spooling;

/// <summary>Announcements that something was given up. Adjacent ones of a function are merged, so that a full disk does not fill
/// with them. Under the write lock.</summary>
internal sealed class GapBook(int gapsMax)
{
    private readonly List<GapNote> _new = [];
    private readonly SortedDictionary<long, GapNote> _stored = [];
    private readonly List<long> _replaced = [];
    private readonly List<(long Id, GapNote Note)> _written = [];
    private readonly List<(long Id, uint Bits)> _delivered = [];
    private GapNote[] _before = [];

    /// <summary>True when something waits to be written.</summary>
    public bool HasNew => _new.Count > 0;

    /// <summary>Announcements that wait to be written.</summary>
    public int NewCount => _new.Count;

    /// <summary>Announcements that wait for their recipients.</summary>
    public int Count => _stored.Count;

    /// <summary>Notes one lost item, or several.</summary>
    public void Add(string function, string field, uint mask, SpoolGap gap)
    {
        if (mask == 0)
        {
            return;
        }

        for (var i = _new.Count - 1; i >= 0; i--)
        {
            if (IsAlike(_new[i], function, mask, gap.Reason))
            {
                _new[i] = Merge(_new[i], field, gap);
                return;
            }
        }

        _new.Add(new GapNote(function, field, mask, gap));
    }

    /// <summary>A transaction begins: what is noted from here on is taken back when it fails.</summary>
    public void Begin() => _before = _new.Count == 0 ? [] : [.. _new];

    /// <summary>Forgets what was not written yet.</summary>
    public void ForgetNew() => _new.Clear();

    /// <summary>Reads what waits.</summary>
    public void Load(Connection connection)
    {
        _stored.Clear();
        using var all = connection.Once(
            "SELECT g.item, g.function, g.field, i.pending, g.reason, g.from_sequence, g.to_sequence, g.blocks, g.readings "
            + "FROM gaps g JOIN items i ON i.id = g.item");
        while (all.Step())
        {
            _stored[all.Int(0)] = new GapNote(all.Text(1), all.Text(2), (uint)all.Int(3),
                new SpoolGap((GapReason)all.Int(4), all.Int(5), all.Int(6), all.Int(7), all.Int(8)));
        }
    }

    /// <summary>Writes what is new, within the caller's transaction; <see cref="Saved"/> after its commit. A stored announcement
    /// that a new one continues is replaced by one that covers both, under a new id: whoever is sending the old one sends a part.</summary>
    /// <param name="insert">Inserts one and returns nothing.</param>
    /// <param name="delete">Deletes one by id.</param>
    /// <param name="nextId">The next item id.</param>
    public void Save(Action<long, GapNote> insert, Action<long> delete, Func<long> nextId)
    {
        foreach (var fresh in _new)
        {
            var note = fresh;
            foreach (var (id, stored) in _stored)
            {
                if (!_replaced.Contains(id) && Continues(stored, note))
                {
                    note = Merge(stored, note.Field, note.Gap);
                    delete(id);
                    _replaced.Add(id);
                    break;
                }
            }

            var next = nextId();
            insert(next, note);
            _written.Add((next, note));
        }
    }

    /// <summary>The transaction succeeded.</summary>
    public void Saved()
    {
        foreach (var id in _replaced)
        {
            _stored.Remove(id);
        }

        foreach (var (id, note) in _written)
        {
            _stored[id] = note;
        }

        foreach (var (id, bits) in _delivered)
        {
            Forget(id, bits);
        }

        _before = [];
        Failed();
    }

    /// <summary>The transaction failed; all that was noted before it is kept for the next.</summary>
    public void Failed()
    {
        _new.Clear();
        _new.AddRange(_before);
        _replaced.Clear();
        _written.Clear();
        _delivered.Clear();
    }

    /// <summary>One recipient has it: it is not extended any more. The last one has it: it is forgotten.</summary>
    public void Delivered(long id, uint bits) => _delivered.Add((id, bits));

    private void Forget(long id, uint bits)
    {
        if (!_stored.TryGetValue(id, out var note))
        {
            return;
        }

        var left = note.Mask & ~bits;
        if (left == 0)
        {
            _stored.Remove(id);
        }
        else
        {
            _stored[id] = note with { Mask = left };
        }
    }

    private static bool IsAlike(GapNote note, string function, uint mask, GapReason reason) =>
        note.Function == function && note.Mask == mask && note.Gap.Reason == reason;

    private static GapNote Merge(GapNote note, string field, SpoolGap gap) =>
        note with
        {
            Field = note.Field == field ? field : "",
            Gap = new SpoolGap(gap.Reason,
                Math.Min(note.Gap.FromSequence, gap.FromSequence), Math.Max(note.Gap.ToSequence, gap.ToSequence),
                note.Gap.Blocks + gap.Blocks, note.Gap.Readings + gap.Readings),
        };

    private bool Continues(GapNote stored, GapNote note) =>
        IsAlike(stored, note.Function, note.Mask, note.Gap.Reason)
        && ((stored.Gap.FromSequence <= note.Gap.ToSequence + 1 && note.Gap.FromSequence <= stored.Gap.ToSequence + 1)
            || _stored.Count >= gapsMax);
}
