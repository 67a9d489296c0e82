using FieldAgent.Core;

namespace FieldAgent.Privacy.Tests;

/// <summary>A second evaluator, as naive as can be, must agree with the gate on generated policies and consent histories.</summary>
public sealed class ReferenceTests
{
    private const int Cases = 20_000;
    private static readonly string[] Fields = ["instrument.measurement", "device.model", "location.position", "image.photo", "image.location"];
    private static readonly string[] Functions = ["telemetry", "fleet-location", "photo", "activity"];
    private static readonly string[] Recipients = ["vendor", "lab", "insurer"];
    private static readonly string[] Scopes = ["", "exact", "100m", "1km", "10km", "near"];

    [Fact]
    public void TheGateAgreesWithTheReference()
    {
        for (var seed = 0; seed < Cases; seed++)
        {
            var (policy, ledger, gate) = Generate(seed);
            foreach (var (function, field, recipient) in Questions())
            {
                var expected = Reference(policy, ledger.All(), function, field, recipient);
                var actual = gate.Decide(Stage.Send, function, field, recipient);
                Assert.True(
                    expected == (actual.Permit?.Precision, actual.Reason, actual.Permit?.ConsentId ?? 0),
                    $"seed {seed}: {function} {field} {recipient}: expected {expected}, got {actual}");
            }
        }
    }

    [Fact]
    [Promise("R10")]
    public void WithdrawingNeverCreatesAPermitAndAlwaysEndsTheOneItNames()
    {
        for (var seed = 0; seed < Cases / 4; seed++)
        {
            var (policy, ledger, gate) = Generate(seed);
            var before = Permits(policy, gate);
            var random = new Random(seed);
            var (function, field) = (Pick(random, Functions), Pick(random, Fields));
            ledger.Withdraw(function, field);
            gate.Refresh();
            var after = Permits(policy, gate);
            Assert.Empty(after.Except(before));
            Assert.DoesNotContain(after, pair => pair == (function, field) && policy.Function(function)!.Tier == FunctionTier.Extended);
            Assert.DoesNotContain(before.Except(after), pair => pair != (function, field));
        }
    }

    [Fact]
    [Promise("R45")]
    public void PrecisionIsNeverFinerThanPolicyOrConsentAllow()
    {
        for (var seed = 0; seed < Cases / 4; seed++)
        {
            var (policy, ledger, gate) = Generate(seed);
            foreach (var rule in policy.Rules)
            {
                if (gate.Decide(Stage.Admit, rule.Function.Name, rule.Field.Name).Permit is { ConsentId: > 0 } permit)
                {
                    var grant = ledger.All().Single(e => e.Id == permit.ConsentId);
                    Assert.True(permit.Precision >= rule.Precision);
                    Assert.True(!rule.Field.Name.Contains("location", StringComparison.Ordinal)
                        || (int)permit.Precision >= Array.IndexOf(["exact", "100m", "1km", "10km"], grant.Scope.Length == 0 ? "1km" : grant.Scope));
                }
            }
        }
    }

    [Fact]
    [Promise("R9", "R10")]
    public void GrantingAgainNeverResurrectsWhatWasAdmittedBeforeAWithdrawal()
    {
        for (var seed = 0; seed < Cases / 4; seed++)
        {
            var (policy, ledger, gate) = Generate(seed);
            var events = ledger.All();
            foreach (var rule in policy.Rules.Where(static rule => rule.Function.Tier == FunctionTier.Extended))
            {
                var own = events.Where(e => e.Function == rule.Function.Name && e.Field == rule.Field.Name).ToList();
                foreach (var grant in own.Where(static e => e.Action == ConsentAction.Grant))
                {
                    var withdrawnSince = own.Any(e => e.Id > grant.Id && e.Action == ConsentAction.Withdraw);
                    var covered = gate.Decide(Stage.Send, rule.Function.Name, rule.Field.Name, null, grant.Id).IsPermitted;
                    Assert.False(withdrawnSince && covered);
                }
            }
        }
    }

