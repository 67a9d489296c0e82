using FieldAgent.Core;
using FieldAgent.Simulation;

namespace FieldAgent.Privacy.Tests;

/// <summary>What holds of every decision, over generated policies, ledgers and questions. A failure names the seed of its world.</summary>
public sealed class DecidePropertyTests
{
    private const int Worlds = 100_000;
    private const int QuestionsAWorld = 2;
    private static readonly Stage[] Stages = Enum.GetValues<Stage>();

    [Fact]
    [Promise("R2", "R3", "R8", "R42", "R44", "R83", "R84", "R92", "R102")]
    public void TheTableAgreesWithTheReference()
    {
        var permits = 0;
        var reasons = new HashSet<DenyReason>();
        for (var seed = 0; seed < Worlds; seed++)
        {
            var world = new DecideWorld(seed);
            var table = Table(world);
            var reference = new DecideReference(world.Policy, world.Events, world.Paused);
            for (var n = 0; n < QuestionsAWorld; n++)
            {
                var question = world.Ask();
                var expected = reference.Decide(question);
                var actual = table.Answer(question);
                Assert.True(
                    expected == Flat(actual) && actual.IsPermitted == (actual.Reason == DenyReason.None),
                    $"seed {seed}: {question}\nexpected {expected}\ngot {actual}\n{string.Join('\n', world.Events)}\n{table.Find(question.Function, question.Field)?.Rule}");
                permits += actual.IsPermitted ? 1 : 0;
                reasons.Add(actual.Reason);
            }
        }

        // The worlds show every answer there is, save the one that only a picture gets.
        Assert.InRange(permits, Worlds / 16, Worlds * QuestionsAWorld);
        Assert.Equal(Enum.GetValues<DenyReason>().Except([DenyReason.Unreadable]), reasons.Order());
    }

    [Fact]
    [Promise("R2", "R54")]
    public void WithoutAnEventOnlyBasicFunctionsArePermittedAnything()
    {
        ForEach(2_000, world =>
        {
            world.Events.Clear();
            var table = Table(world);
            return world.Policy.Rules.All(rule => rule.Function.Tier == FunctionTier.Basic
                || !table.Answer(world.Ask(world.Pick(Stages), rule.Function.Name, rule.Field.Name)).IsPermitted);
        });
    }

    [Fact]
    [Promise("R9", "R10", "R92")]
    public void AWithdrawalOrRestrictionNeverCreatesAPermit() => ForEach(2_500, world =>
    {
        var before = Table(world);
        world.Append(ConsentAction.Withdraw, ConsentAction.Restrict);
        var after = Table(world);
        return Questions(world).All(question => before.Answer(question).IsPermitted || !after.Answer(question).IsPermitted);
    });

    [Fact]
    [Promise("R2", "R13")]
    public void APausePermitsNothingTakesNothingBackAndLeavesAllElseAsItIs() => ForEach(5_000, world =>
    {
        var pair = world.Pair();
        var before = DecisionTable.Build(world.Policy, world.Events, null);
        var during = DecisionTable.Build(world.Policy, world.Events, before, [pair]);
        var after = DecisionTable.Build(world.Policy, world.Events, during);
        return Questions(world).Concat(Stages.Select(stage => world.Ask(stage, pair.Function, pair.Field))).All(question =>
        {
            var (was, now) = (before.Answer(question), during.Answer(question));
            var isPaused = question.Function == pair.Function && question.Field == pair.Field;
            var mayBeCoarser = question.Function == pair.Function && ConsentScope.BaseOf(pair.Field) == question.Field;
            return after.Answer(question) == was
                && (isPaused ? !now.IsPermitted : mayBeCoarser ? was.IsPermitted || !now.IsPermitted : now == was)
                && (now.Keeps || now.Reason == was.Reason);
        });
    });

    [Fact]
    [Promise("R7")]
    public void AfterAGlobalRefusalNothingIsPermitted() => ForEach(2_000, world =>
    {
        world.Append(ConsentAction.Withdraw, "*", "*");
        world.Append(ConsentAction.Grant, "photo", "image.photo");
        world.Append(ConsentAction.Exempt, "photo", "image.photo");
        var table = Table(world);
        return Questions(world).All(question => !table.Answer(question).IsPermitted);
    });

    [Fact]
    public void AProhibitionNeverCreatesAPermit() => ForEach(2_500, world =>
    {
        var before = Table(world);
        var after = DecisionTable.Build(world.WithAProhibition(), world.Events, null, world.Paused);
        return Questions(world).All(question => before.Answer(question).IsPermitted || !after.Answer(question).IsPermitted);
    });

