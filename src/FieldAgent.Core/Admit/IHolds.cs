namespace FieldAgent.Core;

/// <summary>Says what a legal hold keeps from being erased (R86). A hold permits nothing: what may not be sent is not sent because of it.
/// Pure and cheap; any thread.</summary>
public interface IHolds
{
    /// <summary>True when stored data of (<paramref name="function"/>, <paramref name="field"/>) must not be erased.</summary>
    /// <param name="function">The function.</param>
    /// <param name="field">The field.</param>
    /// <param name="atWallNs">The moment, Unix ns. Pass a trusted time only: while the clock is not trusted nothing is erased whose term is
    /// over, and a hold must not end by a clock that runs ahead.</param>
    bool IsHeld(string function, string field, long atWallNs);
}
