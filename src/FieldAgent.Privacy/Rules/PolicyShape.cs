using FieldAgent.Core;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Privacy;

/// <summary>The shape of the policy document: one declaration for checking, documentation and JSON Schema.</summary>
internal static class PolicyShape
{
    private const int TextMax = PolicyLimits.TextMax;

    public static readonly Option<string> En = Opt.Text("en", "In English.", required: true, lengthMax: PolicyLimits.NoticeMax);
    public static readonly Option<string> Zh = Opt.Text("zh", "In Chinese.", required: true, lengthMax: PolicyLimits.NoticeMax);
    public static readonly ConfigShape Local = new("A text in the languages of the notice.", En, Zh);

    public static readonly Option<string> FieldName = Opt.Text(
        "name", "Dotted name, such as location.position.", required: true, lengthMax: PolicyLimits.FieldNameMax);
    public static readonly Option<string> FieldClass = Opt.Choice(
        "class", "How the field is to be treated.", null, true, "instrument", "personal", "sensitive", "excluded");
    public static readonly Option<ConfigSection?> FieldSummary = Text("summary", "What it is, one sentence.");
    public static readonly ConfigShape Field = new("An entry of the vocabulary.", FieldName, FieldClass, FieldSummary);

    public static readonly Option<string> PurposeName = Opt.Name("name", "Name of the purpose.", required: true);
    public static readonly Option<string> PurposeKind = Opt.Choice(
        "kind", "What kind of purpose it is.", null, true, [.. PolicyWords.PurposeKinds]);
    public static readonly Option<ConfigSection?> PurposeSummary = Text("summary", "What it is, in a few words.");
    public static readonly ConfigShape Purpose = new("A purpose that rules may serve.", PurposeName, PurposeKind, PurposeSummary);

    public static readonly Option<string> FunctionName = Opt.Name("name", "Name of the function.", required: true);
    public static readonly Option<string> FunctionTier = Opt.Choice(
        "tier", "basic: on by contract; extended: off until granted.", null, true, "basic", "extended");
    public static readonly Option<string> FunctionSwitch = Opt.Choice(
        "switch", "Whether it is on before anybody decides: a basic one always, an extended one never.", null, true, "on", "off");
    public static readonly Option<ConfigSection?> FunctionNotice = Text(
        "notice", "What it does and what follows from it, as it is shown before consent is asked.");
    public static readonly ConfigShape Function = new(
        "Something the agent does for someone.", FunctionName, FunctionTier, FunctionSwitch, FunctionNotice);

    public static readonly Option<string> RecipientName = Opt.Name("name", "Name of the recipient.", required: true);
    public static readonly Option<ConfigSection?> Subject = Text("subject", "Who it is.");
    public static readonly Option<string> Endpoint = Opt.Name(
        "endpoint", "Name of its endpoint in the configuration.", required: true);
    public static readonly Option<string> Agreement = Opt.Text(
        "agreement", "Reference of the agreement with it.", required: true, lengthMax: TextMax);
    public static readonly Option<ConfigSection?> Method = Text("method", "How it receives the data.");
    public static readonly Option<ConfigSection?> RecipientPurpose = Text("purpose", "What it uses the data for.");
    public static readonly Option<string> PolicyLink = Opt.Text(
        "policyLink", "Its own privacy policy, an https address.", required: true, lengthMax: TextMax);
    public static readonly Option<string> Region = Country("region", "ISO 3166 code of where the data goes, such as CN.", required: true);
    public static readonly Option<string> Encoding = Opt.Choice("encoding", "Encoding of its messages.", "json", false, "json");
    public static readonly Option<string> Transform = Opt.Choice(
        "transform", "anonymise: it gets anonymous aggregates only; pseudonymise: it gets data under its own pseudonym of the board.",
        "anonymise", false, "anonymise", "pseudonymise");
    public static readonly Option<IReadOnlyList<ConfigNode>> RecipientFields = Names(
        "fields", "All the fields it may ever receive.", PolicyLimits.FieldsMax, required: true);
    public static readonly ConfigShape Recipient = new(
        "Who may receive data, with all that must be published about it.",
        RecipientName, Subject, Endpoint, Agreement, Method, RecipientPurpose, PolicyLink, Region, Encoding, Transform, RecipientFields);

