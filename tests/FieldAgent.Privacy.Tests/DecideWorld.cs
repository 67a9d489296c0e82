using FieldAgent.Core;

namespace FieldAgent.Privacy.Tests;

/// <summary>A generated policy, a generated ledger, and questions about them; the same for the same seed.</summary>
internal sealed class DecideWorld
{
    public const long Day = 86_400_000_000_000;

    /// <summary>2026-06-01T00:00:00Z: the ledgers begin here.</summary>
    public const long Start = 1_780_272_000_000_000_000;

    // health.pulse is in no vocabulary: only a policy made by hand can hold it.
    private static readonly string[] Fields =
    [
        "instrument.measurement", "location.position", "location.position", "location.precise", "location.background", "image.photo",
        "image.location", "analytics.window", "device.serial", "health.pulse",
    ];

    private static readonly string[] Functions = ["telemetry", "fleet-location", "photo", "activity"];
    private static readonly string[] Recipients = ["vendor", "lab", "insurer"];
    private static readonly string[] Countries = ["CN", "CN", "DE", "US"];
    private static readonly string[] Scopes = ["", "", "exact", "100m", "1km", "10km", "near"];
    private static readonly string[] Hashes = ["h1", "h1", "h1", "h2"];
    private static readonly string[] Reasons = ["public-interest", "vital-interest", "service-safety", "other-law", "because"];
    private readonly Random _random;
    private readonly bool _isAboutPlaces;

    public DecideWorld(int seed)
    {
        _random = new Random(seed);

        // Places have rules of their own that only several events together bring out: some worlds speak of nothing else.
        _isAboutPlaces = Chance(4);
        Policy = MakePolicy();
        for (var n = _random.Next(14); n > 0; n--)
        {
            Append();
        }

        if (seed % 5 == 0)
        {
            Paused = [Pair(), Pair()];
        }
    }

    /// <summary>What is paused; in most worlds nothing.</summary>
    public IReadOnlyList<ConsentPair> Paused { get; } = [];

    public Policy Policy { get; private set; }

    public List<ConsentEvent> Events { get; } = [];

    /// <summary>Adds an event; one of <paramref name="actions"/>, or any.</summary>
    public ConsentEvent Append(params ConsentAction[] actions)
    {
        var action = actions.Length > 0 ? Pick(actions) : _random.Next(20) switch
        {
            < 10 => ConsentAction.Grant,
            < 13 => ConsentAction.Withdraw,
            13 => ConsentAction.Restrict,
            14 => ConsentAction.Unrestrict,
            15 => ConsentAction.Exempt,
            16 => Pick(ConsentAction.Hold, ConsentAction.Release),
            17 => Chance(3) ? ConsentAction.Minor : ConsentAction.Grant,
            18 => ConsentAction.Adopt,
            _ => ConsentAction.Grant,
        };
        var field = PickField();
        return Append(action, Chance(15) ? "*" : PickFunction(), Chance(15) ? "*" : Chance(6) ? field + "@" + Pick(Countries) : field);
    }

    public ConsentEvent Append(ConsentAction action, string function, string field)
    {
        var id = Events.Count + 1;
        var at = new Stamp(default, id, Start + (id * Day / 4), Chance(10) ? ClockQuality.Unsynced : ClockQuality.Ntp);
        var next = new ConsentEvent(
            id, action, function, field, Pick(Scopes), Chance(4) ? "guardian" : Pick("subject", "operator"), "cli", "1", Pick(Hashes), at)
        {
            ControllerId = Chance(12) ? "other" : Pick("", "vendor"),
            ExpiresWallUnixNs = action == ConsentAction.Exempt && !Chance(8) || Chance(4) ? Start + (long)(_random.NextDouble() * 5 * Day) : 0,
            Reason = action == ConsentAction.Exempt ? Pick(Reasons) : "",
            Reference = action == ConsentAction.Adopt ? Pick("", "", "photo", "photo, telemetry", "fleet-location", "*") : Pick("case-1", "case-2"),
        };
        if (action == ConsentAction.Adopt && !Chance(3))
        {
            next = next with { PolicyHash = Policy.Hash };
        }

        Events.Add(next);
        return next;
    }

    public Question Ask() => Ask(
        Pick(Enum.GetValues<Stage>()), PickFunction(), _isAboutPlaces && !Chance(4) ? Vocabulary.LocationPosition : PickField());

