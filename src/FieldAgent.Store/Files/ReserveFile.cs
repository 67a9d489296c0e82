namespace FieldAgent.Store.Files;

/// <summary>Space kept back for the moment the disk is full: without it not even a delete can be written (pitfall 29).</summary>
internal sealed class ReserveFile(string path, long bytes)
{
    /// <summary>Bytes it occupies now.</summary>
    public long Bytes { get; private set; } = StateFolder.Weigh(path);

    /// <summary>True when it is in place.</summary>
    public bool IsHeld => Bytes > 0;

    /// <summary>Bytes it occupies when it is in place; reckoned with always, so that it can come back.</summary>
    public long FullBytes => bytes;

    /// <summary>Takes the space where the disk has room for it; silently not otherwise.</summary>
    /// <param name="freeBytes">Free bytes of the file system.</param>
    /// <param name="keepFree">Bytes that must stay free beside it.</param>
    public void TryHold(long freeBytes, long keepFree)
    {
        if (IsHeld || freeBytes - keepFree < bytes * 2)
        {
            return;
        }

        try
        {
            using var file = StateFolder.Create(path, bytes);
            file.SetLength(bytes);
            Bytes = bytes;
        }
        catch (IOException)
        {
            Release();
        }
    }

    /// <summary>Gives the space back.</summary>
    public bool Release()
    {
        var held = File.Exists(path);
        try
        {
            File.Delete(path);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return false;
        }

        Bytes = 0;
        return held;
    }
}
