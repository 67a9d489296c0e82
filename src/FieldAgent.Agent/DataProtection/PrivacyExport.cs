using System.Globalization;
using FieldAgent.Agent.Cli;
using FieldAgent.Agent.Control;
using FieldAgent.Core;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.DataProtection;

/// <summary>Exports all that the board holds. The agent itself writes no file: whoever asks fetches the archive over the control socket
/// piece by piece, so that nothing lies unencrypted in the state folder. Any thread; one export at a time.</summary>
internal sealed class PrivacyExport(
    Gate gate, Func<ISpoolView> held, IConsentLedger consents, IDeliveryLedger deliveries, IOutbox outbox, IRequestLedger requests, IAuditLog audit,
    Audiences audiences, IClock clock) : IDisposable
{
    private const int AuditChunk = 256;

    /// <summary>What the writer reads may hang as long as the card does.</summary>
    private static readonly TimeSpan EndWithin = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private ExportPipe? _pipe;
    private Thread? _writer;
    private bool _isOver;

    /// <summary>Writes the export, a tar archive. Blocks as long as the stream takes.</summary>
    /// <exception cref="StoreFault">The store does not answer.</exception>
    /// <exception cref="IOException">The stream refuses.</exception>
    public ExportSummary WriteTo(Stream to)
    {
        using var view = held();
        var summary = PersonExport.Write(to, new ExportSources
        {
            Held = view,
            Policy = gate.Policy,
            Consents = consents.All(),
            Deliveries = deliveries.All(),
            Possible = deliveries.Possible(),
            Facts = [.. outbox.Holding().Where(static notice => notice.Kind == NoticeKind.Facts)],
            Requests = requests.Requests(),
            Corrections = requests.Corrections(),
            Audit = Audit(),
            Signer = audiences.Board.Signer,
            At = clock.Now(),
            AgentVersion = CommandLine.Version,
        });
        audit.Append(new AuditEntry(AuditKind.Request, "exported",
            Detail: string.Create(CultureInfo.InvariantCulture, $"{summary.Readings} readings {summary.Photographs} photographs"), Actor: ConsentBy.Operator));
        return summary;
    }

    /// <summary>Notes that an export goes to somebody who is neither the person nor a recipient of the policy (R81), before any of it leaves.</summary>
    /// <param name="ground">One of <see cref="ClosedLists.DisclosureGrounds"/>.</param>
    /// <param name="reference">The case it belongs to: a word such as <c>claim-17</c>; names nobody.</param>
    /// <returns>Why it is refused, or null.</returns>
    /// <exception cref="StoreFault">It could not be noted: nothing is disclosed.</exception>
    public string? Disclose(string? ground, string? reference)
    {
        if (ClosedLists.DisclosureGrounds.WhyNot(ground ?? "") is { } whyNot)
        {
            return whyNot;
        }

        if (!Core.Configuration.Opt.IsName(reference ?? ""))
        {
            return $"'{reference}' is no name for a case: one lower-case word, such as claim-17";
        }

        audit.Append(new AuditEntry(AuditKind.Exemption, "disclosed", Detail: $"{ground} {reference}", Actor: ConsentBy.Operator));
        return null;
    }

    /// <summary>Begins an export; one that nobody fetches any more ends.</summary>
    /// <param name="ground">As for <see cref="Disclose"/>; null with <paramref name="reference"/>: it is for the person concerned.</param>
    /// <param name="reference">As for <see cref="Disclose"/>.</param>
    public ControlReply Begin(string? ground = null, string? reference = null)
    {
        if ((ground ?? reference) is not null && Disclose(ground, reference) is { } refused)
        {
            return ControlReply.No(refused);
        }

        var pipe = new ExportPipe();
        lock (_lock)
        {
            if (_isOver)
            {
                return ControlReply.No("the agent ends");
            }

            _pipe?.Abandon();
            _pipe = pipe;
            _writer = new Thread(() => Run(pipe)) { IsBackground = true, Name = "export" };
            _writer.Start();
        }

        return new ControlReply(true);
    }

    /// <summary>Breaks off an export under way, and waits for its writer: what it reads and signs with is about to be closed.</summary>
    public void Dispose()
    {
        Thread? writer;
        lock (_lock)
        {
            _isOver = true;
            _pipe?.Abandon();
            writer = _writer;
        }

        writer?.Join(EndWithin);
    }

    /// <summary>The next piece in base64; an empty one at the end; none when it is not ready yet.</summary>
    public ControlReply Fetch()
    {
        ExportPipe? pipe;
        lock (_lock)
        {
            pipe = _pipe;
        }

        try
        {
            return pipe is null ? ControlReply.No("no export was begun")
                : pipe.Fetch() is { } piece ? new ControlReply(true, Json: [Convert.ToBase64String(piece)]) : new ControlReply(true, Json: []);
        }
        catch (IOException fault)
        {
            return ControlReply.No(fault.Message);
        }
    }

    private void Run(ExportPipe pipe)
    {
        try
        {
            WriteTo(pipe);
            pipe.End("");
        }
        catch (Exception fault) when (fault is StoreFault or IOException)
        {
            pipe.End($"the export was broken off: {fault.Message}");
        }
    }

    private IEnumerable<AuditRecord> Audit()
    {
        for (long from = audit is IAuditChain chain ? Math.Max(1, chain.Head.First) : 1; ;)
        {
            var records = audit.Read(from, AuditChunk);
            foreach (var record in records)
            {
                yield return record;
            }

            if (records.Count < AuditChunk)
            {
                yield break;
            }

            from = records[^1].Number + 1;
        }
    }
}