    public Question Ask(Stage stage, string function, string field)
    {
        var at = Start + (long)((_random.NextDouble() * 6 * Day) - Day);
        return new Question(stage, function, field, at, Pick(ClockQuality.Ntp, ClockQuality.Ntp, ClockQuality.Gnss, ClockQuality.Rtc, ClockQuality.Unsynced))
        {
            Recipient = Chance(3) ? null : Pick([.. Recipients, "stranger"]),
            Region = Chance(2) ? null : Chance(6) ? "" : Pick(Countries),
            Subject = Chance(5) ? Subject.Minor : Subject.OnRecord,
            AdmittedUnder = Chance(2) ? long.MaxValue : _random.Next(Events.Count + 1),
            CapturedWallUnixNs = Chance(2) ? 0 : at - (long)(_random.NextDouble() * 2 * Day),
        };
    }

    /// <summary>The same in which one rule forbids more.</summary>
    public Policy WithAProhibition()
    {
        var chosen = Pick([.. Policy.Rules]);
        return With([.. Policy.Rules.Select(rule => rule == chosen ? rule with { Prohibitions = [.. rule.Prohibitions, MakeProhibition()] } : rule)]);
    }

    /// <summary>The same policy with other rules.</summary>
    public Policy With(IReadOnlyList<PolicyRule> rules) => new(Policy.Fields, Policy.Functions, rules, Policy.Recipients)
    {
        Version = Policy.Version, Hash = Policy.Hash, ControllerId = Policy.ControllerId, EffectiveFrom = Policy.EffectiveFrom,
    };

    /// <summary>A function and a field that it may use.</summary>
    public ConsentPair Pair()
    {
        var rule = Pick([.. Policy.Rules]);
        return new ConsentPair(rule.Function.Name, rule.Field.Name);
    }

    public bool Chance(int oneIn) => _random.Next(oneIn) == 0;

    public T Pick<T>(params T[] all) => all[_random.Next(all.Length)];

    private string PickFunction() => _isAboutPlaces && !Chance(6) ? Functions[1] : Pick(Functions);

    private string PickField() => _isAboutPlaces && !Chance(6) ? Pick(Fields[1..5]) : Pick(Fields);

    private Policy MakePolicy()
    {
        var fields = Fields.Distinct().Select(name => new PolicyField(
            name, name.StartsWith("location", StringComparison.Ordinal) || name == "image.location" ? FieldClass.Sensitive : (FieldClass)_random.Next(4), "")).ToList();
        var functions = Functions.Select(name => new PolicyFunction(name, (FunctionTier)_random.Next(2), "")).ToList();
        var recipients = Recipients.Select(name => new PolicyRecipient(
            name, "s", name, "a", "m", "p", "https://x", Pick(Countries), [.. Fields.Distinct().Where(_ => !Chance(4))])
        {
            Transform = Chance(4) ? RecipientTransform.Anonymise : RecipientTransform.Pseudonymise,
        }).ToList();
        var rules = new List<PolicyRule>();
        foreach (var function in functions)
        {
            foreach (var field in fields.Where(_ => !Chance(4)))
            {
                var bases = function.Tier == FunctionTier.Basic ? new[] { LegalBasis.Contract } : Pick(
                    [LegalBasis.Consent], [LegalBasis.LegitimateInterest, LegalBasis.Consent], new[] { LegalBasis.Contract });
                rules.Add(new PolicyRule(
                    function, field, Chance(2), "p", bases[0], Vocabulary.IsLocation(field.Name) ? (Precision)_random.Next(4) : Precision.Exact,
                    Pick(TimeSpan.FromHours(1), TimeSpan.FromDays(1)), [.. Recipients.Where(_ => !Chance(3))])
                {
                    Bases = bases,
                    Regions = [.. Countries.Distinct().Where(_ => !Chance(4))],
                    Prohibitions = Chance(8) ? [MakeProhibition()] : [],
                });
            }
        }

        return new Policy(fields, functions, rules, recipients)
        {
            Version = "1", Hash = "h1", ControllerId = Chance(5) ? "" : "vendor",
            EffectiveFrom = DateOnly.FromDateTime(DateTime.UnixEpoch.AddTicks(Start / 100).AddDays(Chance(6) ? _random.Next(4) : -100)),
        };
    }

    private PolicyProhibition MakeProhibition() => new(
        Chance(2) ? null : Pick(Enum.GetValues<Stage>()), Chance(2) ? null : Pick(Recipients), Chance(2) ? null : Pick(Countries), "why");
}
