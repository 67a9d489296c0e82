using System.Globalization;
using System.Text.Json;
using FieldAgent.Core;
using static FieldAgent.Delivery.ContractJson;

namespace FieldAgent.Delivery;

/// <summary>Reads messages as the contract's schemas demand, and names the place where one does not. Pure but for
/// <paramref name="strict"/>: whether members that the contract does not know are errors.</summary>
internal sealed class ContractReader(bool strict)
{
    private static readonly string[] BatchMembers =
        ["v", "id", "seq", "part", "parts", "function", "purposes", "policy", "consent", "clock", "backlog", "sets"];

    private static readonly string[] ManifestMembers =
        ["v", "id", "seq", "function", "purposes", "policy", "consent", "clock", "backlog", "image"];

    private static readonly string[] ImageMembers = ["id", "sensor", "captured", "bytes", "sha256", "chunks", "chunkBytes", "request", "parent"];
    private static readonly string[] SetMembers = ["set", "t0", "dt", "r", "s", "o"];
    private static readonly string[] GapMembers = ["v", "id", "function", "reason", "from", "to", "blocks", "readings"];
    private static readonly string[] NoticeMembers = ["v", "reference", "kind", "acknowledge", "document"];
    private static readonly string[] SignedMembers = ["document", "signature"];
    private static readonly string[] SignatureMembers = ["alg", "keyId", "publicKey", "value"];
    private static readonly string[] AnonymousMembers =
    [
        "v", "id", "function", "purposes", "policy", "from", "to", "field", "stream", "unit", "count", "min", "mean", "max", "p05", "p50", "p95",
    ];

    private static readonly string[] StateMembers = ["v", "online", "reason", "agent", "clock", "at", "streams"];

    /// <summary>True when the message on a data topic is a picture's manifest.</summary>
    public static bool IsManifest(JsonElement root) => root.TryGetProperty("image"u8, out _);

    /// <summary>Reads a batch that came on a topic of <paramref name="pseudonym"/>.</summary>
    public BatchRead ReadBatch(JsonElement root, string pseudonym)
    {
        var head = ReadHead(root, pseudonym, BatchMembers);
        var sets = Member(root, "$", "sets", JsonValueKind.Array);
        Require(sets.GetArrayLength() > 0, "$.sets", "empty");
        var readings = 0L;
        var newest = long.MinValue;
        var i = 0;
        foreach (var set in sets.EnumerateArray())
        {
            var place = string.Create(CultureInfo.InvariantCulture, $"$.sets[{i++}]");
            Require(set.ValueKind == JsonValueKind.Object, place, "not an object");
            readings += ReadSet(set, place, out var last);
            newest = Math.Max(newest, last);
        }

        return new BatchRead(head, readings, newest);
    }

    /// <summary>Reads a picture's manifest that came on a topic of <paramref name="pseudonym"/>.</summary>
    public ManifestRead ReadManifest(JsonElement root, string pseudonym)
    {
        var head = ReadHead(root, pseudonym, ManifestMembers);
        var image = Member(root, "$", "image", JsonValueKind.Object);
        Known(image, "$.image", ImageMembers);
        var id = Text(image, "$.image", "id", 32);
        Require(IsHex(id, 32), "$.image.id", "not 32 hexadecimal digits");
        var sha256 = Text(image, "$.image", "sha256", 64);
        Require(IsHex(sha256, 64), "$.image.sha256", "not 64 hexadecimal digits");
        var bytes = Integer(image, "$.image", "bytes", 0);
        var chunkBytes = Integer(image, "$.image", "chunkBytes", 1, 131_072);
        var chunks = Integer(image, "$.image", "chunks", 0, int.MaxValue);
        Require(chunks == (bytes + chunkBytes - 1) / chunkBytes, "$.image.chunks", "not bytes / chunkBytes, rounded up");
        Integer(image, "$.image", "captured");
        if (image.TryGetProperty("parent"u8, out _))
        {
            Require(IsHex(Text(image, "$.image", "parent", 32), 32), "$.image.parent", "not 32 hexadecimal digits");
        }

        var request = image.TryGetProperty("request"u8, out _) ? Text(image, "$.image", "request", 64) : null;
        return new ManifestRead(head, id, Text(image, "$.image", "sensor", 64), bytes, sha256, (int)chunks, (int)chunkBytes, request);
    }

    /// <summary>Reads a gap that came on a topic of <paramref name="pseudonym"/>.</summary>
    public GapRead ReadGap(JsonElement root, string pseudonym)
    {
        Known(root, "$", GapMembers);
        Version(root);
        var reason = Text(root, "$", "reason", 64);
        Require(ContractWords.IsGapReason(reason), "$.reason", "not a reason of the contract");
        return new GapRead(
            Id(root, pseudonym), Text(root, "$", "function", 64), reason, Integer(root, "$", "from", 0), Integer(root, "$", "to", 0),
            Integer(root, "$", "blocks", 0), Integer(root, "$", "readings", 0));
    }

