using FieldAgent.Core;
using FieldAgent.Store.Files;
using FieldAgent.Store.Ledgers;
using FieldAgent.Store.Spooling;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Erasure;

/// <summary>Erases for good, in steps that are each noted before the next begins: doomed (unreadable), keys destroyed, rows and files
/// deleted, log emptied, verified. A job that is cut off goes on at the next start, the next sweep or the next call.</summary>
internal sealed class Eraser : IEraser
{
    // A document goes with what it holds, and may leave a row that says who may have it.
    private const int PagesPerDocument = 16;

    private readonly StoreContext _context;
    private readonly Spool _spool;
    private readonly Lock _lock = new();
    private readonly List<ErasureJob> _jobs;
    private readonly List<ErasureReport> _unheard = [];
    private Action<ErasureReport>? _verified;

    /// <summary>Finds the jobs of earlier runs; what they cover is unreadable from here on.</summary>
    public Eraser(StoreContext context, Spool spool)
    {
        _context = context;
        _spool = spool;
        spool.Eraser = this;
        _jobs = ErasureLedger.Load(context.Database.Writer);
        Doom();
    }

    /// <inheritdoc/>
    /// <remarks>Jobs that were finished before anybody listened, at the start, are told to the first who does.</remarks>
    public event Action<ErasureReport>? Verified
    {
        add
        {
            lock (_lock)
            {
                _verified += value;
                foreach (var report in _unheard)
                {
                    value?.Invoke(report);
                }

                _unheard.Clear();
            }
        }

        remove
        {
            lock (_lock)
            {
                _verified -= value;
            }
        }
    }

    /// <summary>True while a job is open, or a hold keeps something that is to be erased.</summary>
    public bool HasWork
    {
        get
        {
            lock (_lock)
            {
                return _jobs.Exists(static job => job.IsOpen || job.Scopes.Exists(static scope => scope.Held == HeldState.Held));
            }
        }
    }

    /// <summary>What must not be erased.</summary>
    public IHolds Holds { get; set; } = NoHolds.Instance;

    /// <summary>Documents on their way out, which are erased with what they hold.</summary>
    public required OutboxLedger Outbox { get; init; }

    /// <summary>True once somebody has said what is held.</summary>
    public bool KnowsHolds => Holds is not NoHolds;