    public static readonly Option<string> ProhibitedStage = Opt.Choice(
        "stage", "At which step; every one when not given.", "", false, [.. PolicyWords.Stages]);
    public static readonly Option<string> ProhibitedRecipient = Opt.Name("recipient", "To whom; everybody when not given.");
    public static readonly Option<string> ProhibitedRegion = Country("region", "Where to, ISO 3166; everywhere when not given.", required: false);
    public static readonly Option<ConfigSection?> ProhibitedWhy = Text("why", "The reason.");
    public static readonly ConfigShape Prohibition = new(
        "What is forbidden although the rule would otherwise allow it.",
        ProhibitedStage, ProhibitedRecipient, ProhibitedRegion, ProhibitedWhy);

    public static readonly Option<string> RuleFunction = Opt.Name("function", "A declared function.", required: true);
    public static readonly Option<string> RuleField = Opt.Text(
        "field", "A declared field.", required: true, lengthMax: PolicyLimits.FieldNameMax);
    public static readonly Option<ConfigNode?> Necessary = Opt.Raw(
        "necessary", "true when the function cannot work without the field.", """{"type":"boolean"}""", required: true);
    public static readonly Option<string> RulePurpose = Opt.Name("purpose", "A declared purpose.", required: true);
    public static readonly Option<IReadOnlyList<string>> Bases = Opt.List(
        "bases", "Legal bases, the one it mainly rests on first.",
        Opt.Choice("basis", "A legal basis.", null, false, [.. PolicyWords.Bases]), PolicyWords.Bases.Count, required: true);
    public static readonly Option<string> Precision = Opt.Choice(
        "precision", "The finest that any grant can allow; coarser than exact only for places.", "exact", false, [.. PrecisionWords.All]);
    public static readonly Option<TimeSpan> Term = Opt.Duration(
        "term", "Retention term; finite.", TimeSpan.FromDays(30), PolicyLimits.TermMin, PolicyLimits.TermMax, required: true);
    public static readonly Option<IReadOnlyList<ConfigNode>> RuleRecipients = Names(
        "recipients", "Declared recipients who may receive it; empty: it stays on the board.", PolicyLimits.RecipientsMax, required: true);
    public static readonly Option<IReadOnlyList<string>> Regions = Opt.List(
        "regions", "ISO 3166 codes of the countries it may be sent to; needed where there are recipients.",
        Country("region", "A country.", required: false), PolicyLimits.RegionsMax);
    public static readonly Option<IReadOnlyList<ConfigSection>> Prohibitions = Opt.Sections(
        "prohibitions", "What is forbidden all the same.", Prohibition, PolicyLimits.ProhibitionsMax);
    public static readonly ConfigShape Rule = new(
        "What one function may do with one field.",
        RuleFunction, RuleField, Necessary, RulePurpose, Bases, Precision, Term, RuleRecipients, Regions, Prohibitions);

    public static readonly Option<string> RightName = Opt.Choice("right", "Which right.", null, true, [.. ClosedLists.Rights.Words]);
    public static readonly Option<ConfigSection?> RightHow = Text("how", "How it is exercised.");
    public static readonly ConfigShape Right = new("A right of the person concerned.", RightName, RightHow);

    public static readonly Option<string> ControllerId = Opt.Name(
        "id", "Id; a consent is given to this controller and no other.", required: true);
    public static readonly Option<string> ControllerName = Opt.Text("name", "Name and address.", required: true, lengthMax: TextMax);
    public static readonly ConfigShape ControllerShape = new("Who is responsible.", ControllerId, ControllerName);

