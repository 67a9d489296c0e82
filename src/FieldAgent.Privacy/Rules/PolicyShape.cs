using FieldAgent.Core.Configuration;

namespace FieldAgent.Privacy;

/// <summary>The shape of the policy document: one declaration for checking, documentation and JSON Schema.</summary>
internal static class PolicyShape
{
    private const int TextMax = PolicyLimits.TextMax;

    public static readonly Option<string> FieldName = Opt.Text(
        "name", "Dotted name, such as location.position.", required: true, lengthMax: PolicyLimits.FieldNameMax);
    public static readonly Option<string> FieldClass = Opt.Choice(
        "class", "How the field is to be treated.", null, true, "instrument", "personal", "sensitive", "excluded");
    public static readonly Option<string> FieldSummary = Opt.Text(
        "summary", "What it is, one sentence.", required: true, lengthMax: TextMax);
    public static readonly ConfigShape Field = new("An entry of the vocabulary.", FieldName, FieldClass, FieldSummary);

    public static readonly Option<string> FunctionName = Opt.Name("name", "Name of the function.", required: true);
    public static readonly Option<string> FunctionTier = Opt.Choice(
        "tier", "basic: on by contract; extended: off until granted.", null, true, "basic", "extended");
    public static readonly Option<string> FunctionSummary = Opt.Text(
        "summary", "What it does, one sentence.", required: true, lengthMax: TextMax);
    public static readonly ConfigShape Function = new("Something the agent does for someone.", FunctionName, FunctionTier, FunctionSummary);

    public static readonly Option<string> RecipientName = Opt.Name("name", "Name of the recipient.", required: true);
    public static readonly Option<string> Subject = Opt.Text("subject", "Who it is.", required: true, lengthMax: TextMax);
    public static readonly Option<string> Endpoint = Opt.Name(
        "endpoint", "Name of its endpoint in the configuration.", required: true);
    public static readonly Option<string> Agreement = Opt.Text(
        "agreement", "Reference of the agreement with it.", required: true, lengthMax: TextMax);
    public static readonly Option<string> Method = Opt.Text(
        "method", "How it receives the data.", required: true, lengthMax: TextMax);
    public static readonly Option<string> RecipientPurpose = Opt.Text(
        "purpose", "What it uses the data for.", required: true, lengthMax: TextMax);
    public static readonly Option<string> PolicyLink = Opt.Text(
        "policyLink", "Its own privacy policy, an https address.", required: true, lengthMax: TextMax);
    public static readonly Option<string> Region = Opt.Text(
        "region", "ISO 3166 code of where the data goes, such as CN.", required: true, lengthMax: 2);
    public static readonly Option<IReadOnlyList<ConfigNode>> RecipientFields = Opt.RawList(
        "fields", "All the fields it may ever receive.", PolicyLimits.FieldsMax, static () => """{"type":"string"}""", required: true);
    public static readonly ConfigShape Recipient = new(
        "Who may receive data, with all that must be published about it.",
        RecipientName, Subject, Endpoint, Agreement, Method, RecipientPurpose, PolicyLink, Region, RecipientFields);

    public static readonly Option<string> RuleFunction = Opt.Name("function", "A declared function.", required: true);
    public static readonly Option<string> RuleField = Opt.Text(
        "field", "A declared field.", required: true, lengthMax: PolicyLimits.FieldNameMax);
    public static readonly Option<ConfigNode?> Necessary = Opt.Raw(
        "necessary", "true when the function cannot work without the field.", """{"type":"boolean"}""", required: true);
    public static readonly Option<string> RulePurpose = Opt.Text("purpose", "What for.", required: true, lengthMax: TextMax);
    public static readonly Option<string> Basis = Opt.Choice(
        "basis", "Legal basis.", null, true,
        "consent", "contract", "legal-obligation", "vital-interest", "legitimate-interest", "public-interest");
    public static readonly Option<string> Precision = Opt.Choice(
        "precision", "The finest that any grant can allow; coarser than exact only for places.", "exact", false, [.. PrecisionWords.All]);
    public static readonly Option<TimeSpan> Term = Opt.Duration(
        "term", "Retention term; finite.", TimeSpan.FromDays(30), PolicyLimits.TermMin, PolicyLimits.TermMax, required: true);
    public static readonly Option<IReadOnlyList<ConfigNode>> RuleRecipients = Opt.RawList(
        "recipients", "Declared recipients who may receive it; empty: it stays on the board.",
        PolicyLimits.RecipientsMax, static () => """{"type":"string"}""", required: true);
    public static readonly ConfigShape Rule = new(
        "What one function may do with one field.",
        RuleFunction, RuleField, Necessary, RulePurpose, Basis, Precision, Term, RuleRecipients);

    public static readonly Option<string> Version = Opt.Text(
        "version", "Version of the document.", required: true, lengthMax: 40);
    public static readonly Option<string> EffectiveFrom = Opt.Text(
        "effectiveFrom", "First day on which it holds: 2026-01-31.", required: true, lengthMax: 10);
    public static readonly Option<string> Controller = Opt.Text(
        "controller", "Who is responsible.", required: true, lengthMax: TextMax);
    public static readonly Option<string> Jurisdiction = Opt.Text(
        "jurisdiction", "ISO 3166 code of the governing law, such as CN.", required: true, lengthMax: 2);
    public static readonly Option<IReadOnlyList<string>> Contacts = Opt.List(
        "contacts", "Whom to ask.", Opt.Text("contact", "An address.", lengthMax: TextMax), PolicyLimits.ContactsMax, required: true);
    public static readonly Option<IReadOnlyList<ConfigSection>> Fields = Opt.Sections(
        "fields", "The vocabulary.", Field, PolicyLimits.FieldsMax, required: true);
    public static readonly Option<IReadOnlyList<ConfigSection>> Functions = Opt.Sections(
        "functions", "The functions.", Function, PolicyLimits.FunctionsMax, required: true);
    public static readonly Option<IReadOnlyList<ConfigSection>> Recipients = Opt.Sections(
        "recipients", "The recipients.", Recipient, PolicyLimits.RecipientsMax, required: true);
    public static readonly Option<IReadOnlyList<ConfigSection>> Rules = Opt.Sections(
        "rules", "The rules.", Rule, PolicyLimits.RulesMax, required: true);
    public static readonly ConfigShape Document = new(
        "What the agent may do with what data; anything that no rule names is denied.",
        Version, EffectiveFrom, Controller, Jurisdiction, Contacts, Fields, Functions, Recipients, Rules);
}
