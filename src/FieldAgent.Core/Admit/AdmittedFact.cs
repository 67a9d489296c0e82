namespace FieldAgent.Core;

/// <summary>A fact that the gate let through. The only form that can be sent.</summary>
public sealed class AdmittedFact
{
    // Only the gate (FieldAgent.Privacy) sees this: no other code can call a fact admitted.
    internal AdmittedFact(Permit permit, string value)
    {
        Permit = permit;
        Value = value;
    }

    /// <summary>The grounds, with function and field.</summary>
    public Permit Permit { get; }

    /// <summary>The text.</summary>
    public string Value { get; }
}

/// <summary>The gate for facts. Any thread.</summary>
public interface IFactGate
{
    /// <summary>Lets a fact through to each function that may have it. Denials are counted.</summary>
    /// <returns>One for each such function; none when nobody may have it.</returns>
    IReadOnlyList<AdmittedFact> Admit(in RawFact fact);
}