    /// <summary>Deny, unless the rule, the recipient list and the newest event of exactly this pair all say yes.</summary>
    private static (Precision? Precision, DenyReason Reason, long ConsentId) Reference(
        Policy policy, IReadOnlyList<ConsentEvent> events, string function, string field, string recipient)
    {
        var rule = policy.Rules.SingleOrDefault(r => r.Function.Name == function && r.Field.Name == field);
        if (rule is null)
        {
            return (null, DenyReason.NoRule, 0);
        }

        var precision = rule.Precision;
        long consent = 0;
        if (rule.Function.Tier == FunctionTier.Extended)
        {
            var last = events.LastOrDefault(e => e.Function == function && e.Field == field);
            if (last is { Action: ConsentAction.Withdraw })
            {
                return (null, DenyReason.Withdrawn, 0);
            }

            var isPlace = field is "location.position" or "image.location";
            string[] known = isPlace ? ["exact", "100m", "1km", "10km", ""] : [""];
            if (last is null || !known.Contains(last.Scope))
            {
                return (null, DenyReason.NotGranted, 0);
            }

            consent = last.Id;
            if (isPlace)
            {
                var granted = (Precision)Array.IndexOf(known, last.Scope.Length == 0 ? "1km" : last.Scope);
                precision = (Precision)Math.Max((int)granted, (int)precision);
            }
        }

        return rule.Recipients.Contains(recipient) ? (precision, DenyReason.None, consent) : (null, DenyReason.NotARecipient, 0);
    }

    private static (Policy Policy, MemoryLedger Ledger, Gate Gate) Generate(int seed)
    {
        var random = new Random(seed);
        var fields = Fields.Select(name => new PolicyField(
            name,
            name.Contains("location", StringComparison.Ordinal) ? FieldClass.Sensitive : (FieldClass)random.Next(4),
            "")).ToList();
        var functions = Functions.Select(name => new PolicyFunction(name, (FunctionTier)random.Next(2), "")).ToList();
        var rules = new List<PolicyRule>();
        foreach (var function in functions)
        {
            foreach (var field in fields.Where(_ => random.Next(3) > 0))
            {
                var precision = field.Class == FieldClass.Sensitive ? (Precision)random.Next(4) : Precision.Exact;
                rules.Add(new PolicyRule(
                    function, field, random.Next(2) == 0, "p", LegalBasis.Consent, Vocabulary.IsLocation(field.Name) ? precision : Precision.Exact,
                    TimeSpan.FromDays(1), [.. Recipients.Where(_ => random.Next(2) == 0)]));
            }
        }

        var policy = new Policy(fields, functions, rules, []) { Hash = "h" };
        var ledger = new MemoryLedger();
        for (var n = random.Next(12); n > 0; n--)
        {
            var field = random.Next(20) == 0 ? "*" : Pick(random, Fields);
            var function = random.Next(20) == 0 ? "*" : Pick(random, Functions);
            if (random.Next(3) == 0)
            {
                ledger.Withdraw(function, field);
            }
            else
            {
                ledger.Grant(function, field, random.Next(2) == 0 ? "" : Pick(random, Scopes));
            }
        }

        return (policy, ledger, new Gate(policy, ledger, new Counters()));
    }

    private static IEnumerable<(string Function, string Field, string Recipient)> Questions() =>
        from function in Functions.Append("*")
        from field in Fields.Append("*")
        from recipient in Recipients
        select (function, field, recipient);

    private static HashSet<(string, string)> Permits(Policy policy, Gate gate) =>
        [.. policy.Rules.Where(rule => gate.Decide(Stage.Admit, rule.Function.Name, rule.Field.Name).IsPermitted)
            .Select(static rule => (rule.Function.Name, rule.Field.Name))];

    private static T Pick<T>(Random random, T[] all) => all[random.Next(all.Length)];
}
