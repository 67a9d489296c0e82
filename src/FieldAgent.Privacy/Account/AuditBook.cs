using FieldAgent.Core;
using Microsoft.Extensions.Logging;

namespace FieldAgent.Privacy;

/// <summary>What <c>audit verify</c> found.</summary>
/// <param name="Ok">True when the log is whole and no checkpoint contradicts it.</param>
/// <param name="First">Number of the first entry kept.</param>
/// <param name="Last">Number of the last one.</param>
/// <param name="Erased">Entries that were made unreadable on purpose.</param>
/// <param name="Checkpoints">Checkpoints of the board's own that were compared.</param>
/// <param name="Problem">What is wrong, for a technician; empty when nothing is.</param>
/// <param name="Published">What the checkpoint that was given shows; empty when none was given.</param>
public sealed record AuditFindings(bool Ok, long First, long Last, long Erased, int Checkpoints, string Problem, string Published);

/// <summary>The audit log as the agent writes it: the chain, and checkpoints of it that go to every recipient, so that a log that was cut
/// off shows. Any thread.</summary>
public sealed partial class AuditBook : IAuditLog
{
    private readonly IAuditChain _chain;
    private readonly IOutbox _outbox;
    private readonly IKeyStore _keys;
    private readonly IReadOnlyList<string> _recipients;
    private readonly IClock _clock;
    private readonly Counters _counters;
    private readonly AuditLimits _limits;
    private readonly ILogger _log;
    private readonly Lock _lock = new();
    private long _checkpointAt;

    /// <summary>A book on an open chain.</summary>
    /// <param name="chain">The chain.</param>
    /// <param name="outbox">Where checkpoints wait for the recipients.</param>
    /// <param name="keys">The keys that sign them.</param>
    /// <param name="recipients">Names of the recipients.</param>
    /// <param name="clock">Time.</param>
    /// <param name="counters">Counts.</param>
    /// <param name="limits">Limits.</param>
    /// <param name="log">For a technician.</param>
    public AuditBook(
        IAuditChain chain, IOutbox outbox, IKeyStore keys, IReadOnlyList<string> recipients, IClock clock, Counters counters,
        AuditLimits limits, ILogger log)
    {
        _chain = chain;
        _outbox = outbox;
        _keys = keys;
        _recipients = recipients;
        _clock = clock;
        _counters = counters;
        _limits = limits;
        _log = log;
        _checkpointAt = chain.Checkpoints() is [.., var last] ? last.Number : 0;
    }

    /// <summary>What was wrong with the log at the start; empty when nothing was.</summary>
    public string Broken => _chain.Broken;

    /// <summary>Number of the last entry.</summary>
    public long Last => _chain.Head.Last;

    /// <inheritdoc/>
    public long Append(AuditEntry entry)
    {
        var number = _chain.Append(entry);
        if (number - Volatile.Read(ref _checkpointAt) >= _limits.CheckpointEvery)
        {
            Checkpoint();
        }

        return number;
    }

    /// <inheritdoc/>
    public IReadOnlyList<AuditRecord> Read(long from, int max) => _chain.Read(from, max);

    /// <summary>Makes a checkpoint at once and each <see cref="AuditLimits.CheckpointPeriod"/>; blocks until <paramref name="stop"/> is set.</summary>
    public void Run(CancellationToken stop)
    {
        do
        {
            Checkpoint();
        }
        while (_clock.Wait(_limits.CheckpointPeriod, stop));
    }

    /// <summary>Signs how far the log reaches, keeps that, and puts it into the outbox for every recipient, each with a key of its own. Nothing
    /// of a log that has no entry, or is broken. A fault of the store is counted: the next one says all that this one would have.</summary>
    public void Checkpoint()
    {
        lock (_lock)
        {
            try
            {
                var head = _chain.Head;
                if (head.Last == 0 || _chain.Broken.Length > 0)
                {
                    return;
                }

                var now = _clock.Now();
                _chain.KeepCheckpoint(head.Last, AuditCheckpoint.Make(_keys, DeviceSigner.Board, head, now));
                Volatile.Write(ref _checkpointAt, head.Last);
                foreach (var recipient in _recipients)
                {
                    _outbox.Put(new Notice(
                        0, recipient, NoticeKind.Audit, Notice.NewReference(), AuditCheckpoint.Make(_keys, recipient, head, now),
                        UntilAcknowledged: false));
                }
            }
            catch (StoreFault fault)
            {
                _counters.Add("audit.checkpoints-failed");
                LogFailed(_log, fault.Message);
            }
        }
    }

    /// <summary>Looks at every entry, and compares the log with the checkpoints that are kept and one that was published.</summary>
    /// <param name="published">A signed checkpoint, UTF-8; empty when none is given.</param>
    /// <exception cref="StoreFault">The log cannot be read.</exception>
    public AuditFindings Verify(ReadOnlySpan<byte> published = default)
    {
        var check = _chain.Verify();
        var problem = check.Problem;
        var checkpoints = _chain.Checkpoints();
        foreach (var (_, document) in checkpoints)
        {
            var shown = AuditCheckpoint.Judge(_keys, _chain, document, out var holds);
            problem = problem.Length == 0 && !holds ? $"a checkpoint of the board's own: {shown}" : problem;
        }

        var given = "";
        var ok = problem.Length == 0;
        if (!published.IsEmpty)
        {
            given = AuditCheckpoint.Judge(_keys, _chain, published, out var holds);
            ok &= holds;
        }

        return new AuditFindings(ok, check.First, check.Last, check.Erased, checkpoints.Count, problem, given);
    }

    /// <summary>Goes on with an empty log after a break was looked into, and notes that.</summary>
    public void BeginAnew(string actor)
    {
        var broken = _chain.Broken;
        _chain.BeginAnew();
        Append(new AuditEntry(AuditKind.Incident, "log-begun-anew", Detail: broken, Actor: actor));
        Checkpoint();
    }

    [LoggerMessage(60, LogLevel.Warning, "audit: no checkpoint could be made ({Why}); the next one says all that this one would have")]
    private static partial void LogFailed(ILogger log, string why);
}
