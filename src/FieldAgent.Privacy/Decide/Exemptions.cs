using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>The exemptions from consent (R16): a closed list, each with the legal basis that the permit then names.</summary>
public static class Exemptions
{
    /// <summary>The legal basis of an exemption; null when <paramref name="reason"/> is not in the closed list, and exempts nothing.</summary>
    public static LegalBasis? BasisOf(string reason) => reason switch
    {
        "public-interest" => LegalBasis.PublicInterest,
        "vital-interest" => LegalBasis.VitalInterest,
        "contract-request" => LegalBasis.Contract,
        "self-disclosed" or "public-source" or "service-safety" => LegalBasis.LegitimateInterest,
        "other-law" => LegalBasis.LegalObligation,
        _ => null,
    };

    /// <summary>True when <paramref name="field"/> can be exempted at all. A crash report cannot: it needs a consent in any case (R112).</summary>
    public static bool Covers(string field) => field != LedgerScope.Everything && !field.StartsWith("diagnostics.crash", StringComparison.Ordinal);
}
