namespace FieldAgent.Store.Spooling;

/// <summary>Settling: writing what readers have decided. Each transaction of a flush takes it along; a courier asks for it where none
/// runs.</summary>
internal sealed partial class Spool
{
    /// <summary>Writes what readers have decided, now.</summary>
    internal void Settle()
    {
        lock (_context.WriteLock)
        {
            SettleOutcomes();
        }
    }

    /// <summary>Writes what readers have decided, unless somebody else is writing: a flush takes it along, and a courier that waited for its
    /// end would send nothing meanwhile.</summary>
    internal void SettleUnlessBusy()
    {
        if (_context.WriteLock.TryEnter())
        {
            try
            {
                SettleOutcomes();
            }
            finally
            {
                _context.WriteLock.Exit();
            }
        }
    }

    private void SettleOutcomes()
    {
        CallDue();
        while (HasDue)
        {
            _ = CommitWithRecovery(0, 0);
        }
    }

    private bool HasDue => _readers.Exists(static reader => reader.HasDue);

    private void CallDue()
    {
        foreach (var reader in _readers)
        {
            reader.CallDue();
        }
    }
}
