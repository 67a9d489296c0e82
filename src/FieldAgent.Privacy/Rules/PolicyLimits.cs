namespace FieldAgent.Privacy;

/// <summary>Limits of a policy document, each with its reason.</summary>
public static class PolicyLimits
{
    /// <summary>Fields: the published necessity table has 40 distinct ones; ten times that is ample.</summary>
    public const int FieldsMax = 400;

    /// <summary>Functions: a person must be able to read the list; the published tables have 12.</summary>
    public const int FunctionsMax = 100;

    /// <summary>Rules: the published table has 100 rows; the difference of two policies enumerates all of them.</summary>
    public const int RulesMax = 4_000;

    /// <summary>Recipients: each costs a connection and a courier thread on a small board.</summary>
    public const int RecipientsMax = 16;

    /// <summary>Contacts: shown on one screen.</summary>
    public const int ContactsMax = 8;

    /// <summary>Characters of a text: a paragraph; more is not read before consenting.</summary>
    public const int TextMax = 500;

    /// <summary>Characters of a text that is part of the notice: a page.</summary>
    public const int NoticeMax = 2_000;

    /// <summary>Purposes: each is a line of the notice.</summary>
    public const int PurposesMax = 100;

    /// <summary>Countries of one rule: each is a transfer to be consented to.</summary>
    public const int RegionsMax = 16;

    /// <summary>Prohibitions of one rule: the gate looks at all of them for each decision table that it builds.</summary>
    public const int ProhibitionsMax = 32;

    /// <summary>Characters of a field's name; it appears in topics, tables and commands.</summary>
    public const int FieldNameMax = 64;

    /// <summary>Shortest term: less than the longest flush and a reconnect would lose everything undelivered.</summary>
    public static readonly TimeSpan TermMin = TimeSpan.FromMinutes(5);

    /// <summary>Longest term: ten years, the longest a calibration record is asked for. "Forever" cannot be written (R85).</summary>
    public static readonly TimeSpan TermMax = TimeSpan.FromDays(3650);

    /// <summary>Longest term of anything in the namespace <c>image</c>: originals are deleted after 30 days (R64).</summary>
    public static readonly TimeSpan ImageTermMax = TimeSpan.FromDays(30);

    /// <summary>The finest that a grant of <see cref="Vocabulary.LocationPosition"/> alone allows (R45).</summary>
    public const Core.Precision CoarseLocation = Core.Precision.Cell1km;

    /// <summary>The precision of a location grant that names none: enough to find a site, not a house.</summary>
    public const Core.Precision GrantedLocationDefault = Core.Precision.Cell1km;
}
