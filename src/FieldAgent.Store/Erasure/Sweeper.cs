using FieldAgent.Core;
using FieldAgent.Store.Spooling;

namespace FieldAgent.Store.Erasure;

/// <summary>The sweeper's limits, each with the reason for its default.</summary>
public static class SweeperLimits
{
    /// <summary>Between two looks at the clock: whether it has become trusted, or was set. Costs nothing while nothing is due.</summary>
    public const long LookNs = 60 * ClockExtensions.NsPerSecond;

    /// <summary>Between two sweeps for readings. They are unreadable at their very end; this is how long until they are destroyed, and how
    /// seldom a backlog that expires block by block costs a scan.</summary>
    public const long SweepNs = 3_600 * ClockExtensions.NsPerSecond;

    /// <summary>The same for pictures: originals are gone 30 × 24 h after they were taken (R64).</summary>
    public const long ImageSweepNs = 60 * ClockExtensions.NsPerSecond;
}

/// <summary>Erases what is past its term, by trusted time only (<see cref="TermClock"/>), announces it as a gap, finishes erasures that were
/// cut off, and erases what legal holds kept once they end. One thread at a time.</summary>
public sealed class Sweeper
{
    private readonly StoreContext _context;
    private readonly Spool _spool;
    private readonly Eraser _eraser;
    private long _notedNs;

    // What is stored from now on ends no sooner than the shortest term there is.
    private long _shortestTermNs = long.MaxValue;

    internal Sweeper(StoreContext context, Spool spool, Eraser eraser)
    {
        _context = context;
        _spool = spool;
        _eraser = eraser;
    }

    /// <summary>Done with every sweep, and every hour: what else has terms.</summary>
    internal Action? Also { get; set; }

    /// <summary>Boot-time of the next sweep, ns, as far as is known; <see cref="Tick"/> before it does nothing.</summary>
    public long NextDueBootNs { get; private set; }

    /// <summary>Rules of which something is past its term or delivered, and held, at the last sweep.</summary>
    public int Held { get; private set; }

    /// <summary>Sweeps when it is due, and again and again until stopped. Blocks.</summary>
    public void Run(CancellationToken stop)
    {
        do
        {
            try
            {
                Tick();
            }
            catch (StoreFault fault)
            {
                // what is overdue is unreadable meanwhile
                StoreLog.NotVerified(_context.Logger, 0, fault.Message);
                _context.Counters.Add("sweep.failed");
                NextDueBootNs = _context.Clock.BootNs + SweeperLimits.ImageSweepNs;
            }
        }
        while (_context.Clock.WaitUntil(Math.Min(Math.Max(NextDueBootNs, _context.Clock.BootNs + 1), _context.Clock.BootNs + SweeperLimits.LookNs), stop));
    }

    /// <summary>Looks at the clock, and sweeps when that is due. O(1) otherwise.</summary>
    /// <returns>True when it swept.</returns>
    /// <exception cref="StoreFault">Something is not erased yet; it is unreadable, and tried again.</exception>
    public bool Tick()
    {
        var nowNs = _context.Clock.BootNs;
        bool changed;
        lock (_context.WriteLock)
        {
            changed = _context.Terms.Observe();
        }

        if (changed)
        {
            _spool.BeginEpoch();
        }

        if (changed || nowNs - _notedNs >= SweeperLimits.SweepNs)
        {
            NoteTime();
            Also?.Invoke();
        }

        var shortest = _spool.Catalogue.ShortestTermNs();
        if (shortest < _shortestTermNs)
        {
            _shortestTermNs = shortest;
            NextDueBootNs = Math.Min(NextDueBootNs, nowNs + shortest);
        }

        if (_spool.KeepsCopies)
        {
            // a hold may end by itself
            NextDueBootNs = Math.Min(NextDueBootNs, nowNs + SweeperLimits.SweepNs);
        }

        if (!changed && nowNs < NextDueBootNs)
        {
            return false;
        }

        Sweep();
        return true;
    }

