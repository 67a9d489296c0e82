namespace FieldAgent.Delivery;

/// <summary>A message id, taken apart: within one pseudonym, generation, item and part tell duplicates. The boot does not
/// count: <paramref name="Item"/> is unique in its generation.</summary>
internal readonly record struct MessageId(string Generation, long Item, int Part);

/// <summary>What every data message says of itself.</summary>
internal readonly record struct DataHead(MessageId Id, long Sequence, int Parts, string Function, bool Backlog);

/// <summary>A batch, read.</summary>
internal readonly record struct BatchRead(DataHead Head, long Readings, long NewestUnixUs);

/// <summary>A picture's manifest, read.</summary>
internal sealed record ManifestRead(
    DataHead Head, string ImageId, string Sensor, long Bytes, string Sha256, int Chunks, int ChunkBytes, string? Request);

/// <summary>A gap, read.</summary>
internal readonly record struct GapRead(MessageId Id, string Function, string Reason, long From, long To, long Blocks, long Readings);

/// <summary>A notice, read; its signature is not checked.</summary>
internal readonly record struct NoticeRead(string Kind, string Type, string Reference, bool Acknowledge);
