using Xunit.Sdk;
using Xunit.v3;

[assembly: TestCollectionOrderer(typeof(FieldAgent.Board.Tests.LongestFirst))]

namespace FieldAgent.Board.Tests;

/// <summary>As many boards run at a time as there are processors: what takes longest begins first, so that nothing runs alone at the end.</summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    private static readonly string[] Long = [nameof(ServiceTests), nameof(DoctorTests), nameof(BusTests), nameof(DeliveryTests), nameof(PowerCutTests)];

    /// <inheritdoc/>
    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection => [.. testCollections.OrderBy(static collection => Rank(collection.TestCollectionDisplayName))];

    private static int Rank(string name) => Array.FindIndex(Long, one => name.Contains($".{one} ", StringComparison.Ordinal)) is >= 0 and var rank ? rank : Long.Length;
}
