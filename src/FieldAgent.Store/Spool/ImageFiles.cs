using FieldAgent.Core;
using FieldAgent.Store.Files;
using FieldAgent.Store.Keys;

namespace FieldAgent.Store.Spooling;

/// <summary>The files of pictures beside the database: whole or not there, and marked as what they are sealed under. The write lock is held.</summary>
internal sealed class ImageFiles(StoreContext context)
{
    private readonly byte[] _buffer = new byte[RandomAccessSeal.ChunkBytes + Sealed.TagBytes];

    /// <summary>Writes a picture, sealed, so that it is on the disk as a whole or not at all.</summary>
    /// <exception cref="StoreFault">It is not there.</exception>
    public void Write(string name, ReadOnlySpan<byte> jpeg, byte[] key, ulong mark)
    {
        var path = context.Folder.Image(name);
        var temporary = path + ".new";
        try
        {
            using (var file = StateFolder.Create(temporary))
            {
                RandomAccessSeal.Write(file, jpeg, key, mark, _buffer);
                file.Flush(flushToDisk: true);
            }

            File.Move(temporary, path);
            Posix.SyncFolder(context.Folder.Images);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            Remove(temporary);
            throw Faults.From(fault, Place);
        }
    }

    /// <summary>Marks the file anew where the day, or the run of the database, changed between it and its row.</summary>
    /// <exception cref="StoreFault">It is not marked.</exception>
    public void Mark(ReadyImage image, DataKey key)
    {
        if (image.Mark == key.Mark)
        {
            return;
        }

        try
        {
            using var file = new FileStream(context.Folder.Image(image.Name), FileMode.Open, FileAccess.Write, FileShare.ReadWrite, 0);
            RandomAccessSeal.MarkAnew(file, key.Mark);
            image.Mark = key.Mark;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw Faults.From(fault, Place);
        }
    }

    /// <summary>Deletes a picture. One that cannot be deleted is said, and swept at the next start.</summary>
    public void Delete(string name) => Remove(context.Folder.Image(name));

    /// <summary>Deletes a file among the pictures, as <see cref="Delete"/>.</summary>
    public void Remove(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            StoreLog.NotDeleted(context.Logger, path, fault.Message);
        }
    }

    private string Place => $"pictures in {context.Folder.Images}";
}