    [Fact]
    public void WhatMaySentMayBeKeptAndWhatMayBeKeptMayBeCollected() => ForEach(2_500, world =>
    {
        var table = Table(world);
        return Questions(world).All(question =>
            !table.Answer(question with { Stage = Stage.Send }).IsPermitted
            || (table.Answer(question with { Stage = Stage.Admit }).IsPermitted && table.Answer(question with { Stage = Stage.Collect }).IsPermitted
                && table.Answer(new Question(Stage.Collect, question.Function, question.Field, question.AtWallUnixNs, question.Clock) { Subject = question.Subject }).IsPermitted));
    });

    [Fact]
    [Promise("R9", "R10", "R11")]
    public void GrantingAgainNeverResurrectsWhatWasWithdrawn() => ForEach(2_500, world =>
    {
        var rule = world.Pick([.. world.Policy.Rules]);
        var (function, field) = (rule.Function.Name, rule.Field.Name);
        world.Append(ConsentAction.Grant, function, field);
        var end = world.Pick(true, false)
            ? world.Append(ConsentAction.Withdraw, function, world.Pick(field, "*"))
            : world.Append(ConsentAction.Withdraw, "*", "*");
        var isRefusal = end.Function == "*";
        world.Append(ConsentAction.Grant, "*", "*");
        world.Append(ConsentAction.Grant, function, field);
        world.Append(ConsentAction.Exempt, function, field);
        var table = Table(world);
        return (rule.Function.Tier == FunctionTier.Basic && !isRefusal)
            || Enumerable.Range(0, (int)end.Id + 1).All(under =>
                !table.Answer(world.Ask(Stage.Send, function, field) with { AdmittedUnder = under }).IsPermitted);
    });

    [Fact]
    [Promise("R86")]
    public void AHoldPreventsErasurePermitsNothingElseAndItsReleaseLetsOverdueDataGo() => ForEach(3_000, world =>
    {
        var questions = Questions(world).ToList();
        var before = Table(world);
        var (function, field) = (questions[0].Function, questions[0].Field);
        var hold = world.Append(ConsentAction.Hold, world.Pick(function, "*"), world.Pick(field, "*"));
        hold = world.Events[^1] = hold with { Reference = "case-9" };
        var held = Table(world);
        world.Append(ConsentAction.Release, "", "");
        world.Events[^1] = world.Events[^1] with { Reference = "case-9" };
        var released = Table(world);
        return questions.All(question => before.Answer(question) == held.Answer(question) && before.Answer(question) == released.Answer(question))
            && questions.All(question =>
            {
                var at = question.AtWallUnixNs;
                var isOver = hold.ExpiresWallUnixNs != 0 && at >= hold.ExpiresWallUnixNs;
                return (isOver || !held.Holds.MayErase(function, field, at))
                    && released.Holds.MayErase(question.Function, question.Field, at) == before.Holds.MayErase(question.Function, question.Field, at);
            });
    });

    [Fact]
    [Promise("R45")]
    public void PrecisionIsNeverFinerThanPolicyOrConsentAllow() => ForEach(2_500, world =>
    {
        var table = Table(world);
        return world.Policy.Rules.Where(static rule => Vocabulary.IsLocation(rule.Field.Name) && rule.Function.Tier == FunctionTier.Extended).All(rule =>
        {
            var (function, field) = (rule.Function.Name, rule.Field.Name);
            if (table.Answer(world.Ask(Stage.Admit, function, field) with { AdmittedUnder = long.MaxValue, Recipient = null }).Permit is not { } permit)
            {
                return true;
            }

            var event_ = world.Events.SingleOrDefault(e => e.Id == permit.ConsentId);
            var allowed = event_ is { Action: ConsentAction.Grant or ConsentAction.Exempt } && event_.Field.StartsWith("location.p", StringComparison.Ordinal)
                && ConsentScope.TryRead(event_.Field, event_.Scope, out var granted) ? granted : Precision.Exact;
            var leave = world.Events.Any(e => e.Function == function && e.Field == "location.precise" && e.Action == ConsentAction.Grant);
            return permit.Precision >= rule.Precision && permit.Precision >= allowed
                && (leave || field != "location.position" || permit.Precision >= Precision.Cell1km);
        });
    });

    [Fact]
    [Promise("R6", "R26", "R27")]
    public void RefusingAnUnnecessaryFieldLeavesItsFunctionWorking() => ForEach(2_500, world =>
    {
        var before = Table(world);
        var unnecessary = world.Policy.Rules.Where(static rule => !rule.Necessary).ToArray();
        if (unnecessary.Length == 0)
        {
            return true;
        }

        // By the ledger, and by a policy that does not have it any more.
        var gone = world.Pick(unnecessary);
        var without = DecisionTable.Build(world.With([.. world.Policy.Rules.Where(rule => rule != gone)]), world.Events, null, world.Paused);
        var questions = world.Policy.Rules
            .Where(rule => rule != gone && ConsentScope.BaseOf(rule.Field.Name) != gone.Field.Name)
            .Select(rule => world.Ask(world.Pick(Stages), rule.Function.Name, rule.Field.Name) with { AdmittedUnder = long.MaxValue }).ToList();
        world.Append(ConsentAction.Withdraw, gone.Function.Name, gone.Field.Name);
        var refused = Table(world);
        return questions.All(question => before.Answer(question).IsPermitted == refused.Answer(question).IsPermitted
            && before.Answer(question).IsPermitted == without.Answer(question).IsPermitted);
    });

