using System.Globalization;

namespace FieldAgent.Agent.Status;

/// <summary>Counts with their word. Pure.</summary>
internal static class Plural
{
    /// <summary><c>1 block</c>, <c>2 blocks</c>.</summary>
    public static string Of(long count, string one, string many) => string.Create(CultureInfo.InvariantCulture, $"{count} {(count == 1 ? one : many)}");
}
