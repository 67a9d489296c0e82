namespace FieldAgent.Privacy;

/// <summary>What about a rule, or about the policy as a whole, differs.</summary>
public enum PolicyChangeKind
{
    /// <summary>A function that only one of the two has.</summary>
    Function,

    /// <summary>A field that a function may use under only one of the two.</summary>
    Field,

    /// <summary>The purpose.</summary>
    Purpose,

    /// <summary>A legal basis that only one of the two has.</summary>
    Basis,

    /// <summary>On by contract, or off until granted.</summary>
    Consent,

    /// <summary>Whether the function cannot work without the field.</summary>
    Necessity,

    /// <summary>How the field is to be treated.</summary>
    FieldClass,

    /// <summary>The finest precision.</summary>
    Precision,

    /// <summary>The retention term.</summary>
    Term,

    /// <summary>A recipient, or somebody else under its name.</summary>
    Recipient,

    /// <summary>A country the data may be sent to, or whether it counts as abroad.</summary>
    Region,

    /// <summary>What is done to data on the way to a recipient.</summary>
    Transform,

    /// <summary>Something that only one of the two prohibits.</summary>
    Prohibition,

    /// <summary>Who is responsible.</summary>
    Controller,

    /// <summary>How a right is exercised.</summary>
    Right,

    /// <summary>Whom to ask.</summary>
    Contact,

    /// <summary>An impact assessment that found a high risk.</summary>
    HighRisk,
}

/// <summary>The six kinds of major change that the published policy names (R107).</summary>
public enum MajorChange
{
    /// <summary>The service itself: purposes, kinds of data, how they are used.</summary>
    Service,

    /// <summary>Who is responsible.</summary>
    Ownership,

    /// <summary>Whom data are shared with or transferred to.</summary>
    Sharing,

    /// <summary>What the person concerned can decide, and how rights are exercised.</summary>
    Rights,

    /// <summary>Whom to ask and where to complain.</summary>
    Contacts,

    /// <summary>An impact assessment found a high risk.</summary>
    HighRisk,
}

/// <summary>One difference between two policies. It is the same object whichever of the two is the older one.</summary>
/// <param name="Kind">What differs.</param>
/// <param name="Function">The function; empty when the policy as a whole is meant.</param>
/// <param name="Field">The field; empty when the function or the policy as a whole is meant.</param>
/// <param name="Narrow">What the narrower of the two says; empty when it says nothing.</param>
/// <param name="Wide">What the wider of the two says; empty when it says nothing.</param>
/// <param name="Major">Which kind of major change it is.</param>
public sealed record PolicyChange(
    PolicyChangeKind Kind, string Function, string Field, string Narrow, string Wide, MajorChange Major);

/// <summary>How two policies differ.</summary>
/// <param name="Widens">All that the newer one allows and the older one does not, in the newer one's order.</param>
/// <param name="Narrows">All that the older one allows and the newer one does not, in the older one's order.</param>
/// <param name="Notices">Major changes that allow nothing more and nothing less: <see cref="PolicyChange.Narrow"/> is the older text,
/// <see cref="PolicyChange.Wide"/> the newer one.</param>
/// <param name="Affected">Functions that are suspended until consent is given again: those that widen, those of which a new assessment found
/// a high risk, and all when the controller is another (R79).</param>
public sealed record PolicyDifference(
    IReadOnlyList<PolicyChange> Widens,
    IReadOnlyList<PolicyChange> Narrows,
    IReadOnlyList<PolicyChange> Notices,
    IReadOnlySet<string> Affected)
{
    /// <summary>True when neither allows what the other does not, and nothing of note differs.</summary>
    public bool IsEmpty => Widens.Count == 0 && Narrows.Count == 0 && Notices.Count == 0;

    /// <summary>The kinds of major change, each once, in the published policy's order (R107).</summary>
    public IReadOnlyList<MajorChange> Major { get; } =
        [.. Widens.Concat(Narrows).Concat(Notices).Select(static change => change.Major).Distinct().Order()];
}
