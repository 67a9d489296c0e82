using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using FieldAgent.Agent.Hosting;
using FieldAgent.Core;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.Facts;

/// <summary>Facts on the same way as readings: read what a function needs, through the gate, for each recipient what it may have, signed into
/// the outbox. A recipient is told again only when something changed. Owned by one thread; <see cref="Wake"/> from any.</summary>
/// <param name="gate">Decides, and makes admitted facts.</param>
/// <param name="sources">Where facts come from.</param>
/// <param name="crashes">Notes of crashes, told once.</param>
/// <param name="recipients">Names of the configured recipients.</param>
/// <param name="ledger">What they know.</param>
/// <param name="outbox">Where documents wait.</param>
/// <param name="keys">Sign, and blind the digests.</param>
/// <param name="clock">Time.</param>
/// <param name="counters">Counts what was told.</param>
/// <param name="seen">What sensors saw; each is told once.</param>
internal sealed class FactDesk(
    Gate gate, IReadOnlyList<IFactSource> sources, CrashNotes crashes, IReadOnlyList<string> recipients, IFactLedger ledger, IOutbox outbox,
    IKeyStore keys, IClock clock, Counters counters, SeenFacts? seen = null) : IDisposable
{
    /// <summary>Type of the document.</summary>
    public const string Type = "facts";

    /// <summary>An operating system is updated and a display plugged in now and then: looked at once an hour.</summary>
    private static readonly TimeSpan LookAgain = TimeSpan.FromHours(1);

    /// <summary>After something could not be stored.</summary>
    private static readonly TimeSpan TryAgain = TimeSpan.FromMinutes(1);

    private const int WaitingMax = 1000;

    private readonly SeenFacts _seen = seen ?? new SeenFacts(counters);
    private readonly WakeSignal _changed = new();

    // Not null while it is not noted yet what an earlier program sent: on a full disk. Until then no facts leave.
    private volatile IConsentLedger? _toTakeOver;

    /// <summary>Follows the gate until <paramref name="stop"/>.</summary>
    public void Run(CancellationToken stop)
    {
        gate.Changed += Wake;
        _seen.Arrived += Wake;
        try
        {
            TimeSpan wait;
            do
            {
                wait = LookAgain;
                try
                {
                    Refresh();
                }
                catch (StoreFault)
                {
                    counters.Add("facts.not-kept");
                    wait = TryAgain;
                }
            }
            while (_changed.Wait(wait, stop));
        }
        finally
        {
            _seen.Arrived -= Wake;
            gate.Changed -= Wake;
        }
    }

    /// <summary>Looks again soon.</summary>
    public void Wake() => _changed.Set();

    /// <summary>Reads, compares, tells.</summary>
    /// <exception cref="StoreFault">Something could not be stored; call again.</exception>
    public void Refresh()
    {
        TakeOver();
        DropRefused();
        var admitted = new List<AdmittedFact>();
        foreach (var source in sources)
        {
            foreach (var field in source.Fields)
            {
                // What nobody may have is not even read.
                if (gate.MayCollect(field) && source.Read(field) is { } value)
                {
                    admitted.AddRange(gate.Admit(new RawFact(field, value)));
                }
            }
        }

        foreach (var group in admitted.GroupBy(static fact => fact.Permit.Function, StringComparer.Ordinal))
        {
            foreach (var recipient in recipients)
            {
                Tell(recipient, group.Key, For(group, recipient));
            }
        }

        TellSeen();
        TellCrash();
    }

    /// <summary>Whether a notice may go out now: a document of facts only when the gate permits each of them. Any thread.</summary>
    public bool MaySend(Notice notice) =>
        notice.Kind != NoticeKind.Facts || (_toTakeOver is null && notice.Holds.Count > 0 && Decisions(notice).All(static decision => decision.IsPermitted));

    /// <summary>Before anything is sent: what an earlier program sent of facts, or may have, and did not note. Where the store has no room for it now,
    /// no facts leave until it has.</summary>
    /// <param name="consents">What was ever granted.</param>
    /// <exception cref="StoreFault">It cannot be noted by waiting.</exception>
    public void TakeOver(IConsentLedger consents)
    {
        _toTakeOver = consents;
        try
        {
            TakeOver();
        }
        catch (StoreFault fault) when (fault.Retry)
        {
            counters.Add("facts.not-kept");
        }
    }

    private void TakeOver()
    {
        if (_toTakeOver is { } consents)
        {
            outbox.TakeOver(ContentsOf, () => Told(consents));
            _toTakeOver = null;
        }
    }

    private IEnumerable<(string Recipient, string Function, string Field)> Told(IConsentLedger consents)
    {
        var granted = consents.All().Where(static e => e.Action == ConsentAction.Grant).Select(static e => (e.Function, e.Field)).ToHashSet();
        return from rule in gate.Policy.Rules
               let function = rule.Function.Name
               let field = rule.Field.Name
               from recipient in rule.Recipients.Intersect(recipients)
               where field is Vocabulary.Crash or Vocabulary.ImageCode ? granted.Contains((function, field))
                   : sources.Any(source => source.Fields.Contains(field)) && ledger.Told(recipient, function).Length > 0
               select (recipient, function, field);
    }

    /// <summary>Data was erased: what waits of it outside the store, untold, goes too. Any thread.</summary>
    public void Erased(ErasureReport report)
    {
        if (report.Reason == GapReason.TermOver)
        {
            return;
        }

        // a text that more than one function may have goes with the last
        bool IsErased(string field) => gate.Policy.Rules.Where(rule => rule.Field.Name == field)
            .All(rule => report.Scopes.Any(scope => scope.Covers(rule.Function.Name, field) && !scope.ImagesOnly && scope.BeforeWallUnixNs == long.MaxValue));
        _seen.Erase(IsErased);
        if (IsErased(Vocabulary.Crash))
        {
            crashes.Delete();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _changed.Dispose();

    private List<AdmittedFact> For(IEnumerable<AdmittedFact> facts, string recipient) =>
        [.. facts.Where(fact => fact.Permit.Recipients.Contains(recipient)
            && gate.Decide(Stage.Send, fact.Permit.Function, fact.Permit.Field, recipient, fact.Permit.ConsentId).IsPermitted)];

    private void Tell(string recipient, string function, List<AdmittedFact> facts)
    {
        if (facts.Count == 0)
        {
            ledger.Forget(recipient, function);
            return;
        }

        var digest = Digest(facts);
        if (digest.AsSpan().SequenceEqual(ledger.Told(recipient, function)))
        {
            return;
        }

        // What waits of the same function is out of date; what happened once is not.
        Drop(recipient, notice => notice.Holds.All(one => one.Function == function && one.Field is not (Vocabulary.Crash or Vocabulary.ImageCode)));
        Put(recipient, function, facts);
        ledger.Note(recipient, function, digest);
    }

    private void TellSeen()
    {
        while (_seen.TryPeek(out var fact))
        {
            if (gate.BestFor(fact.Field) is { IsPermitted: false, Keeps: true })
            {
                // Refused for now: it waits.
                return;
            }

            foreach (var admitted in gate.Admit(fact))
            {
                foreach (var recipient in recipients)
                {
                    var facts = For([admitted], recipient);
                    if (facts.Count > 0)
                    {
                        Put(recipient, admitted.Permit.Function, facts);
                    }
                }
            }

            // After it is in the outbox: a full disk delays it and does not lose it.
            _seen.Remove(fact);
        }
    }

    private void TellCrash()
    {
        if (!gate.MayCollect(Vocabulary.Crash))
        {
            // It was granted when the note was made. What is refused for now waits; what is not granted any more goes.
            if (!gate.BestFor(Vocabulary.Crash).Keeps)
            {
                crashes.Delete();
            }

            return;
        }

        if (crashes.Read() is not { } note)
        {
            return;
        }

        foreach (var fact in gate.Admit(new RawFact(Vocabulary.Crash, note)))
        {
            foreach (var recipient in recipients)
            {
                var facts = For([fact], recipient);
                if (facts.Count > 0)
                {
                    Put(recipient, fact.Permit.Function, facts);
                }
            }
        }

        crashes.Delete();
    }

    // The gate is asked again while a document waits: a withdrawal reaches it there.
    private void DropRefused()
    {
        foreach (var recipient in recipients)
        {
            Drop(recipient, notice => Decisions(notice).Any(static decision => !decision.Keeps));
            foreach (var function in gate.Policy.Functions.Select(static f => f.Name))
            {
                if (ledger.Told(recipient, function).Length > 0 && !gate.Policy.Rules.Any(rule =>
                    rule.Function.Name == function && gate.Decide(Stage.Send, function, rule.Field.Name, recipient).Keeps))
                {
                    ledger.Forget(recipient, function);
                }
            }
        }
    }

    // By the policy in force; consent and policy as the document says.
    private List<NoticeContent> ContentsOf(Notice notice)
    {
        var document = JsonNode.Parse(notice.Json.Span)?["document"] as JsonObject ?? [];
        var function = (string?)document["function"] ?? "";
        var at = DateTimeOffset.TryParse((string?)document["time"], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? (time - DateTimeOffset.UnixEpoch).ToNs() : 0;
        return [.. (document["facts"] as JsonObject ?? []).Select(fact => Content(function, fact.Key))];

        NoticeContent Content(string function, string field)
        {
            var rule = gate.Policy.Rule(function, field);
            return new NoticeContent(
                function, field, rule?.Purpose ?? "", rule?.Basis ?? default, rule?.Precision ?? default, rule?.Term ?? default,
                (long?)document["consent"] ?? 0, (string?)document["policy"]?["version"] ?? "", (string?)document["policy"]?["hash"] ?? "", at);
        }
    }

    private IEnumerable<Decision> Decisions(Notice notice) =>
        notice.Holds.Select(one => gate.Decide(Stage.Send, one.Function, one.Field, notice.Recipient));

    private void Drop(string recipient, Predicate<Notice> which)
    {
        foreach (var notice in outbox.Waiting(recipient, 0, WaitingMax))
        {
            if (notice.Kind == NoticeKind.Facts && which(notice))
            {
                outbox.Drop(notice.Id);
            }
        }
    }

    private void Put(string recipient, string function, List<AdmittedFact> facts)
    {
        var texts = new JsonObject();
        foreach (var fact in facts)
        {
            texts[fact.Permit.Field] = fact.Value;
        }

        var permit = facts[0].Permit;
        var now = clock.Now();
        using var signer = new DeviceSigner(keys, recipient);
        var json = SignedDocument.Sign(signer, new JsonObject
        {
            ["type"] = Type,
            ["v"] = 1,
            ["audience"] = recipient,
            ["function"] = function,
            ["purposes"] = new JsonArray([.. facts.Select(static f => f.Permit.Purpose).Distinct(StringComparer.Ordinal).Select(static p => JsonValue.Create(p))]),
            ["policy"] = new JsonObject { ["version"] = permit.PolicyVersion, ["hash"] = permit.PolicyHash },
            ["consent"] = permit.ConsentId == 0 ? null : permit.ConsentId,
            ["time"] = ClockExtensions.ToDate(now.WallUnixNs).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
            ["clock"] = now.Quality.ToString().ToLowerInvariant(),
            ["facts"] = texts,
        });
        outbox.Put(new Notice(0, recipient, NoticeKind.Facts, Notice.NewReference(), json, UntilAcknowledged: false)
        {
            Term = facts.Min(static fact => fact.Permit.Term),
            Holds = [.. facts.Select(fact => NoticeContent.Of(fact.Permit, now.WallUnixNs))],
        });
        counters.Add("facts.told." + function);
    }

    private byte[] Digest(List<AdmittedFact> facts)
    {
        Span<byte> key = stackalloc byte[32];
        keys.DeriveKey("facts", key);
        var text = string.Join('\n', facts.OrderBy(static f => f.Permit.Field, StringComparer.Ordinal)
            .Select(static f => $"{f.Permit.Field}={f.Value}")) + "\n" + facts[0].Permit.PolicyHash;
        var digest = HMACSHA256.HashData(key, System.Text.Encoding.UTF8.GetBytes(text));
        CryptographicOperations.ZeroMemory(key);
        return digest;
    }
}