    [Fact]
    [Promise("R4", "R11")]
    public void ReplayingTheLedgerReproducesEveryDecision() => ForEach(1_000, world =>
    {
        var ledger = new MemoryLedger();
        var clock = new SimulatedClock();
        var live = new Gate(world.Policy, ledger, new Counters(), clock);
        foreach (var e in world.Events)
        {
            ledger.Append(e);
            live.Refresh();
        }

        var replayed = new Gate(world.Policy, ledger, new Counters(), clock);
        return Questions(world).All(question => live.Decide(question) == replayed.Decide(question));
    });

    [Fact]
    public void EveryChangeOfADecisionHasExactlyOneAuditEntry() => ForEach(1_000, world =>
    {
        var ledger = new MemoryLedger();
        var audit = new MemoryAudit();
        var clock = new SimulatedClock(wallUnixNs: DecideWorld.Start);
        var gate = new Gate(world.Policy, ledger, new Counters(), clock, audit);
        foreach (var e in world.Events)
        {
            var before = Reach(world.Policy, ledger.All(), clock);
            var told = audit.Entries.Count;
            ledger.Append(e);
            clock.Advance(TimeSpan.FromHours(3));
            gate.Refresh();
            gate.Watch();
            var after = Reach(world.Policy, ledger.All(), clock);
            var expected = before.Where(pair => after[pair.Key] != pair.Value)
                .Select(pair => (pair.Key, (pair.Value & ~after[pair.Key]) != 0 ? "refused" : "permitted")).Order();
            var actual = audit.Entries.Skip(told).Select(static entry => ((entry.Function, entry.Field), entry.What)).Order();
            if (!expected.SequenceEqual(actual))
            {
                return false;
            }
        }

        return audit.Entries.TrueForAll(static entry => entry.Kind == AuditKind.Decision);
    });

    [Fact]
    [Promise("R17", "R62", "R64")]
    public void WhatIsDerivedExpiresNoLaterThanItsParentsAndIsClassedNoLower()
    {
        var random = new Random(64);
        for (var n = 0; n < 10_000; n++)
        {
            var parents = Enumerable.Range(0, random.Next(1, 5)).Select(_ => new Provenance(
                (FieldClass)random.Next(4), DecideWorld.Start + random.NextInt64(DecideWorld.Day * 40), TimeSpan.FromMinutes(random.Next(1, 60_000)))).ToArray();
            var derived = Derivation.Of(parents);
            Assert.All(parents, parent =>
            {
                Assert.True(derived.ExpiresWallUnixNs <= Math.Max(parent.ExpiresWallUnixNs, derived.CapturedWallUnixNs));
                Assert.True(FieldClasses.Rank(derived.Class) >= FieldClasses.Rank(parent.Class));
                Assert.Equal(FieldClasses.Join(parent.Class, derived.Class), derived.Class);
            });
            Assert.Contains(parents, parent => parent.Class == derived.Class);

            // A thumbnail of a thumbnail is no younger either.
            Assert.Equal(derived, Derivation.Of(derived));
            Assert.Equal(derived, Derivation.Of([derived, .. parents]));
        }
    }

    private static void ForEach(int worlds, Func<DecideWorld, bool> holds)
    {
        for (var seed = 0; seed < worlds; seed++)
        {
            Assert.True(holds(new DecideWorld(seed)), $"does not hold in the world of seed {seed}");
        }
    }

    private static DecisionTable Table(DecideWorld world) => DecisionTable.Build(world.Policy, world.Events, null, world.Paused);

    // One of every rule, and some that no rule may cover.
    private static IEnumerable<Question> Questions(DecideWorld world) =>
        [.. world.Policy.Rules.Select(rule => world.Ask(world.Pick(Stages), rule.Function.Name, rule.Field.Name)), world.Ask(), world.Ask()];

    private static Answer Flat(Decision decision) => decision.Permit is { } permit
        ? new Answer(decision.Reason, permit.Precision, permit.ConsentId, permit.Basis)
        : new Answer(decision.Reason);

    private static Dictionary<(string, string), int> Reach(Policy policy, IReadOnlyList<ConsentEvent> events, SimulatedClock clock)
    {
        var reference = new DecideReference(policy, events);
        var now = clock.Now();
        return policy.Rules.ToDictionary(
            static rule => (rule.Function.Name, rule.Field.Name),
            rule => Stages.Sum(stage => reference.Decide(new Question(stage, rule.Function.Name, rule.Field.Name, now.WallUnixNs, now.Quality)).Why
                == DenyReason.None ? 1 << (int)stage : 0));
    }
}
