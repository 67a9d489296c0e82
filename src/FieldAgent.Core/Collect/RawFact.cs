namespace FieldAgent.Core;

/// <summary>A short text that seldom changes: the board's model, the name of its operating system. As it was read; only the gate looks at it,
/// and it can be neither stored nor sent.</summary>
/// <param name="Field">The vocabulary's field.</param>
/// <param name="Value">The text; at most <see cref="ValueLengthMax"/> characters, without control characters.</param>
public readonly record struct RawFact(string Field, string Value)
{
    /// <summary>Longest text, characters: no model's name comes near, and a crash note has sixteen short lines.</summary>
    public const int ValueLengthMax = 2048;
}

/// <summary>Where facts come from. One thread at a time.</summary>
public interface IFactSource
{
    /// <summary>Fields it may have something of.</summary>
    IReadOnlyList<string> Fields { get; }

    /// <summary>Reads one field; touches nothing that the others need.</summary>
    /// <returns>The text, or null where the board has none.</returns>
    string? Read(string field);
}
