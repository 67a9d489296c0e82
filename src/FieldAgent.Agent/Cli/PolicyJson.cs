using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using FieldAgent.Core.Configuration;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.Cli;

/// <summary>A policy, a difference, promises for programs: one JSON object a line, each with its <c>type</c> where there are several.</summary>
internal static class PolicyJson
{
    // Chinese stays readable; the output is no web page.
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The policy: a line <c>policy</c>, then a line for each right, function, rule and recipient.</summary>
    public static void Write(Policy policy, TextWriter output)
    {
        Line(output, json =>
        {
            json.WriteString("type", "policy");
            json.WriteString("version", policy.Version);
            json.WriteString("hash", policy.Hash);
            json.WriteString("effectiveFrom", policy.EffectiveFrom.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
            json.WriteString("controllerId", policy.ControllerId);
            json.WriteString("controller", policy.Controller);
            json.WriteString("jurisdiction", policy.Jurisdiction);
            Strings(json, "contacts", policy.Contacts);
            Text(json, "notice", policy.Notice);
            Text(json, "changes", policy.Changes);
        });
        foreach (var right in policy.Rights)
        {
            Line(output, json =>
            {
                json.WriteString("type", "right");
                json.WriteString("right", right.Name);
                Text(json, "how", right.How);
            });
        }

        foreach (var function in policy.Functions)
        {
            Line(output, json =>
            {
                json.WriteString("type", "function");
                json.WriteString("function", function.Name);
                json.WriteString("tier", function.Tier.ToString().ToLowerInvariant());
                Text(json, "notice", function.Notice);
            });
        }

        foreach (var rule in policy.Rules)
        {
            Line(output, json => Rule(json, rule));
        }

        foreach (var recipient in policy.Recipients)
        {
            Line(output, json => Recipient(json, recipient));
        }
    }

    /// <summary>A difference: a line for each change, then a line <c>summary</c>.</summary>
    public static void Write(PolicyDifference difference, TextWriter output)
    {
        foreach (var (type, changes) in new[] { ("widens", difference.Widens), ("narrows", difference.Narrows), ("notice", difference.Notices) })
        {
            foreach (var change in changes)
            {
                Line(output, json =>
                {
                    json.WriteString("type", type);
                    json.WriteString("kind", PolicyDiffCommand.Word(change.Kind));
                    json.WriteString("function", change.Function);
                    json.WriteString("field", change.Field);
                    json.WriteString("from", type == "narrows" ? change.Wide : change.Narrow);
                    json.WriteString("to", type == "narrows" ? change.Narrow : change.Wide);
                    json.WriteString("major", PolicyDiffCommand.Word(change.Major));
                });
            }
        }

        Line(output, json =>
        {
            json.WriteString("type", "summary");
            json.WriteNumber("widens", difference.Widens.Count);
            json.WriteNumber("narrows", difference.Narrows.Count);
            Strings(json, "major", difference.Major.Select(PolicyDiffCommand.Word));
            Strings(json, "affected", difference.Affected.Order(StringComparer.Ordinal));
        });
    }

    /// <summary>One promise a line.</summary>
    public static void Write(IReadOnlyList<PolicyPromise> promises, TextWriter output)
    {
        foreach (var promise in promises)
        {
            Line(output, json =>
            {
                json.WriteString("id", promise.Id);
                json.WriteBoolean("inScope", promise.InScope);
                json.WriteString("scope", promise.Scope);
                json.WriteString("promise", promise.What);
                Strings(json, "enforcedBy", promise.EnforcedBy);
                Strings(json, "tests", promise.Tests);
            });
        }
    }

    private static void Rule(Utf8JsonWriter json, PolicyRule rule)
    {
        json.WriteString("type", "rule");
        json.WriteString("function", rule.Function.Name);
        json.WriteString("field", rule.Field.Name);
        json.WriteString("class", rule.Field.Class.ToString().ToLowerInvariant());
        json.WriteBoolean("necessary", rule.Necessary);
        json.WriteString("purpose", rule.Purpose);
        Strings(json, "bases", rule.Bases.Select(static basis => basis.Word()));
        json.WriteString("precision", rule.Precision.Word());
        json.WriteString("term", Opt.Write(rule.Term));
        Strings(json, "recipients", rule.Recipients);
        Strings(json, "regions", rule.Regions);
        json.WriteStartArray("prohibitions");
        foreach (var prohibition in rule.Prohibitions)
        {
            json.WriteStartObject();
            if (prohibition.Stage is { } stage)
            {
                json.WriteString("stage", stage.Word());
            }

            if (prohibition.Recipient is { } recipient)
            {
                json.WriteString("recipient", recipient);
            }

            if (prohibition.Region is { } region)
            {
                json.WriteString("region", region);
            }

            Text(json, "why", prohibition.Why);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void Recipient(Utf8JsonWriter json, PolicyRecipient recipient)
    {
        json.WriteString("type", "recipient");
        json.WriteString("recipient", recipient.Name);
        Text(json, "subject", recipient.Subject);
        json.WriteString("endpoint", recipient.Endpoint);
        json.WriteString("agreement", recipient.Agreement);
        Text(json, "method", recipient.Method);
        Text(json, "purpose", recipient.Purpose);
        json.WriteString("policyLink", recipient.PolicyLink);
        json.WriteString("region", recipient.Region);
        json.WriteString("encoding", recipient.Encoding);
        json.WriteString("transform", recipient.Transform.ToString().ToLowerInvariant());
        Strings(json, "fields", recipient.Fields);
    }

    private static void Text(Utf8JsonWriter json, string name, LocalText text)
    {
        json.WriteStartObject(name);
        foreach (var language in LocalText.Languages)
        {
            json.WriteString(language, text.For(language));
        }

        json.WriteEndObject();
    }

    private static void Strings(Utf8JsonWriter json, string name, IEnumerable<string> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values)
        {
            json.WriteStringValue(value);
        }

        json.WriteEndArray();
    }

    private static void Line(TextWriter output, Action<Utf8JsonWriter> write)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        output.WriteLine(Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length));
    }
}
