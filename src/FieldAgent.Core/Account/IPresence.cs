namespace FieldAgent.Core;

/// <summary>Proof that somebody stands at the board: a button pressed there (R96). Any thread.</summary>
public interface IPresence
{
    /// <summary>True when the proof was given within the last <paramref name="span"/>; uses it up.</summary>
    bool TryUse(TimeSpan span);
}
