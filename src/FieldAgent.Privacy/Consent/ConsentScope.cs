using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>The scope of a grant: for a place how exact it may be, for all else nothing.</summary>
internal static class ConsentScope
{
    /// <summary>Whether a grant of <paramref name="field"/> can say how exact.</summary>
    public static bool HasPrecision(string field) => Vocabulary.IsLocation(field) || field == Vocabulary.LocationPrecise;

    /// <summary>How exact a grant of <paramref name="field"/> is that does not say so.</summary>
    public static Precision Default(string field) =>
        field == Vocabulary.LocationPrecise ? Precision.Cell100m
        : HasPrecision(field) ? PolicyLimits.GrantedLocationDefault
        : Precision.Exact;

    /// <summary>The field whose consent a consent for <paramref name="name"/> adds to, and ends with; null when it stands alone.</summary>
    public static string? BaseOf(string name) =>
        name is Vocabulary.LocationPrecise or Vocabulary.LocationBackground ? Vocabulary.LocationPosition
        : CrossBorder.TryRead(name, out var field, out _) ? field
        : null;

    /// <summary>False when the scope cannot be read; such a grant allows nothing.</summary>
    public static bool TryRead(string field, string scope, out Precision precision)
    {
        precision = Default(field);
        return scope.Length == 0 || (HasPrecision(field) && PrecisionWords.TryParse(scope, out precision));
    }
}

/// <summary>The consent to send a field over a border, beside the one to use it (R84): an event of its own, for the field's name with the
/// country behind it, such as <c>location.position@DE</c>.</summary>
public static class CrossBorder
{
    private const char Sign = '@';

    /// <summary>The name under which sending <paramref name="field"/> to <paramref name="region"/> (ISO 3166) is granted and withdrawn.</summary>
    public static string Name(string field, string region) => field + Sign + region;

    /// <summary>True when <paramref name="name"/> is the consent to send <paramref name="field"/> to some other country.</summary>
    public static bool IsOf(string name, string field) =>
        name.Length > field.Length && name[field.Length] == Sign && name.StartsWith(field, StringComparison.Ordinal);

    /// <summary>Takes a name apart; false when it is an ordinary field's.</summary>
    public static bool TryRead(string name, out string field, out string region)
    {
        var at = name.IndexOf(Sign, StringComparison.Ordinal);
        (field, region) = at > 0 ? (name[..at], name[(at + 1)..]) : (name, "");
        return at > 0;
    }
}
