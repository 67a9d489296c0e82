using System.Security.Cryptography;

namespace FieldAgent.Delivery;

/// <summary>Counts of pictures.</summary>
internal readonly record struct PhotoCounts(long Complete, long Incomplete, long Corrupt, long GivenUp);

/// <summary>Puts pictures together from manifests and chunks, in whatever order and however often they come. Bounded by
/// <see cref="ConsumerLimits"/>. One thread at a time.</summary>
internal sealed class PhotoAssembly(ConsumerLimits limits)
{
    private readonly Dictionary<(string Device, string ImageId), Photo> _photos = [];
    private readonly LinkedList<(string Device, string ImageId)> _oldest = [];
    private readonly HashSet<(string Device, string ImageId)> _finished = [];
    private readonly Queue<(string Device, string ImageId)> _finishedOrder = new();
    private readonly Dictionary<(string Device, string Function), PhotoCounts> _counts = [];
    private long _bytes;

    /// <summary>Takes a manifest.</summary>
    /// <returns>The picture, when that made it whole.</returns>
    public PhotoArrived? Take(string device, ManifestRead manifest)
    {
        if (manifest.Bytes > limits.PhotoBytesMax)
        {
            throw new ContractViolation("$.image.bytes", "larger than the consumer takes");
        }

        var key = (device, manifest.ImageId);
        if (_finished.Contains(key))
        {
            return null;
        }

        var photo = Find(key, manifest.Head.Function);
        photo.Manifest = manifest;
        // Chunks of another cut, from before the device began anew.
        foreach (var (index, chunk) in photo.Chunks.Where(c => c.Value.Length != LengthOf(manifest, c.Key)).ToList())
        {
            _bytes -= chunk.Length;
            photo.Chunks.Remove(index);
        }

        return FinishWhenWhole(device, key, photo);
    }

    /// <summary>Takes a chunk.</summary>
    /// <returns>The picture, when that made it whole.</returns>
    public PhotoArrived? Take(string device, string function, string imageId, int index, ReadOnlySpan<byte> chunk, out bool duplicate)
    {
        duplicate = false;
        var key = (device, imageId);
        if (_finished.Contains(key))
        {
            duplicate = true;
            return null;
        }

        var photo = Find(key, function);
        if (photo.Manifest is { } manifest && chunk.Length != LengthOf(manifest, index))
        {
            throw new ContractViolation("$", "a chunk of another size than its picture's manifest says");
        }

        if (photo.Chunks.TryGetValue(index, out var before))
        {
            duplicate = before.AsSpan().SequenceEqual(chunk);
            _bytes -= before.Length;
        }

        photo.Chunks[index] = chunk.ToArray();
        _bytes += chunk.Length;
        MakeRoom(key);
        return FinishWhenWhole(device, key, photo);
    }

    /// <summary>The device announced that <paramref name="gap"/> will never arrive: pictures in it are not waited for.</summary>
    public void GiveUp(string device, GapRead gap)
    {
        foreach (var (key, photo) in _photos)
        {
            if (key.Device == device && photo.Function == gap.Function && photo.Manifest is { } manifest
                && manifest.Head.Id.Generation == gap.Id.Generation
                && manifest.Head.Sequence >= gap.From && manifest.Head.Sequence <= gap.To)
            {
                Forget(key, photo);
                Finished(key);
                Count(device, photo.Function, givenUp: 1);
            }
        }
    }

    /// <summary>Functions of <paramref name="device"/> that have pictures.</summary>
    public IEnumerable<string> Functions(string device) =>
        _counts.Keys.Where(k => k.Device == device).Select(k => k.Function)
            .Concat(_photos.Where(p => p.Key.Device == device).Select(p => p.Value.Function));

    /// <summary>Counts of one function.</summary>
    public PhotoCounts Counts(string device, string function)
    {
        var counts = _counts.GetValueOrDefault((device, function));
        return counts with { Incomplete = counts.Incomplete + _photos.Count(p => p.Key.Device == device && p.Value.Function == function) };
    }

    private static int LengthOf(ManifestRead manifest, int index) =>
        index < 0 || index >= manifest.Chunks ? -1 : (int)Math.Min(manifest.ChunkBytes, manifest.Bytes - ((long)index * manifest.ChunkBytes));

    private Photo Find((string Device, string ImageId) key, string function)
    {
        if (!_photos.TryGetValue(key, out var photo))
        {
            _photos[key] = photo = new Photo(function, _oldest.AddLast(key));
        }

        return photo;
    }

    private PhotoArrived? FinishWhenWhole(string device, (string Device, string ImageId) key, Photo photo)
    {
        if (photo.Manifest is not { } manifest || photo.Chunks.Count != manifest.Chunks)
        {
            return null;
        }

        var jpeg = new byte[manifest.Bytes];
        foreach (var (index, chunk) in photo.Chunks)
        {
            chunk.CopyTo(jpeg, (long)index * manifest.ChunkBytes);
        }

        var sound = Convert.ToHexStringLower(SHA256.HashData(jpeg)) == manifest.Sha256;
        Forget(key, photo);
        Finished(key);
        Count(device, photo.Function, complete: sound ? 1 : 0, corrupt: sound ? 0 : 1);
        return new PhotoArrived(device, photo.Function, manifest.ImageId, manifest.Sensor, manifest.Request, sound, jpeg);
    }

    private void MakeRoom((string Device, string ImageId) keep)
    {
        while (_bytes > limits.ChunkBytesMax && _oldest.First is { } oldest && oldest.Value != keep)
        {
            var photo = _photos[oldest.Value];
            var key = oldest.Value;
            Forget(key, photo);
            Count(key.Device, photo.Function, incomplete: 1);
        }
    }

    private void Forget((string Device, string ImageId) key, Photo photo)
    {
        _photos.Remove(key);
        _oldest.Remove(photo.Place);
        foreach (var chunk in photo.Chunks.Values)
        {
            _bytes -= chunk.Length;
        }
    }

    private void Finished((string Device, string ImageId) key)
    {
        _finished.Add(key);
        _finishedOrder.Enqueue(key);
        if (_finishedOrder.Count > limits.FinishedPhotosMax)
        {
            _finished.Remove(_finishedOrder.Dequeue());
        }
    }

    private void Count(string device, string function, long complete = 0, long incomplete = 0, long corrupt = 0, long givenUp = 0)
    {
        var counts = _counts.GetValueOrDefault((device, function));
        _counts[(device, function)] = new PhotoCounts(
            counts.Complete + complete, counts.Incomplete + incomplete, counts.Corrupt + corrupt, counts.GivenUp + givenUp);
    }

    private sealed class Photo(string function, LinkedListNode<(string Device, string ImageId)> place)
    {
        public string Function { get; } = function;

        public LinkedListNode<(string Device, string ImageId)> Place { get; } = place;

        public ManifestRead? Manifest { get; set; }

        public Dictionary<int, byte[]> Chunks { get; } = [];
    }
}