    /// <summary>Reads a notice that came on the topic of <paramref name="kind"/>.</summary>
    public NoticeRead ReadNotice(JsonElement root, string kind)
    {
        Known(root, "$", NoticeMembers);
        Version(root);
        Require(Text(root, "$", "kind", 16) == kind, "$.kind", "not the topic's");
        var reference = Text(root, "$", "reference", Notice.ReferenceLength);
        Require(IsReference(reference), "$.reference", "not 26 characters of a-z and 2-7");
        var acknowledge = Member(root, "$", "acknowledge").ValueKind;
        Require(acknowledge is JsonValueKind.True or JsonValueKind.False, "$.acknowledge", "not true or false");
        var signed = Member(root, "$", "document", JsonValueKind.Object);
        Known(signed, "$.document", SignedMembers);
        var type = Text(Member(signed, "$.document", "document", JsonValueKind.Object), "$.document.document", "type", 64);
        var signature = Member(signed, "$.document", "signature", JsonValueKind.Object);
        Known(signature, "$.document.signature", SignatureMembers);
        foreach (var name in SignatureMembers)
        {
            Text(signature, "$.document.signature", name, 512);
        }

        return new NoticeRead(kind, type, reference, acknowledge == JsonValueKind.True);
    }

    /// <summary>Reads a state.</summary>
    /// <returns>True when online.</returns>
    public bool ReadState(JsonElement root)
    {
        Known(root, "$", StateMembers);
        Version(root);
        Text(root, "$", "agent", 64);
        Clock(root);
        Integer(root, "$", "at");
        Member(root, "$", "streams", JsonValueKind.Object);
        var online = Member(root, "$", "online");
        Require(online.ValueKind is JsonValueKind.True or JsonValueKind.False, "$.online", "not true or false");
        var isOnline = online.ValueKind == JsonValueKind.True;
        Require(root.TryGetProperty("reason"u8, out _) != isOnline, "$.reason", "stands exactly when offline");
        return isOnline;
    }

    /// <summary>Reads an anonymous window.</summary>
    public AnonymousArrived ReadAnonymous(JsonElement root)
    {
        Known(root, "$", AnonymousMembers);
        Version(root);
        var id = Text(root, "$", "id", 26);
        Require(id.Length == 26, "$.id", "not 26 characters");
        Require(Member(root, "$", "purposes", JsonValueKind.Array).GetArrayLength() > 0, "$.purposes", "empty");
        Text(root, "$", "policy", 64);
        var from = Integer(root, "$", "from");
        Require(Integer(root, "$", "to") - from is var length and >= 3600 && from % length == 0, "$.from", "no whole window of an hour or more");
        foreach (var name in (ReadOnlySpan<string>)["min", "mean", "max", "p05", "p50", "p95"])
        {
            Member(root, "$", name, JsonValueKind.Number);
        }

        return new AnonymousArrived(
            id, Text(root, "$", "function", 64), Text(root, "$", "field", 64), Text(root, "$", "stream", 64), Text(root, "$", "unit", 64), from,
            Integer(root, "$", "count", 1));
    }

    private DataHead ReadHead(JsonElement root, string pseudonym, string[] members)
    {
        Known(root, "$", members);
        Version(root);
        var id = Id(root, pseudonym);
        var purposes = Member(root, "$", "purposes", JsonValueKind.Array);
        Require(purposes.GetArrayLength() > 0, "$.purposes", "empty");
        foreach (var purpose in purposes.EnumerateArray())
        {
            Require(purpose.ValueKind == JsonValueKind.String, "$.purposes", "not texts");
        }

        Text(root, "$", "policy", 64);
        Clock(root);
        if (root.TryGetProperty("consent"u8, out _))
        {
            Integer(root, "$", "consent", 1);
        }

        var backlog = root.TryGetProperty("backlog"u8, out var value);
        Require(!backlog || value.ValueKind == JsonValueKind.True, "$.backlog", "is true or absent");
        var parts = 1L;
        if (root.TryGetProperty("parts"u8, out _))
        {
            parts = Integer(root, "$", "parts", 2, 100_000);
            Require(Integer(root, "$", "part", 0, parts - 1) == id.Part, "$.part", "not the id's");
        }

        Require(parts > 1 == id.Part >= 0, "$.id", "has a part, or none, against $.parts");
        return new DataHead(id, Integer(root, "$", "seq", 0), (int)parts, Text(root, "$", "function", 64), backlog);
    }