    /// <inheritdoc/>
    public ErasureReport Erase(IReadOnlyList<ErasureScope> scopes, GapReason reason, string ground)
    {
        lock (_lock)
        {
            var job = Begin(scopes, reason, ground);
            FinishAll();
            return job.Report();
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<ErasureReport> Reports()
    {
        lock (_lock)
        {
            return [.. _jobs.AsEnumerable().Reverse().Select(static job => job.Report())];
        }
    }

    /// <summary>Erases one rule's data. When its keys are destroyed and only the proof is outstanding, that is left to the next sweep.</summary>
    /// <returns>Readings and pictures.</returns>
    /// <exception cref="StoreFault">It could not be made unreadable, or its keys could not be destroyed.</exception>
    public long EraseReadable(string function, string field, GapReason reason)
    {
        lock (_lock)
        {
            var job = Begin([new ErasureScope(function, field)], reason, reason == GapReason.ConsentWithdrawn ? "withdrawn" : "erased");
            try
            {
                FinishAll();
            }
            catch (StoreFault fault) when (fault.Retry && job.State >= ErasureState.KeysDestroyed)
            {
                StoreLog.NotVerified(_context.Logger, job.Id, fault.Message);
            }

            StoreLog.Erased(_context.Logger, job.Readings + job.Images, function, field);
            return job.Readings + job.Images;
        }
    }

    /// <summary>Finishes what an earlier run began. A fault leaves it to the next sweep: the data stays unreadable.</summary>
    public void ResumeAtStart()
    {
        lock (_lock)
        {
            Try(FinishAll);
        }
    }

    /// <summary>Finishes what is open, and erases what holds kept that have ended since.</summary>
    public void Resume()
    {
        lock (_lock)
        {
            Try(FinishAll);
            Try(EraseReleased);
        }
    }

    /// <summary>Erases what is certainly past its term and not held, or was kept by a hold after its delivery.</summary>
    /// <param name="rules">The rules that have any, each with the wall time before which all of it goes.</param>
    /// <param name="choice">Which items.</param>
    /// <param name="ground">Why.</param>
    /// <exception cref="StoreFault">It is not finished.</exception>
    public void EraseOverdue(IReadOnlyList<ErasureScope> rules, ErasureChoice choice, string ground)
    {
        lock (_lock)
        {
            var job = NewJob(GapReason.TermOver, ground);
            job.Scopes.AddRange(rules.Select(static rule => new JobScope(rule, HeldState.Free, 0)));
            Begin(job, choice, null);
            FinishAll();
        }
    }

    private ErasureJob Begin(IReadOnlyList<ErasureScope> scopes, GapReason reason, string ground)
    {
        var job = NewJob(reason, ground);
        var nowNs = _context.Terms.CertainWallNs;
        lock (_context.WriteLock)
        {
            foreach (var scope in scopes)
            {
                Split(job, scope, nowNs);
            }

            Begin(job, Choice(job), null);
        }

        return job;
    }

    // A scope that names everything is taken apart where part of it is held: the rest of it goes.
    private void Split(ErasureJob job, ErasureScope scope, long nowNs)
    {
        var held = _spool.Catalogue.Rules().Union(Outbox.Rules()).Where(rule => scope.Covers(rule.Function, rule.Field) && Holds.IsHeld(rule.Function, rule.Field, nowNs))
            .ToList();
        if (scope.Function != ErasureScope.Any && scope.Field != ErasureScope.Any && Holds.IsHeld(scope.Function, scope.Field, nowNs))
        {
            job.Scopes.Add(new JobScope(scope, HeldState.Held, _spool.NextId));
            return;
        }

        job.Scopes.Add(new JobScope(scope, HeldState.Free, long.MaxValue));
        foreach (var (function, field) in held)
        {
            job.Scopes.Add(new JobScope(scope with { Function = function, Field = field }, HeldState.Held, _spool.NextId));
        }
    }

    private void Begin(ErasureJob job, ErasureChoice choice, Action<Connection>? also)
    {
        lock (_context.WriteLock)
        {
            var documents = Outbox.Chosen(choice);
            job.Blocks += documents.Count;
            var done = false;
            try
            {
                _spool.Doom(
                    job, choice, [.. _jobs.Where(static open => open.IsOpen)],
                    writer =>
                    {
                        Outbox.Erase(writer, documents, choice);
                        also?.Invoke(writer);
                    },
                    documents.Count * PagesPerDocument);
                done = true;
            }
            finally
            {
                Outbox.Erased(done);
            }
        }

        _jobs.Add(job);
        Step("begun");
    }

    private ErasureJob NewJob(GapReason reason, string ground) =>
        new() { Reason = reason, Ground = ground, BegunAt = _context.Clock.Now() };

    // Of documents only those from before: what came later was not asked for.
    private static ScopeChoice Choice(ErasureJob job, long documentsBeforeNs = long.MaxValue) =>
        new([.. job.Scopes.Where(static s => s.Held == HeldState.Free)], [.. job.Scopes.Where(static s => s.Held == HeldState.Held)], documentsBeforeNs);

    private void EraseReleased()
    {
        var nowNs = _context.Terms.CertainWallNs;
        foreach (var old in _jobs.ToArray())
        {
            var released = old.Scopes.Where(scope => scope.Held == HeldState.Held && !Holds.IsHeld(scope.Scope.Function, scope.Scope.Field, nowNs)).ToList();
            if (released.Count == 0)
            {
                continue;
            }

            var job = NewJob(old.Reason, old.Ground);
            job.Scopes.AddRange(released.Select(static scope => scope with { Held = HeldState.Free }));
            for (var i = 0; i < old.Scopes.Count; i++)
            {
                old.Scopes[i] = released.Contains(old.Scopes[i]) ? old.Scopes[i] with { Held = HeldState.Released } : old.Scopes[i];
            }

            Begin(job, Choice(job, old.BegunAt.WallUnixNs), writer => ErasureLedger.PutScopes(writer, old));
            FinishAll();
        }
    }

    // What concerns a child goes before everything else that waits (R103), also past a job that cannot be finished now.
    private void FinishAll()
    {
        foreach (var job in _jobs.OrderBy(static job => job.Ground == ErasureGrounds.Minor ? 0 : 1).ToArray())
        {
            if (job.IsTold)
            {
                continue;
            }

            try
            {
                if (job.IsOpen)
                {
                    Finish(job);
                }
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                throw Faults.From(fault, $"erasure in {_context.Folder.Path}");
            }

            StoreLog.Verified(_context.Logger, job.Id, job.Ground, job.Blocks + job.Images, job.Keys, job.ScannedFiles, job.ScannedBytes);
            _context.Counters.Add("erased.verified");
            job.IsTold = true;
            if (_verified is { } told)
            {
                told(job.Report());
            }
            else if (_unheard.Count < ErasureLedger.ReportsMax)
            {
                _unheard.Add(job.Report());
            }
        }
    }

    private void Finish(ErasureJob job)
    {
        if (job.State == ErasureState.Begun)
        {
            if (!_spool.DestroyKeys(job, Step))
            {
                throw Pinned(job);
            }

            Reach(job, ErasureState.KeysDestroyed, "keys-destroyed");
        }

        if (job.State == ErasureState.KeysDestroyed)
        {
            _spool.DeleteDoomed(job, Step);
            Reach(job, ErasureState.Deleted, "deleted");
        }

        if (job.State == ErasureState.Deleted)
        {
            if (!_spool.EmptyLog())
            {
                throw Pinned(job);
            }

            Reach(job, ErasureState.Truncated, "truncated");
        }

        var finding = _spool.Verify(job) ?? throw Pinned(job);
        Step("scanned");
        (job.ScannedFiles, job.ScannedBytes, job.Remains) = (finding.Files, finding.Bytes, finding.Remains);
        if (finding.Remains > 0)
        {
            // what was written since, or a file that could not be deleted: all of it is done again
            _context.Counters.Add("erased.remains-found", finding.Remains);
            job.State = ErasureState.KeysDestroyed;
            _spool.Note(job);
            throw new StoreFault(StoreFaultKind.Io,
                $"erasure {job.Id}: {finding.Remains} remains were found, the first in {finding.Place}; its keys are destroyed, and it is tried again",
                retry: true);
        }

        job.VerifiedAt = _context.Clock.Now();
        Reach(job, ErasureState.Verified, "verified");
        Doom();
        Forget();

        // the note of it lies in the log; a log that is empty again can be written on a full disk
        _ = _spool.EmptyLog();
    }

    private void Reach(ErasureJob job, ErasureState state, string step)
    {
        var before = job.State;
        job.State = state;
        try
        {
            _spool.Note(job);
        }
        catch
        {
            job.State = before;
            throw;
        }

        Step(step);
    }

    private void Doom() => _context.Doomed = _jobs.Exists(static job => job.IsOpen)
        ? new Doomed(_jobs.Where(static job => job.IsOpen).SelectMany(static job => job.Runs))
        : Doomed.Nothing;

    private void Forget() => _jobs.RemoveAll(old => old.Id <= _jobs[^1].Id - ErasureLedger.ReportsMax && !old.IsOpen
        && !old.Scopes.Exists(static scope => scope.Held == HeldState.Held));

    private void Step(string name) => _context.Options.AtErasureStep(name);

    private void Try(Action action)
    {
        try
        {
            action();
        }
        catch (StoreFault fault)
        {
            StoreLog.NotVerified(_context.Logger, _jobs.Find(static job => job.IsOpen)?.Id ?? 0, fault.Message);
        }
    }

    private StoreFault Pinned(ErasureJob job) => new(StoreFaultKind.Busy,
        $"erasure {job.Id}: another program reads database {_context.Folder.Database} and pins its log: close it (a database browser?); the data is "
        + "unreadable already", retry: true);

    /// <summary>What scopes say, without what is held.</summary>
    private sealed class ScopeChoice(List<JobScope> scopes, List<JobScope> held, long documentsBeforeNs) : ErasureChoice
    {
        public override bool Takes(in ItemInfo item, Ground ground, in TermStart start)
        {
            foreach (var (scope, _, toItem) in held)
            {
                if (scope.Covers(ground.Function, ground.Field))
                {
                    return false;
                }
            }

            foreach (var (scope, _, toItem) in scopes)
            {
                if (item.Id < toItem && scope.Covers(ground.Function, ground.Field) && start.WallNs < scope.BeforeWallUnixNs
                    && (item.Kind == SpoolItemKind.Image || !scope.ImagesOnly))
                {
                    return true;
                }
            }

            return false;
        }

        public override bool TakesAll(string function, string field) =>
            scopes.Exists(s => s.Scope.Covers(function, field) && s.Scope.BeforeWallUnixNs == long.MaxValue && !s.Scope.ImagesOnly
                && s.ToItem == long.MaxValue)
            && !held.Exists(s => s.Scope.Covers(function, field));

        // A document without an end in time goes with all of the rule only.
        public override bool TakesDocument(string function, string field, long atWallNs) =>
            scopes.Exists(s => s.Scope.Covers(function, field) && !s.Scope.ImagesOnly
                && (s.Scope.BeforeWallUnixNs == long.MaxValue || atWallNs < s.Scope.BeforeWallUnixNs))
            && (documentsBeforeNs == long.MaxValue || atWallNs < documentsBeforeNs)
            && !held.Exists(s => s.Scope.Covers(function, field));

        public override bool TakesSome(string function) =>
            documentsBeforeNs == long.MaxValue
            && scopes.Exists(s => s.Scope.Function is var of && (of == ErasureScope.Any || of == function) && !s.Scope.ImagesOnly
                && s.Scope.BeforeWallUnixNs == long.MaxValue);
    }
}

/// <summary>Nothing is held.</summary>
internal sealed class NoHolds : IHolds
{
    public static NoHolds Instance { get; } = new();

    public bool IsHeld(string function, string field, long atWallNs) => false;
}
