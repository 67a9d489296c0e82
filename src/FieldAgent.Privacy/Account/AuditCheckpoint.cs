using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>Signed statements of how far the audit chain reached: <c>{"type":"audit-checkpoint","v":1,"audience":…,"number":…,"hash":…,
/// "time":…,"clock":…}</c>; the board's own also has <c>count</c>, the entries it kept.</summary>
/// <remarks>Two recipients must not learn from them that they know the same board. So each gets the hash keyed for it alone, and the number
/// with an offset of its own, both derived from the key that signs: what a recipient can see is that the number goes up, and that the board
/// can show, entry by entry, what the hash stands for.</remarks>
internal static class AuditCheckpoint
{
    /// <summary>The document's type.</summary>
    public const string Type = "audit-checkpoint";

    /// <summary>Changes of the identity whose keys are still recognised.</summary>
    private const int EpochsMax = 64;

    /// <summary>A checkpoint of <paramref name="head"/> for <paramref name="audience"/>, signed with the key that only it knows.</summary>
    public static byte[] Make(IKeyStore keys, string audience, AuditHead head, Stamp at)
    {
        using var signer = new DeviceSigner(keys, audience);
        var document = new JsonObject
        {
            ["type"] = Type,
            ["v"] = 1,
            ["audience"] = audience,
            ["number"] = head.Last,
            ["hash"] = head.Hash,
            ["time"] = Time(at),
            ["clock"] = at.Quality.ToString().ToLowerInvariant(),
        };
        if (audience == DeviceSigner.Board)
        {
            document["count"] = head.Last - head.First + 1;
        }
        else
        {
            document["number"] = head.Last + Offset(keys, signer.KeyId);
            document["hash"] = Keyed(keys, signer.KeyId, head.Last, head.Hash);
        }

        return SignedDocument.Sign(signer, document);
    }

    /// <summary>Compares a checkpoint with the chain.</summary>
    /// <returns>What it shows, in a technician's words; <paramref name="holds"/> false when it contradicts the chain, or is no checkpoint of
    /// this board.</returns>
    public static string Judge(IKeyStore keys, IAuditChain chain, ReadOnlySpan<byte> utf8, out bool holds)
    {
        holds = false;
        if (SignedDocument.TryVerify(utf8, out var why) is not { } signed)
        {
            return $"the checkpoint does not hold: {why}";
        }

        var document = signed.Document;
        if (signed.Type != Type || Text(document, "audience") is not { } audience || Text(document, "hash") is not { } hash
            || document["number"] is not JsonValue value || !value.TryGetValue<long>(out var number))
        {
            return "it is a signed document, but no checkpoint of an audit";
        }

        if (!IsOurs(keys, audience, signed.KeyId))
        {
            return "the checkpoint was signed by another board, or for another recipient than it says";
        }

        var isOwn = audience == DeviceSigner.Board;
        number -= isOwn ? 0 : Offset(keys, signed.KeyId);
        var head = chain.Head;
        var entry = number.ToString(CultureInfo.InvariantCulture);
        if (number > head.Last)
        {
            return string.Create(CultureInfo.InvariantCulture,
                $"the log was cut off: the checkpoint of {Text(document, "time")} stands at entry {entry}, the log ends at {head.Last}");
        }

        if (chain.HashAt(number) is not { } actual)
        {
            holds = true;
            return $"entry {entry} of the checkpoint was folded since: nothing can be said of it, and the log goes on behind it";
        }

        holds = hash == (isOwn ? actual : Keyed(keys, signed.KeyId, number, actual));
        return holds
            ? $"entry {entry} is as it was at the checkpoint of {Text(document, "time")}"
            : $"entry {entry} or one before it is not what it was at the checkpoint of {Text(document, "time")}: the log was rewritten";
    }

    /// <summary>The stamp in whole seconds: finer would tell two recipients that they know the same board.</summary>
    internal static string Time(Stamp at) =>
        ClockExtensions.ToDate(at.WallUnixNs).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static bool IsOurs(IKeyStore keys, string audience, string keyId)
    {
        for (var epoch = 0; epoch < EpochsMax; epoch++)
        {
            using var signer = new DeviceSigner(keys, audience, epoch);
            if (signer.KeyId == keyId)
            {
                return true;
            }
        }

        return false;
    }

    private static string? Text(JsonObject document, string name) =>
        document[name] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    private static long Offset(IKeyStore keys, string keyId)
    {
        Span<byte> key = stackalloc byte[32];
        keys.DeriveKey("audit-number/" + keyId, key);
        return BinaryPrimitives.ReadUInt32BigEndian(key);
    }

    private static string Keyed(IKeyStore keys, string keyId, long number, string hash)
    {
        Span<byte> key = stackalloc byte[32];
        keys.DeriveKey("audit-hash/" + keyId, key);
        Span<byte> text = stackalloc byte[8 + SHA256.HashSizeInBytes];
        BinaryPrimitives.WriteInt64BigEndian(text, number);
        Convert.FromHexString(hash, text[8..], out _, out _);
        return Convert.ToHexStringLower(HMACSHA256.HashData(key, text));
    }
}
