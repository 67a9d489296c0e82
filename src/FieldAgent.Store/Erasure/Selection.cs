using FieldAgent.Core;
using FieldAgent.Store.Spooling;

namespace FieldAgent.Store.Erasure;

/// <summary>Does something with an item.</summary>
internal delegate void ItemAction(in ItemInfo item, Ground ground, in TermStart start);

/// <summary>Says what an erasure takes.</summary>
internal abstract class ErasureChoice
{
    /// <summary>True when the item goes.</summary>
    public abstract bool Takes(in ItemInfo item, Ground ground, in TermStart start);

    /// <summary>True when every item of the rule goes, so that a key without items goes too.</summary>
    public abstract bool TakesAll(string function, string field);

    /// <summary>True when a document goes that waits to be sent, with data of the rule from <paramref name="atWallNs"/>. Documents have terms of their
    /// own: what only ends a term takes none.</summary>
    public virtual bool TakesDocument(string function, string field, long atWallNs) => false;

    /// <summary>True when all there is of some rule of the function goes.</summary>
    public virtual bool TakesSome(string function) => false;
}

/// <summary>What was chosen: runs of items a key, and the gaps they leave. Items come in ascending order.</summary>
internal sealed class Selection
{
    private readonly Dictionary<long, KeyState> _open = [];

    /// <summary>The runs.</summary>
    public List<DoomedRun> Runs { get; } = [];

    /// <summary>The gaps by function, field and recipients.</summary>
    public Dictionary<(string Function, string Field, uint Mask), SpoolGap> Gaps { get; } = [];

    /// <summary>An item goes.</summary>
    public void Take(in ItemInfo item, Ground ground, GapReason reason)
    {
        if (!_open.TryGetValue(item.Key, out var state))
        {
            _open.Add(item.Key, state = new KeyState());
        }

        state.From = state.From == 0 ? item.Id : state.From;
        state.To = item.Id;
        state.Taken++;
        var key = (ground.Function, ground.Field, item.Pending);
        Gaps[key] = Gaps.TryGetValue(key, out var gap)
            ? gap with { ToSequence = Math.Max(gap.ToSequence, item.Sequence), FromSequence = Math.Min(gap.FromSequence, item.Sequence),
                Blocks = gap.Blocks + 1, Readings = gap.Readings + item.Readings }
            : new SpoolGap(reason, item.Sequence, item.Sequence, 1, item.Readings);
    }

    /// <summary>An item stays.</summary>
    public void Pass(in ItemInfo item)
    {
        if (_open.TryGetValue(item.Key, out var state) && state.From != 0)
        {
            Runs.Add(new DoomedRun(item.Key, state.From, state.To, Whole: false));
            state.From = 0;
            state.IsBroken = true;
        }
    }

    /// <summary>A key with so many items is done with.</summary>
    /// <returns>True when it goes as a whole.</returns>
    public bool Close(long key, long uses, bool evenEmpty)
    {
        if (!_open.Remove(key, out var state))
        {
            if (uses == 0 && evenEmpty)
            {
                Runs.Add(new DoomedRun(key, 0, -1, Whole: true));
                return true;
            }

            return false;
        }

        var whole = !state.IsBroken && state.Taken >= uses;
        if (state.From != 0)
        {
            Runs.Add(new DoomedRun(key, state.From, state.To, whole));
        }

        return whole;
    }

    /// <summary>Items whose key is gone already.</summary>
    public void CloseRest()
    {
        foreach (var (key, state) in _open)
        {
            if (state.From != 0)
            {
                Runs.Add(new DoomedRun(key, state.From, state.To, Whole: !state.IsBroken));
            }
        }

        _open.Clear();
    }

    private sealed class KeyState
    {
        public long From { get; set; }

        public long To { get; set; }

        public long Taken { get; set; }

        public bool IsBroken { get; set; }
    }
}
