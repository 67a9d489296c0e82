using FieldAgent.Core;

namespace FieldAgent.Store.Tests;

/// <summary>Holds everything of some functions.</summary>
internal sealed class FakeHolds(params string[] functions) : IHolds
{
    public HashSet<string> Functions { get; } = [.. functions];

    public bool IsHeld(string function, string field, long atWallNs) => Functions.Contains(function);
}
