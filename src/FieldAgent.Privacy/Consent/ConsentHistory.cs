using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>Where one (function, field) stands after all its events.</summary>
/// <param name="Last">The newest event.</param>
/// <param name="Granted">True when the newest event is a grant that can be read.</param>
/// <param name="Precision">How exact, for a place; <see cref="Core.Precision.Exact"/> for all else.</param>
/// <param name="Since">Data admitted under this or a later event is still covered: the oldest grant after the last
/// withdrawal or narrowing. 0 when not granted.</param>
internal readonly record struct ConsentStanding(ConsentEvent Last, bool Granted, Precision Precision, long Since)
{
    /// <summary>The standing after one more event.</summary>
    public static ConsentStanding After(ConsentStanding? before, ConsentEvent next)
    {
        if (next.Action != ConsentAction.Grant || !ConsentScope.TryRead(next.Field, next.Scope, out var precision))
        {
            return new ConsentStanding(next, false, Precision.Cell10km, 0);
        }

        // A narrower grant leaves nothing that was admitted more exactly: it counts as a new beginning.
        var goesOn = before is { Granted: true } old && old.Precision >= precision;
        return new ConsentStanding(next, true, precision, goesOn ? before!.Value.Since : next.Id);
    }
}

/// <summary>Reads the ledger: the newest event of exactly (function, field) decides, whatever else was granted (R3, R9).</summary>
internal static class ConsentHistory
{
    public static Dictionary<(string Function, string Field), ConsentStanding> Fold(IReadOnlyList<ConsentEvent> events)
    {
        var standings = new Dictionary<(string Function, string Field), ConsentStanding>();
        foreach (var next in events)
        {
            var key = (next.Function, next.Field);
            standings[key] = ConsentStanding.After(standings.TryGetValue(key, out var before) ? before : null, next);
        }

        return standings;
    }
}

/// <summary>The scope of a grant: for a place how exact it may be, for all else nothing.</summary>
internal static class ConsentScope
{
    /// <summary>False when the scope cannot be read; such a grant allows nothing.</summary>
    public static bool TryRead(string field, string scope, out Precision precision)
    {
        if (!Vocabulary.IsLocation(field))
        {
            precision = Precision.Exact;
            return scope.Length == 0;
        }

        if (scope.Length == 0)
        {
            precision = PolicyLimits.GrantedLocationDefault;
            return true;
        }

        return PrecisionWords.TryParse(scope, out precision);
    }
}