    /// <summary>Sweeps now, due or not: after a hold was released, or when a person asks.</summary>
    /// <exception cref="StoreFault">Something is not erased yet; it is unreadable, and tried again.</exception>
    public void Sweep()
    {
        _eraser.Resume();
        Also?.Invoke();
        _shortestTermNs = _spool.Catalogue.ShortestTermNs();
        var overdue = new Overdue(_context, _eraser.Holds, _shortestTermNs);
        _spool.ForEachItem(overdue.Look);

        if (overdue.HeldRules > 0 && overdue.HeldRules != Held)
        {
            StoreLog.Held(_context.Logger, overdue.HeldRules);
        }

        Held = overdue.HeldRules;
        var nowNs = _context.Clock.BootNs;
        NextDueBootNs = nowNs + Math.Min(
            Math.Max(overdue.NextImageNs, SweeperLimits.ImageSweepNs), Math.Max(overdue.NextNs, SweeperLimits.SweepNs));
        if (Held > 0 || _eraser.HasWork)
        {
            NextDueBootNs = Math.Min(NextDueBootNs, nowNs + SweeperLimits.SweepNs);
        }

        if (overdue.Rules.Count > 0)
        {
            _eraser.EraseOverdue(overdue.Rules, overdue, "term-over");
        }

        if (overdue.Released.Rules.Count > 0)
        {
            _eraser.EraseOverdue(overdue.Released.Rules, overdue.Released, ErasureGrounds.HoldEnded);
        }
    }

    /// <summary>Writes down board time, so that the next boot counts on from it. A failure costs at most an hour of it.</summary>
    internal void NoteTime()
    {
        _notedNs = _context.Clock.BootNs;
        try
        {
            _context.Write(_ => _context.Terms.Save(_context.Database));
        }
        catch (StoreFault)
        {
            _context.Counters.Add("sweep.time-not-noted");
        }
    }

    /// <summary>What is past its term, and when the next thing will be.</summary>
    private sealed class Overdue(StoreContext context, IHolds holds, long shortestTermNs) : ErasureChoice
    {
        private readonly Dictionary<(string, string), bool> _held = [];
        private readonly RuleEnds _before = new();
        private readonly long _certainNs = context.Terms.CertainWallNs;

        public long NextNs { get; private set; } = shortestTermNs;

        public long NextImageNs { get; private set; } = shortestTermNs;

        public int HeldRules { get; private set; }

        public List<ErasureScope> Rules => _before.Scopes;

        /// <summary>Copies that were kept after their delivery, by holds that have ended.</summary>
        public ReleasedCopies Released { get; } = new();

        public void Look(in ItemInfo item, Ground ground, in TermStart start)
        {
            var left = context.Terms.LeftNs(start, ground.Terms.TermNs);
            if (item.Pending == 0 || left <= 0)
            {
                if (!IsHeld(ground))
                {
                    (item.Pending == 0 ? Released.Ends : _before).Note(ground, start);
                }

                return;
            }

            if (item.Kind == SpoolItemKind.Image)
            {
                NextImageNs = Math.Min(NextImageNs, left);
            }
            else
            {
                NextNs = Math.Min(NextNs, left);
            }
        }

        public override bool Takes(in ItemInfo item, Ground ground, in TermStart start) =>
            item.Pending != 0 && context.Terms.LeftNs(start, ground.Terms.TermNs) <= 0 && !IsHeld(ground);

        public override bool TakesAll(string function, string field) => false;

        private bool IsHeld(Ground ground)
        {
            var rule = (ground.Function, ground.Field);
            if (!_held.TryGetValue(rule, out var held))
            {
                held = holds.IsHeld(ground.Function, ground.Field, _certainNs);
                _held.Add(rule, held);
                HeldRules += held ? 1 : 0;
            }

            return held;
        }
    }

    /// <summary>What holds kept after its delivery, and keep no more.</summary>
    private sealed class ReleasedCopies : ErasureChoice
    {
        public RuleEnds Ends { get; } = new();

        public List<ErasureScope> Rules => Ends.Scopes;

        public override bool Takes(in ItemInfo item, Ground ground, in TermStart start) => item.Pending == 0 && Ends.Has(ground);

        public override bool TakesAll(string function, string field) => false;
    }

    /// <summary>Rules, each with the wall time before which it goes.</summary>
    private sealed class RuleEnds
    {
        private readonly Dictionary<(string, string), long> _before = [];

        public List<ErasureScope> Scopes => [.. _before.Select(static rule => new ErasureScope(rule.Key.Item1, rule.Key.Item2, rule.Value))];

        public void Note(Ground ground, in TermStart start)
        {
            var rule = (ground.Function, ground.Field);
            _before[rule] = Math.Max(_before.GetValueOrDefault(rule), start.WallNs + 1);
        }

        public bool Has(Ground ground) => _before.ContainsKey((ground.Function, ground.Field));
    }
}
