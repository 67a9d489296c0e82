using System.Globalization;
using System.Text.Json.Nodes;
using FieldAgent.Agent.Control;
using FieldAgent.Agent.Status;
using FieldAgent.Core;
using FieldAgent.Core.Configuration;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.DataProtection;

/// <summary>Shows what is held, and who has what: the board's data map (R69, R89, R111). Changes nothing. Any thread.</summary>
internal sealed class PrivacyOverview(
    Gate gate, PrivacyScopes scopes, Func<ISpoolView> held, IDeliveryLedger deliveries, IOutbox outbox, IConsentLedger consents, IRequestLedger requests,
    IAuditLog audit, ErasureNotices erasures, IClock clock)
{
    /// <summary>All that is held, by category.</summary>
    /// <exception cref="StoreFault">The store cannot be read.</exception>
    public ControlReply Show()
    {
        using var view = held();
        var lines = Lines(view.Summarize());
        using var text = new StringWriter(CultureInfo.InvariantCulture);
        text.WriteLine($"what this board holds, policy {gate.Policy.Version} of {gate.Policy.Controller}");
        List<string[]> rows = [["class", "function", "field", "held", "oldest", "newest", "as exact as", "kept", "waits for", "was given to"]];
        rows.AddRange(lines.Select(static line => line.Row));
        TextTable.Write(text, rows, indent: 0);
        text.WriteLine("at rest: AES-256-GCM, one key a rule and day, under the board's root key; on the way: TLS");
        text.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"beside it: {consents.All().Count} events of consent, {requests.Requests().Count} requests, {requests.Corrections().Count} corrections, {AuditSize()} audit entries, {erasures.Reports().Count} erasures"));
        text.Write("'privacy export' hands it all over, 'privacy delete' erases it, both free of charge");
        return new ControlReply(true, Lines: text.ToString().Split('\n'), Json: [.. lines.Select(static line => Documents.Text(line.Json)), Documents.Text(Rest())]);
    }

    /// <summary>What was delivered to whom, newest last.</summary>
    /// <exception cref="StoreFault">The store cannot be read.</exception>
    public ControlReply Deliveries()
    {
        var runs = deliveries.All();
        var possible = deliveries.Possible();
        if (runs.Count + possible.Count == 0)
        {
            return new ControlReply(true, "nothing was delivered to anybody yet", Json: []);
        }

        using var text = new StringWriter(CultureInfo.InvariantCulture);
        List<string[]> rows = [["recipient", "function", "field", "numbers", "items", "readings", "first", "last", "as exact as", "consent", "policy"]];
        rows.AddRange(runs.Select(static run => new[]
        {
            run.Recipient, run.Function, run.Field,
            run.IsFacts ? "facts" : string.Create(CultureInfo.InvariantCulture, $"{run.FromSequence}–{run.ToSequence}{(run.Step == 1 ? "" : run.Step == 0 ? " (not all)" : $" (every {run.Step})")}"),
            StatusText.Number(run.Items), StatusText.Number(run.Readings), Time(run.FirstWallUnixNs), Time(run.LastWallUnixNs),
            run.Precision.Word(), run.ConsentId == 0 ? run.Basis.ToString().ToLowerInvariant() : string.Create(CultureInfo.InvariantCulture, $"event {run.ConsentId}"),
            run.PolicyVersion,
        }));
        TextTable.Write(text, rows, indent: 0);
        foreach (var one in possible)
        {
            text.WriteLine($"{one.Recipient} may have more than it acknowledged: {Holders.What(one)}, sent at {Time(one.FirstWallUnixNs)} or later");
        }

        return new ControlReply(
            true, Lines: text.ToString().TrimEnd().Split('\n'),
            Json: [.. runs.Select(static run => Documents.Text(DeliveryText.Json(run))), .. possible.Select(static one => Documents.Text(DeliveryText.Json(one)))]);
    }

    /// <summary>A wall time for people.</summary>
    public static string Time(long wallUnixNs) => wallUnixNs is <= 0 or long.MaxValue
        ? "" : ClockExtensions.ToDate(wallUnixNs).ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);

    /// <summary>A wall time for programs.</summary>
    public static string Iso(long wallUnixNs) =>
        ClockExtensions.ToDate(wallUnixNs).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private sealed record Line(string[] Row, JsonObject Json);

    private List<Line> Lines(IReadOnlyList<HeldSummary> sums)
    {
        var given = deliveries.All().ToLookup(static run => (run.Function, run.Field));
        var possible = deliveries.Possible().ToLookup(static one => (one.Function, one.Field));
        var lines = new List<Line>();
        foreach (var sum in sums)
        {
            lines.Add(Of(sum, [.. given[(sum.Function, sum.Field)]], [.. possible[(sum.Function, sum.Field)]]));
        }

        var facts = Facts();
        lines.AddRange(facts.Select(sum => Of(sum, [.. given[(sum.Function, sum.Field)]], [.. possible[(sum.Function, sum.Field)]], isFacts: true)));
        sums = [.. sums, .. facts];

        // nothing of it is here any more, but somebody has it
        foreach (var gone in given.Where(run => !sums.Any(sum => (sum.Function, sum.Field) == run.Key)))
        {
            var last = gone.Last();
            lines.Add(Of(
                new HeldSummary(gone.Key.Function, gone.Key.Field, last.Purpose, last.Basis, last.Precision, last.Term, last.ConsentId,
                    last.PolicyVersion, SpoolItemKind.Block, 0, 0, 0, 0, 0, new Dictionary<string, long>()),
                [.. gone], [.. possible[gone.Key]]));
        }

        foreach (var gone in possible.Where(one => !given.Contains(one.Key) && !sums.Any(sum => (sum.Function, sum.Field) == one.Key)))
        {
            var rule = gate.Policy.Rule(gone.Key.Function, gone.Key.Field);
            lines.Add(Of(
                new HeldSummary(gone.Key.Function, gone.Key.Field, rule?.Purpose ?? "", rule?.Basis ?? default, rule?.Precision ?? default,
                    rule?.Term ?? default, 0, gate.Policy.Version, SpoolItemKind.Block, 0, 0, 0, 0, 0, new Dictionary<string, long>()),
                [], [.. gone]));
        }

        return [.. lines.OrderBy(static line => line.Row[0], StringComparer.Ordinal).ThenBy(static line => line.Row[1], StringComparer.Ordinal)];
    }

    // Documents that wait to be sent, a line a rule.
    private List<HeldSummary> Facts() => [.. outbox.Holding().Where(static notice => notice.Kind == NoticeKind.Facts)
        .SelectMany(static notice => notice.Holds.Select(one => (Notice: notice, Content: one)))
        .GroupBy(static one => (one.Content.Function, one.Content.Field))
        .Select(static of => (Last: of.Last().Content, All: of.ToList()))
        .Select(static of => new HeldSummary(
            of.Last.Function, of.Last.Field, of.Last.Purpose, of.Last.Basis, of.Last.Precision, of.Last.Term, of.Last.ConsentId, of.Last.PolicyVersion,
            SpoolItemKind.Block, of.All.Count, of.All.Count, of.All.Sum(static one => (long)one.Notice.Json.Length),
            of.All.Min(static one => one.Content.AtWallUnixNs), of.All.Max(static one => one.Content.AtWallUnixNs),
            of.All.GroupBy(static one => one.Notice.Recipient).ToDictionary(static to => to.Key, static to => (long)to.Count())))];

    private Line Of(HeldSummary sum, IReadOnlyList<DeliveryRecord> given, IReadOnlyList<PossibleDelivery> possible, bool isFacts = false)
    {
        var fieldClass = scopes.ClassOf(sum.Field);
        var has = given.GroupBy(static run => run.Recipient).Select(static of => (Name: of.Key, Items: of.Sum(static run => run.Items))).ToList();
        var what = sum.Items == 0 ? "nothing"
            : isFacts ? Plural.Of(sum.Items, "document of facts", "documents of facts")
            : sum.Kind == SpoolItemKind.Image ? $"{StatusText.Number(sum.Items)} pictures"
            : $"{StatusText.Number(sum.Readings)} readings, {StatusText.Size(sum.Bytes)}";
        return new Line(
            [
                fieldClass, sum.Function, sum.Field, what, Time(sum.OldestWallUnixNs), Time(sum.NewestWallUnixNs), sum.Precision.Word(),
                Opt.Write(sum.Term), string.Join(", ", sum.Pending.Keys),
                string.Join(", ", has.Select(static one => string.Create(CultureInfo.InvariantCulture, $"{one.Name} ({one.Items} items)"))
                    .Concat(possible.Select(static one => one.Recipient).Distinct()
                        .Select(name => $"{name} may have {(has.Any(one => one.Name == name) ? "more" : "part")}"))),
            ],
            new JsonObject
            {
                ["class"] = fieldClass,
                ["function"] = sum.Function,
                ["field"] = sum.Field,
                ["kind"] = isFacts ? "facts" : sum.Kind == SpoolItemKind.Image ? "image" : "block",
                ["items"] = sum.Items,
                ["readings"] = sum.Readings,
                ["bytes"] = sum.Bytes,
                ["oldest"] = sum.Items == 0 ? null : Iso(sum.OldestWallUnixNs),
                ["newest"] = sum.Items == 0 ? null : Iso(sum.NewestWallUnixNs),
                ["purpose"] = sum.Purpose,
                ["basis"] = sum.Basis.ToString(),
                ["precision"] = sum.Precision.Word(),
                ["term"] = Opt.Write(sum.Term),
                ["consent"] = sum.ConsentId,
                ["policyVersion"] = sum.PolicyVersion,
                ["encryption"] = "AES-256-GCM",
                ["pending"] = new JsonObject(sum.Pending.Select(static p => KeyValuePair.Create(p.Key, (JsonNode?)p.Value))),
                ["possible"] = new JsonArray([.. possible.Select(static one => (JsonNode)DeliveryText.Json(one))]),
                ["delivered"] = new JsonObject(has.Select(static one => KeyValuePair.Create(one.Name, (JsonNode?)one.Items))),
            });
    }

    private JsonObject Rest() => new()
    {
        ["at"] = Iso(clock.Now().WallUnixNs),
        ["controller"] = gate.Policy.Controller,
        ["policyVersion"] = gate.Policy.Version,
        ["policyHash"] = gate.Policy.Hash,
        ["consentEvents"] = consents.All().Count,
        ["requests"] = requests.Requests().Count,
        ["corrections"] = requests.Corrections().Count,
        ["subjectKeys"] = requests.Keys().Count,
        ["auditEntries"] = AuditSize(),
        ["erasures"] = erasures.Reports().Count,
    };

    private long AuditSize() => audit is IAuditChain chain ? chain.Head.Last == 0 ? 0 : chain.Head.Last - chain.Head.First + 1 : audit.Read(1, int.MaxValue).Count;
}
