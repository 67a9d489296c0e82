namespace FieldAgent.Testing;

/// <summary>Says that a test proves a promise of the privacy policies: <c>[Promise("R64")]</c>.</summary>
[AttributeUsage(AttributeTargets.Method | AttributeTargets.Class, AllowMultiple = true)]
public sealed class PromiseAttribute(params string[] ids) : Attribute
{
    public IReadOnlyList<string> Ids { get; } = ids;
}
