using System.Globalization;
using System.Text.Json.Nodes;
using FieldAgent.Agent.Control;
using FieldAgent.Agent.Status;
using FieldAgent.Core;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.DataProtection;

/// <summary>Carries out what a person may ask for: correct, freeze, delete, end everything. Each answer says what was done, and what
/// remains. Any thread; one at a time.</summary>
internal sealed class PrivacyRights(
    Gate gate, IConsentLedger ledger, ConsentService consents, PrivacyScopes scopes, IEraser eraser, ErasureNotices notices,
    IRequestLedger requests, IDeliveryLedger deliveries, IOutbox outbox, Audiences audiences, IAuditLog audit, IClock clock)
{
    private readonly Lock _lock = new();

    /// <summary>Changes the pseudonym so that nobody can link the new one with the old; says what was done. Null: this board cannot.</summary>
    public Func<string>? Rotate { get; set; }

    /// <summary>Keeps the pseudonym from ending while everything is ended: recipients are asked to delete in the name that they know.</summary>
    public Func<IDisposable>? KeepName { get; init; }

    /// <summary>Attaches the person's statement to stored data and tells its recipients (R90).</summary>
    /// <exception cref="StoreFault">It could not be stored; repeat.</exception>
    public ControlReply Correct(string function, string field, long fromNs, long toNs, string statement)
    {
        if (scopes.Of(function, field) is not [_, ..])
        {
            return ControlReply.No($"nothing is known of {function} {field}; 'privacy show' lists what is held");
        }

        if (statement.Length is 0 or > RequestDesk.TextMax || fromNs > toNs)
        {
            return ControlReply.No(string.Create(CultureInfo.InvariantCulture,
                $"a correction needs a statement of 1 to {RequestDesk.TextMax} characters, and --from before --to"));
        }

        lock (_lock)
        {
            var correction = requests.Add(new Correction(0, function, field, fromNs, toNs, statement, RequestDesk.NewReference(), clock.Now()));
            List<string> told = [];
            foreach (var recipient in deliveries.All()
                .Where(run => run.Function == function && run.Field == field && run.FromReadingWallUnixNs <= toNs && run.LastWallUnixNs >= fromNs)
                .Select(static run => run.Recipient)
                .Union(deliveries.Possible()
                    .Where(one => one.Function == function && one.Field == field && one.FromReadingWallUnixNs <= toNs && one.LastWallUnixNs >= fromNs)
                    .Select(static one => one.Recipient)))
            {
                var audience = audiences.For(recipient);
                var reference = audience.Reference("correction", correction.Id);
                outbox.Put(new Notice(0, recipient, NoticeKind.Consent, reference,
                    SignedDocument.Sign(audience.Signer, CorrectionDocument(audience, correction, reference)), UntilAcknowledged: true)
                {
                    // what the statement is about goes, and so does it
                    Holds = [ContentOf(correction)],
                });
                told.Add(recipient);
            }

            Note("corrected", function, field, string.Create(CultureInfo.InvariantCulture, $"correction {correction.Id}"));
            return new ControlReply(true, string.Create(CultureInfo.InvariantCulture,
                $"correction {correction.Id} is attached to {function} {field}: it goes with every export; the measured values stay as they are\n")
                + (told.Count == 0 ? "nobody was given this data, so nobody has to be told"
                    : $"told, again and again until it is acknowledged: {string.Join(", ", told)}"),
                Json: [Documents.Text(new JsonObject { ["correction"] = correction.Id, ["reference"] = correction.Reference, ["told"] = Documents.List(told) })]);
        }
    }

    /// <summary>Freezes, or ends that: kept, not sent, not derived from (R92).</summary>
    /// <exception cref="StoreFault">It could not be stored; repeat.</exception>
    public ControlReply Restrict(bool restrict, string? function, string? field, string role)
    {
        var pairs = scopes.Of(function, field);
        if (pairs.Count == 0)
        {
            return ControlReply.No($"nothing is known of {function} {field}; 'privacy show' and 'consent show' list functions and fields");
        }

        lock (_lock)
        {
            var e = Append(restrict ? ConsentAction.Restrict : ConsentAction.Unrestrict, function, field, role, "", "", 0);
            var what = string.Join(", ", pairs.Select(static pair => pair.Function).Distinct());
            return new ControlReply(true, restrict
                ? $"frozen: {what}. What is stored is kept, not sent, and nothing is derived from it; nothing new is collected. 'privacy unrestrict' ends it"
                : $"no longer frozen: {what}. What was kept is sent where consent and term still allow it",
                Json: [Documents.Text(new JsonObject { ["event"] = e.Id, ["action"] = restrict ? "restrict" : "unrestrict", ["functions"] = Documents.List(pairs.Select(static p => p.Function).Distinct()) })]);
        }
    }

    /// <summary>Deletes on the board, and asks recipients to delete their part (R67, R91, R103).</summary>
    /// <param name="pairs">What.</param>
    /// <param name="beforeNs">Only what was collected before; <see cref="long.MaxValue"/>: all.</param>
    /// <param name="reason">From the closed list.</param>
    /// <param name="role">Who asks.</param>
    /// <exception cref="StoreFault">It is not finished; what was begun is unreadable already and goes on by itself.</exception>
    public ControlReply Delete(IReadOnlyList<ConsentPair> pairs, long beforeNs, string reason, string role)
    {
        if (RightsLists.DeletionReasons.WhyNot(reason) is { } whyNot)
        {
            return ControlReply.No(whyNot);
        }

        lock (_lock)
        {
            List<string> said = [];
            if (reason == ErasureGrounds.Minor)
            {
                // before everything else: from now on nothing new may come in but by a guardian's will
                said.Add(consents.MarkMinor(new ConsentBy(ConsentBy.Operator, "cli")).Message.Split('\n')[0]);
            }

            var report = Erase(pairs, beforeNs, reason, said);
            Note("deleted", pairs.Count == 1 ? pairs[0].Function : "", pairs.Count == 1 ? pairs[0].Field : "", reason, role);
            var asked = notices.Ask(report.Id, [.. pairs], "erasure-requested", clock.Now(), beforeNs);
            var holders = SayAsked(said, pairs, asked, beforeNs);
            return Reply(said, report, holders, asked, role);
        }
    }

    /// <summary>Ends everything: all consents, all data, the pseudonym (R94, R22).</summary>
    /// <exception cref="StoreFault">It is not finished; repeat.</exception>
    public ControlReply Close(string role)
    {
        lock (_lock)
        {
            using var kept = KeepName?.Invoke();
            var pairs = scopes.All();
            var before = eraser.Reports().Select(static report => report.Id).FirstOrDefault();
            var refused = consents.Refuse(new ConsentBy(role, "cli"));
            if (!refused.Ok)
            {
                return refused;
            }

            List<string> said = ["every consent has ended; the board idles: it collects and publishes nothing until 'consent resume'"];
            var report = Erase(pairs, long.MaxValue, "closure", said, before);
            requests.EraseTexts();
            said.Add("corrections and the texts of answered requests are erased");
            var asked = notices.Ask(report.Id, [.. pairs], "erasure-requested", clock.Now());
            var holders = SayAsked(said, pairs, asked);
            said.Add(Rotate?.Invoke() ?? "the pseudonym was NOT changed: this board cannot");
            Note("closed", "", "", "", role);
            return Reply(said, report, holders, asked, role);
        }
    }

    /// <summary>Keeps data from being erased, for a listed reason and until a date (R86).</summary>
    /// <exception cref="StoreFault">It could not be stored; repeat.</exception>
    public ControlReply Hold(string name, string? function, string? field, string reason, long untilNs)
    {
        var now = clock.Now().WallUnixNs;
        if (RightsLists.HoldReasons.WhyNot(reason) is { } whyNot)
        {
            return ControlReply.No(whyNot);
        }

        if (name.Length is 0 or > 64 || !Core.Configuration.Opt.IsName(name))
        {
            return ControlReply.No($"'{name}' is no name for a hold: one lower-case word of at most 64 characters, such as claim-17");
        }

        if (untilNs <= now || untilNs - now > HoldMax.ToNs())
        {
            return ControlReply.No($"a hold ends: --until names a day in the future, at most {HoldMax.TotalDays / 365:0} years away");
        }

        if (scopes.Of(function, field).Count == 0)
        {
            return ControlReply.No($"nothing is known of {function} {field}; 'privacy show' lists functions and fields");
        }

        lock (_lock)
        {
            if (Holds.Of(ledger.All()).All.Any(hold => hold.Reference == name && hold.ExpiresWallUnixNs > now))
            {
                return ControlReply.No($"there is a hold '{name}' already; release it first, or choose another name");
            }

            var e = Append(ConsentAction.Hold, function, field, ConsentBy.Operator, reason, name, untilNs);
            return new ControlReply(true,
                $"hold '{name}' keeps {e.Function} {e.Field} from being erased until {PrivacyOverview.Time(untilNs)} UTC ({RightsLists.HoldReasons.Meaning(reason)}); it permits nothing else.\n"
                    + "It covers what is on this board: what is delivered meanwhile stays here as well, in half of the room for data at most, and goes with the first "
                    + "sweep after the hold",
                Json: [Documents.Text(HoldJson(new Hold(name, e.Function, e.Field, reason, untilNs, e), now))]);
        }
    }

    /// <summary>Ends a hold; what is overdue is erased with the next sweep.</summary>
    /// <exception cref="StoreFault">It could not be stored; repeat.</exception>
    public ControlReply Release(string name)
    {
        lock (_lock)
        {
            if (Holds.Of(ledger.All()).All.FirstOrDefault(hold => hold.Reference == name) is not { } hold)
            {
                return ControlReply.No($"there is no hold '{name}'; 'hold list' lists them");
            }

            Append(ConsentAction.Release, hold.Function, hold.Field, ConsentBy.Operator, hold.Reason, name, 0);
            return new ControlReply(true, $"hold '{name}' has ended; what it kept and is delivered, withdrawn or past its term is erased with the next sweep, within the hour");
        }
    }

    /// <summary>The holds that stand.</summary>
    /// <exception cref="StoreFault">The store cannot be read.</exception>
    public ControlReply HoldList()
    {
        var now = clock.Now().WallUnixNs;
        var holds = Holds.Of(ledger.All()).All;
        if (holds.Count == 0)
        {
            return new ControlReply(true, "no legal hold: everything is erased when its term is over", Json: []);
        }

        using var text = new StringWriter(CultureInfo.InvariantCulture);
        List<string[]> rows = [["hold", "function", "field", "reason", "until", "state"]];
        rows.AddRange(holds.Select(hold => new[]
        {
            hold.Reference, hold.Function, hold.Field, hold.Reason, PrivacyOverview.Time(hold.ExpiresWallUnixNs),
            hold.ExpiresWallUnixNs != 0 && hold.ExpiresWallUnixNs <= now ? "has ended" : "holds",
        }));
        Status.TextTable.Write(text, rows, indent: 0);
        text.WriteLine("kept: what waits, and what is delivered while the hold lasts, in half of the room for data at most; without room for new readings the oldest "
            + "delivered copies go first. 'fieldagent status' counts them");
        return new ControlReply(true, Lines: text.ToString().TrimEnd().Split('\n'), Json: [.. holds.Select(hold => Documents.Text(HoldJson(hold, now)))]);
    }

    private static readonly TimeSpan HoldMax = TimeSpan.FromDays(3 * 365);

    // What it says counts in earlier jobs of the same request: those after number sinceErasure.
    private ErasureReport Erase(IReadOnlyList<ConsentPair> pairs, long beforeNs, string reason, List<string> said, long sinceErasure = long.MaxValue)
    {
        var report = eraser.Erase([.. pairs.Select(pair => new ErasureScope(pair.Function, pair.Field, beforeNs))], GapReason.Erased, reason);
        var jobs = eraser.Reports().Where(job => job.Id > sinceErasure && job.Id < report.Id).Append(report).ToList();
        var (items, readings) = (jobs.Sum(static job => job.Items), jobs.Sum(static job => job.Readings));
        said.Add($"erased on this board: {Plural.Of(items, "block, picture or document", "blocks, pictures and documents")} with {Plural.Of(readings, "reading", "readings")} ("
            + string.Create(CultureInfo.InvariantCulture, $"erasure {report.Id}, ") + (report.State == ErasureState.Verified ? "verified: a scan of the raw files found no remains)" : "keys destroyed; not verified by a scan)"));
        foreach (var pair in report.Held.Select(static scope => new ConsentPair(scope.Function, scope.Field)).Distinct())
        {
            said.Add($"NOT erased yet, kept by a legal hold: {pair}; it is erased when that ends ('hold list')");
        }

        return report;
    }

    private Holders SayAsked(List<string> said, IReadOnlyList<ConsentPair> pairs, IReadOnlyList<AskedRecipient> asked, long beforeNs = long.MaxValue)
    {
        var holders = notices.Holders(pairs, beforeNs);
        said.AddRange(holders.Lines(notices.OnTheWay(pairs)));
        if (holders.IsNobody)
        {
            return holders;
        }

        var waiting = notices.Asked().Where(static one => !one.Asked.Acknowledged).Select(static one => one.Asked.Recipient).Distinct().Intersect(holders.Names).ToList();
        said.Add(asked.Count > 0 ? $"asked to delete their part, again and again until they acknowledge: {string.Join(", ", asked.Select(static one => one.Recipient).Distinct())}"
            : waiting.Count > 0 ? $"asked already and still to acknowledge: {string.Join(", ", waiting)}"
            : $"already deleted by: {string.Join(", ", holders.Names)}");
        return holders;
    }

    private static ControlReply Reply(List<string> said, ErasureReport report, Holders holders, IReadOnlyList<AskedRecipient> asked, string role)
    {
        said.Add(string.Create(CultureInfo.InvariantCulture, $"'fieldagent erasure receipt {report.Id}' gives the signed receipt"));
        return new ControlReply(true, string.Join('\n', said), Json: [Documents.Text(new JsonObject
        {
            ["erasure"] = report.Id,
            ["state"] = ErasureDocuments.Word(report.State),
            ["items"] = report.Items,
            ["readings"] = report.Readings,
            ["held"] = report.Held.Count,
            ["given"] = Documents.List(holders.Given.Select(static run => run.Recipient).Distinct()),
            ["possible"] = new JsonArray([.. holders.Possible.Select(static one => (JsonNode)DeliveryText.Json(one))]),
            ["asked"] = Documents.List(asked.Select(static one => one.Recipient).Distinct()),
            ["role"] = role,
        })]);
    }

    private ConsentEvent Append(ConsentAction action, string? function, string? field, string role, string reason, string reference, long expiresNs)
    {
        var e = ledger.Append(new ConsentEvent(
            0, action, function ?? PrivacyScopes.Everything, field ?? PrivacyScopes.Everything, "", role, "cli", gate.Policy.Version, gate.Policy.Hash,
            clock.Now())
        {
            Reason = reason,
            Reference = reference,
            ExpiresWallUnixNs = expiresNs,
        });
        gate.Refresh();
        return e;
    }

    private static JsonObject CorrectionDocument(Audience audience, Correction correction, string reference) => new()
    {
        ["type"] = "correction",
        ["reference"] = reference,
        ["device"] = audience.PrincipalId,
        ["function"] = correction.Function,
        ["field"] = correction.Field,
        ["from"] = correction.FromWallUnixNs == long.MinValue ? null : PrivacyOverview.Iso(correction.FromWallUnixNs),
        ["to"] = correction.ToWallUnixNs == long.MaxValue ? null : PrivacyOverview.Iso(correction.ToWallUnixNs),
        ["statement"] = correction.Statement,
        ["at"] = PrivacyOverview.Iso(correction.At.WallUnixNs),
    };

    private NoticeContent ContentOf(Correction correction)
    {
        var rule = gate.Policy.Rule(correction.Function, correction.Field);
        return new NoticeContent(
            correction.Function, correction.Field, rule?.Purpose ?? "", rule?.Basis ?? default, rule?.Precision ?? default, rule?.Term ?? default, 0,
            gate.Policy.Version, gate.Policy.Hash, correction.ToWallUnixNs);
    }

    private static JsonObject HoldJson(Hold hold, long now) => new()
    {
        ["hold"] = hold.Reference,
        ["function"] = hold.Function,
        ["field"] = hold.Field,
        ["reason"] = hold.Reason,
        ["until"] = PrivacyOverview.Iso(hold.ExpiresWallUnixNs),
        ["holds"] = hold.ExpiresWallUnixNs == 0 || hold.ExpiresWallUnixNs > now,
    };

    private void Note(string what, string function, string field, string detail, string actor = ConsentBy.Operator) =>
        audit.Append(new AuditEntry(AuditKind.Request, what, function, field, detail, actor));
}