    public static readonly Option<string> Version = Opt.Text(
        "version", "Version of the document.", required: true, lengthMax: 40);
    public static readonly Option<string> EffectiveFrom = Opt.Text(
        "effectiveFrom", "First day on which it holds: 2026-01-31.", required: true, lengthMax: 10);
    public static readonly Option<ConfigSection?> Controller = Opt.Section("controller", "Who is responsible.", ControllerShape, required: true);
    public static readonly Option<string> Jurisdiction = Country(
        "jurisdiction", "ISO 3166 code of the governing law, such as CN; sending data to another country is a transfer abroad.", required: true);
    public static readonly Option<IReadOnlyList<string>> Contacts = Opt.List(
        "contacts", "Whom to ask.", Opt.Text("contact", "An address.", lengthMax: TextMax), PolicyLimits.ContactsMax, required: true);
    public static readonly Option<ConfigSection?> Notice = Text("notice", "What the notice begins with.");
    public static readonly Option<ConfigSection?> Changes = Text("changes", "What is new against the version before.");
    public static readonly Option<string> RiskReference = Opt.Text("reference", "Where it can be read.", required: true, lengthMax: TextMax);
    public static readonly Option<IReadOnlyList<ConfigNode>> RiskFunctions = Names(
        "functions", "The functions that it concerns.", PolicyLimits.FunctionsMax, required: true);
    public static readonly Option<ConfigSection?> HighRisk = Opt.Section(
        "highRisk", "The impact assessment that found a high risk; left out when none did.",
        new ConfigShape("An impact assessment that found a high risk.", RiskReference, RiskFunctions));
    public static readonly Option<IReadOnlyList<ConfigSection>> Rights = Opt.Sections(
        "rights", "How each right is exercised; all of them.", Right, ClosedLists.Rights.Words.Count, required: true);
    public static readonly Option<IReadOnlyList<ConfigSection>> Fields = Opt.Sections(
        "fields", "The vocabulary.", Field, PolicyLimits.FieldsMax, required: true);
    public static readonly Option<IReadOnlyList<ConfigSection>> Purposes = Opt.Sections(
        "purposes", "What rules may be for.", Purpose, PolicyLimits.PurposesMax, required: true);
    public static readonly Option<IReadOnlyList<ConfigSection>> Functions = Opt.Sections(
        "functions", "The functions.", Function, PolicyLimits.FunctionsMax, required: true);
    public static readonly Option<IReadOnlyList<ConfigSection>> Recipients = Opt.Sections(
        "recipients", "The recipients.", Recipient, PolicyLimits.RecipientsMax, required: true);
    public static readonly Option<IReadOnlyList<ConfigSection>> Rules = Opt.Sections(
        "rules", "The rules.", Rule, PolicyLimits.RulesMax, required: true);
    public static readonly ConfigShape Document = new(
        "What the agent may do with what data; anything that no rule names is denied.",
        Version, EffectiveFrom, Controller, Jurisdiction, Contacts, Notice, Changes, HighRisk, Rights, Fields, Purposes, Functions, Recipients, Rules);

    private static Option<ConfigSection?> Text(string name, string doc) => Opt.Section(name, doc, Local, required: true);

    private static Option<string> Country(string name, string doc, bool required) => Opt.Text(name, doc, required: required, lengthMax: 2);

    private static Option<IReadOnlyList<ConfigNode>> Names(string name, string doc, int countMax, bool required) =>
        Opt.RawList(name, doc, countMax, static () => """{"type":"string"}""", required);
}

/// <summary>The words of the document for closed lists that are types in the code; the index is the value.</summary>
public static class PolicyWords
{
    /// <summary>Legal bases (R18).</summary>
    public static IReadOnlyList<string> Bases { get; } =
        ["consent", "contract", "legal-obligation", "vital-interest", "legitimate-interest", "public-interest"];

    /// <summary>Steps at which something can be prohibited.</summary>
    public static IReadOnlyList<string> Stages { get; } = ["collect", "store", "send"];

    /// <summary>Kinds of purpose.</summary>
    public static IReadOnlyList<string> PurposeKinds { get; } =
        ["operation", "feature", "analytics", "improvement", "legal", "safety", "marketing"];

    /// <summary>The word for <paramref name="basis"/>.</summary>
    public static string Word(this LegalBasis basis) => Bases[(int)basis];

    /// <summary>The word for <paramref name="stage"/>.</summary>
    public static string Word(this Stage stage) => Stages[(int)stage];

    /// <summary>The word for <paramref name="kind"/>.</summary>
    public static string Word(this PurposeKind kind) => PurposeKinds[(int)kind];

    internal static T Parse<T>(IReadOnlyList<string> words, string word, Func<int, T> make)
    {
        for (var i = 0; i < words.Count; i++)
        {
            if (words[i] == word)
            {
                return make(i);
            }
        }

        throw new ArgumentOutOfRangeException(nameof(word), word, "the shape lets only known words through");
    }
}