    private long ReadSet(JsonElement set, string place, out long newest)
    {
        Known(set, place, SetMembers);
        Text(set, place, "set", 64);
        var t0 = Integer(set, place, "t0");
        var dt = Integer(set, place, "dt", 0);
        var rows = -1;
        var readings = 0L;
        newest = t0;
        var lastResidual = 0L;
        if (set.TryGetProperty("r"u8, out var residuals))
        {
            Require(residuals.ValueKind == JsonValueKind.Array && residuals.GetArrayLength() > 0, place + ".r", "not a list");
            rows = residuals.GetArrayLength();
            foreach (var residual in residuals.EnumerateArray())
            {
                Require(residual.ValueKind == JsonValueKind.Number && residual.TryGetInt64(out lastResidual), place + ".r", "not whole numbers");
            }
        }

        var has = false;
        if (set.TryGetProperty("s"u8, out var values))
        {
            has = true;
            Require(values.ValueKind == JsonValueKind.Object, place + ".s", "not an object");
            foreach (var column in values.EnumerateObject())
            {
                readings += ReadValues(column, place + ".s", ref rows);
            }
        }

        if (set.TryGetProperty("o"u8, out var steps))
        {
            has = true;
            Require(steps.ValueKind == JsonValueKind.Object, place + ".o", "not an object");
            foreach (var column in steps.EnumerateObject())
            {
                readings += ReadSteps(column, place + ".o", ref rows);
            }
        }

        Require(has && rows > 0, place, "has neither s nor o");
        newest = t0 + ((rows - 1) * dt) + lastResidual;
        return readings;
    }

    private static long ReadValues(JsonProperty column, string place, ref int rows)
    {
        Rows(column, place, 0, ref rows);
        var readings = 0L;
        foreach (var value in column.Value.EnumerateArray())
        {
            switch (value.ValueKind)
            {
                case JsonValueKind.Number:
                    readings++;
                    break;
                case JsonValueKind.Null:
                    break;
                case JsonValueKind.String when value.ValueEquals("NaN"u8) || value.ValueEquals("Infinity"u8) || value.ValueEquals("-Infinity"u8):
                    readings++;
                    break;
                default:
                    throw new ContractViolation($"{place}.{column.Name}", "a value is no number, null, \"NaN\", \"Infinity\" or \"-Infinity\"");
            }
        }

        return readings;
    }

    private static long ReadSteps(JsonProperty column, string place, ref int rows)
    {
        Rows(column, place, 2, ref rows);
        var i = 0;
        foreach (var value in column.Value.EnumerateArray())
        {
            if (value.ValueKind != JsonValueKind.Number || !(i++ == 0 ? IsStep(value) : value.TryGetInt64(out _)))
            {
                throw new ContractViolation($"{place}.{column.Name}", "not decimals (0 to 15) or a broken scale, base and whole steps");
            }
        }

        return rows;
    }

    // A whole number counts decimals, any other is the scale.
    private static bool IsStep(JsonElement value) => value.TryGetInt64(out var decimals)
        ? decimals is >= 0 and <= 15
        : value.TryGetDouble(out var scale) && NumberWriter.IsMultiplier(scale);

    private static void Rows(JsonProperty column, string place, int head, ref int rows)
    {
        Require(column.Value.ValueKind == JsonValueKind.Array, $"{place}.{column.Name}", "not a list");
        var length = column.Value.GetArrayLength() - head;
        rows = rows < 0 ? length : rows;
        Require(length == rows && length > 0, $"{place}.{column.Name}", "has another number of rows than the set");
    }

    private void Known(JsonElement element, string place, string[] members)
    {
        if (!strict)
        {
            return;
        }

        foreach (var member in element.EnumerateObject())
        {
            var known = false;
            foreach (var name in members)
            {
                known |= member.NameEquals(name);
            }

            Require(known, place, "has a member that the contract does not know");
        }
    }

    private static MessageId Id(JsonElement root, string pseudonym)
    {
        var text = Text(root, "$", "id", 128).AsSpan();
        // The pseudonym first: it may hold dots itself.
        Require(
            text.StartsWith(pseudonym, StringComparison.Ordinal) && text.Length > pseudonym.Length && text[pseudonym.Length] == '.',
            "$.id", "does not begin with the topic's pseudonym");
        var rest = text[(pseudonym.Length + 1)..];
        Span<Range> parts = stackalloc Range[5];
        var count = rest.Split(parts, '.');
        var item = 0L;
        var part = -1;
        Require(
            count is 3 or 4
            && IsHex(rest[parts[0]], MessageIds.GenerationDigits)
            && IsHex(rest[parts[1]], MessageIds.BootDigits)
            && long.TryParse(rest[parts[2]], NumberStyles.None, CultureInfo.InvariantCulture, out item)
            && (count == 3 || int.TryParse(rest[parts[3]], NumberStyles.None, CultureInfo.InvariantCulture, out part)),
            "$.id", "not {pseudonym}.{8 hexadecimal digits}.{4 hexadecimal digits}.{number}, with .{part} for a part");
        return new MessageId(rest[parts[0]].ToString(), item, part);
    }

    private static void Version(JsonElement root) => Integer(root, "$", "v", ContractWords.Version, ContractWords.Version);

    private static void Clock(JsonElement root) =>
        Require(ContractWords.IsClock(Text(root, "$", "clock", 16)), "$.clock", "not gnss, ntp, rtc or unsynced");

    private static bool IsReference(string text) =>
        text.Length == Notice.ReferenceLength && text.All(static c => c is (>= 'a' and <= 'z') or (>= '2' and <= '7'));
}
