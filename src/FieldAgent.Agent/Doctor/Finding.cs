using System.Text.Json.Serialization;

namespace FieldAgent.Agent.Doctor;

/// <summary>What a check says.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Verdict>))]
internal enum Verdict
{
    /// <summary>As it should be.</summary>
    [JsonStringEnumMemberName("ok")]
    Ok,

    /// <summary>Works, and somebody should look at it.</summary>
    [JsonStringEnumMemberName("warn")]
    Warn,

    /// <summary>Does not work.</summary>
    [JsonStringEnumMemberName("fail")]
    Fail,
}

/// <summary>One finding.</summary>
/// <param name="Id">Group and kind, the same for ever: <c>i2c.wrong-chip</c>.</param>
/// <param name="Result">What it means.</param>
/// <param name="Place">The place as a technician names it.</param>
/// <param name="Text">What was found, in one sentence.</param>
/// <param name="Remedy">What to do, in one sentence; empty when nothing is to be done.</param>
internal sealed record Finding(string Id, Verdict Result, string Place, [property: JsonPropertyName("finding")] string Text, string Remedy = "")
{
    /// <summary>All is well there.</summary>
    public static Finding Ok(string id, string place, string text) => new(id, Verdict.Ok, place, text);

    /// <summary>Somebody should look at it.</summary>
    public static Finding Warn(string id, string place, string text, string remedy) => new(id, Verdict.Warn, place, text, remedy);

    /// <summary>It does not work.</summary>
    public static Finding Fail(string id, string place, string text, string remedy) => new(id, Verdict.Fail, place, text, remedy);
}

/// <summary>All findings.</summary>
/// <param name="Version">The agent's version.</param>
/// <param name="Model">What the device tree calls the board.</param>
/// <param name="Healthy">True when nothing fails.</param>
/// <param name="Findings">The findings, group by group.</param>
internal sealed record DoctorReport(string Version, string Model, bool Healthy, IReadOnlyList<Finding> Findings);

/// <summary>A group of findings.</summary>
internal interface ICheck
{
    /// <summary>The first part of its findings' ids.</summary>
    string Group { get; }

    /// <summary>Looks. Changes nothing. May block for seconds.</summary>
    IEnumerable<Finding> Look(DoctorView view);
}

/// <summary>Source-generated JSON.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(DoctorReport))]
internal sealed partial class DoctorJson : JsonSerializerContext;
