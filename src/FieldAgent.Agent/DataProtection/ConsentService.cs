using System.Globalization;
using System.Text.Json.Nodes;
using FieldAgent.Agent.Configuration;
using FieldAgent.Agent.Control;
using FieldAgent.Agent.Status;
using FieldAgent.Core;
using FieldAgent.Delivery;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.DataProtection;

/// <summary>Consents with their consequences: the ledger entry first, then the gate (which closes sensors), then all that follows from
/// it. Every answer says what was done in plain words, and as one JSON object. Any thread; one command at a time.</summary>
internal sealed class ConsentService(
    ConsentDesk desk, Gate gate, ConsentFollowUp followUp, ErasureNotices erasures, IReadOnlyList<ConfiguredSensor> sensors)
{
    private readonly Lock _lock = new();

    /// <summary>Keeps the pseudonym from ending while a command is carried out: its receipt and its requests to erase belong to that name.</summary>
    public Func<IDisposable>? KeepName { get; init; }

    /// <summary>Why one of these cannot be granted at the moment, as with a switch at the board that is closed; null when nothing is in the way.</summary>
    public Func<IEnumerable<ConsentPair>, string?> Obstacle { get; set; } = static _ => null;

    /// <summary>Grants, and shows the notice of the function.</summary>
    /// <exception cref="StoreFault">It could not be stored; repeat the command.</exception>
    public ControlReply Grant(string function, string? field, string? scope, ConsentBy by) =>
        desk.Preview(function, field, scope, out var grants) is null
            && Obstacle(grants.Select(static grant => new ConsentPair(grant.Rule.Function.Name, grant.Rule.Field.Name))) is { } obstacle
            ? ControlReply.No(obstacle)
            : Carry("grant", Notice(function, by), () => desk.Grant(function, field, scope, by));

    /// <summary>Grants several, each by its name; one that is refused keeps none of the others back.</summary>
    /// <exception cref="StoreFault">It could not be stored; what was stored until then holds. Repeat it.</exception>
    public ControlReply Grant(IReadOnlyList<SwitchScope> scopes, ConsentBy by) =>
        Carry("grant", [], () => Together(scopes, scope => desk.Grant(scope.Pair.Function, scope.Pair.Field, scope.Precision, by)));

    /// <summary>Withdraws several at once: all of them hold before anything is erased.</summary>
    /// <exception cref="StoreFault">It could not be stored; what was stored until then holds. Repeat it.</exception>
    public ControlReply Withdraw(IReadOnlyList<ConsentPair> pairs, ConsentBy by) =>
        Carry("withdraw", [], () => Together(pairs, pair => desk.Withdraw(pair.Function, pair.Field, by)));

    /// <summary>Withdraws.</summary>
    /// <exception cref="StoreFault">It could not be stored; repeat the command.</exception>
    public ControlReply Withdraw(string function, string? field, ConsentBy by) =>
        Carry("withdraw", [], () => desk.Withdraw(function, field, by));

    /// <summary>Uses an exemption from consent, until its end (R16).</summary>
    /// <exception cref="StoreFault">It could not be stored; repeat the command.</exception>
    public ControlReply Exempt(string function, string field, string? scope, string ground, long untilWallUnixNs, ConsentBy by) =>
        Carry("exempt", [], () => desk.Exempt(function, field, scope, ground, untilWallUnixNs, by));

    /// <summary>Refuses everything: the board idles.</summary>
    /// <exception cref="StoreFault">It could not be stored; repeat the command.</exception>
    public ControlReply Refuse(ConsentBy by) => Carry("refuse", [], () => desk.Refuse(by));

    /// <summary>Ends a refusal of everything.</summary>
    /// <exception cref="StoreFault">It could not be stored; repeat the command.</exception>
    public ControlReply Resume(ConsentBy by) => Carry("resume", [], () => desk.Resume(by));

    /// <summary>Marks the person concerned as being under 14.</summary>
    /// <exception cref="StoreFault">It could not be stored; repeat the command.</exception>
    public ControlReply MarkMinor(ConsentBy by) => Carry("minor", [], () => desk.MarkMinor(by));

    /// <summary>Finishes what a power cut or a fault of the store interrupted; cheap when there is nothing to do.</summary>
    /// <exception cref="StoreFault">It is still not finished.</exception>
    public void FinishInterrupted()
    {
        lock (_lock)
        {
            using var kept = KeepName?.Invoke();
            if (followUp.HasUnfinished)
            {
                followUp.Complete([]);
            }
            else
            {
                followUp.AskForLate();
            }

            erasures.IssueMissing();
        }
    }

    private ControlReply Carry(string action, IReadOnlyList<string> notice, Func<ConsentOutcome> change)
    {
        lock (_lock)
        {
            using var kept = KeepName?.Invoke();
            var before = Open();
            var outcome = change();
            if (!outcome.Done)
            {
                return ControlReply.No(outcome.Message);
            }

            // no send of it starts any more: exactly this may still arrive
            var underWay = erasures.OnTheWay(outcome.Erase);
            var opened = Open().Except(before).ToList();
            var closed = before.Except(Open()).ToList();
            Followed? followed = null;
            Holders? holders = null;
            var trouble = "";
            try
            {
                followed = followUp.Complete(outcome.Events.Count == 0 ? outcome.Erase : []);
                holders = outcome.Erase.Count == 0 ? null : erasures.Holders(followUp.OfConsent(outcome.Erase));
            }
            catch (StoreFault fault)
            {
                trouble = fault.Message;
            }

            var lines = Lines(outcome, opened, closed, followed, holders, underWay);
            lines.InsertRange(1, outcome.Events.Where(static e => e.Action == ConsentAction.Grant).Select(Bounded).OfType<string>());
            var json = Json(action, outcome, opened, closed, followed, holders, underWay, trouble);
            return trouble.Length == 0
                ? new ControlReply(true, string.Join('\n', lines), Lines: notice, Json: [json])
                : new ControlReply(
                    false,
                    string.Join("; ", lines) + ". It holds from now on, but is not finished: " + trouble
                        + " It is finished by itself as soon as that is possible, or when the command is repeated",
                    Json: [json]);
        }
    }

    private static ConsentOutcome Together<T>(IEnumerable<T> parts, Func<T, ConsentOutcome> change)
    {
        List<ConsentOutcome> outcomes = [.. parts.Select(change)];
        return new ConsentOutcome(
            outcomes.Exists(static o => o.Done) ? ConsentRefusal.None : outcomes[0].Refusal, string.Join("; ", outcomes.Select(static o => o.Message)),
            [.. outcomes.SelectMany(static o => o.Events)], [.. outcomes.SelectMany(static o => o.Erase)]);
    }

    private static List<string> Lines(
        ConsentOutcome outcome, List<string> opened, List<string> closed, Followed? followed, Holders? holders, IReadOnlyList<ItemUnderWay> underWay)
    {
        List<string> lines = [outcome.Message];
        if (opened.Count > 0)
        {
            lines.Add("sensors that may open now: " + string.Join(", ", opened));
        }

        if (closed.Count > 0)
        {
            lines.Add("sensors closed: " + string.Join(", ", closed));
        }

        lines.AddRange(Holders.OnTheWay(underWay));
        if (followed is null)
        {
            return lines;
        }

        if (followed.Erasures.Count > 0)
        {
            var proof = followed.Erasures.All(static e => e.State == ErasureState.Verified)
                ? string.Create(CultureInfo.InvariantCulture, $"; a scan of the raw files found no remains (erasure {followed.Erasures[^1].Id})") : "";
            var items = followed.Erasures.Sum(static e => e.Items);
            lines.Add($"erased before it was sent: {Plural.Of(Erased(followed), "reading", "readings")}, in {Plural.Of(items, "block, picture or document", "blocks, pictures and documents")}{proof}");
            lines.AddRange(followed.Erasures.SelectMany(static e => e.Held).Select(static held => $"kept by a legal hold: {held.Function} {held.Field}"));
        }

        lines.AddRange(holders?.Lines(underWay) ?? []);
        if (followed.Asked.Count > 0)
        {
            lines.Add("asked to erase what was sent, again and again until it is acknowledged: "
                + string.Join(", ", followed.Asked.Select(static one => one.Recipient).Distinct()));
        }

        if (followed.Receipt > 0)
        {
            lines.Add(string.Create(CultureInfo.InvariantCulture, $"receipt {followed.Receipt}; see 'fieldagent consent receipt {followed.Receipt}'"));
        }

        return lines;
    }

    private static string Json(
        string action, ConsentOutcome outcome, List<string> opened, List<string> closed, Followed? followed, Holders? holders,
        IReadOnlyList<ItemUnderWay> underWay, string trouble) => Documents.Text(new JsonObject
        {
            ["action"] = action,
            ["message"] = outcome.Message,
            ["events"] = new JsonArray([.. outcome.Events.Select(static e => (JsonNode)e.Id)]),
            ["opened"] = Documents.List(opened),
            ["closed"] = Documents.List(closed),
            ["erased"] = followed is null ? 0 : Erased(followed),
            ["erasures"] = new JsonArray([.. (followed?.Erasures ?? []).Select(static e => (JsonNode)new JsonObject
            {
                ["number"] = e.Id,
                ["state"] = ErasureDocuments.Word(e.State),
            })]),
            ["underWay"] = Holders.Json(underWay),
            ["given"] = Documents.List((holders?.Given ?? []).Select(static run => run.Recipient).Distinct()),
            ["possible"] = new JsonArray([.. (holders?.Possible ?? []).Select(static one => (JsonNode)DeliveryText.Json(one))]),
            ["asked"] = Documents.List((followed?.Asked ?? []).Select(static one => one.Recipient).Distinct()),
            ["receipt"] = followed?.Receipt ?? 0,
            ["finished"] = trouble.Length == 0,
            ["trouble"] = trouble,
        });

    // Coarse, precise and unasked places are granted apart (R45): the board says what the grant comes to now.
    private string? Bounded(ConsentEvent grant) =>
        PrecisionWords.TryParse(grant.Scope, out var asked) && Vocabulary.IsLocation(grant.Field)
        && gate.Decide(Stage.Admit, grant.Function, grant.Field).Permit is { } permit && permit.Precision > asked
            ? $"no finer than {permit.Precision.Word()} for now: finer places are granted apart, with --field {Vocabulary.LocationPrecise}"
                + $", and with --field {Vocabulary.LocationBackground} for those that nobody asks for"
            : null;

    private static long Erased(Followed followed) => followed.Erasures.Sum(static e => e.Readings);

    private string[] Notice(string function, ConsentBy by) => gate.Policy.Function(function) is null
        ? [] : ConsentNotice.Of(gate.Policy, function, by.Language).Text.TrimEnd('\n').Split('\n');

    private List<string> Open() => [.. sensors.Where(sensor => sensor.Sensor.OpensFor.Any(gate.MayCollect)).Select(static sensor => sensor.Name)];
}
