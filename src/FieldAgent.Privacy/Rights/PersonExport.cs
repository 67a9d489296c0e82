using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>What goes into an export.</summary>
public sealed record ExportSources
{
    /// <summary>All that is held.</summary>
    public required ISpoolView Held { get; init; }

    /// <summary>The policy in force.</summary>
    public required Policy Policy { get; init; }

    /// <summary>The ledger of consents.</summary>
    public required IReadOnlyList<ConsentEvent> Consents { get; init; }

    /// <summary>What was delivered to whom.</summary>
    public required IReadOnlyList<DeliveryRecord> Deliveries { get; init; }

    /// <summary>What recipients may have without having acknowledged it.</summary>
    public required IReadOnlyList<PossibleDelivery> Possible { get; init; }

    /// <summary>Documents of facts that wait to be sent.</summary>
    public IReadOnlyList<Notice> Facts { get; init; } = [];

    /// <summary>Requests with their answers, refusals among them (R98).</summary>
    public required IReadOnlyList<SubjectRequest> Requests { get; init; }

    /// <summary>Corrections.</summary>
    public required IReadOnlyList<Correction> Corrections { get; init; }

    /// <summary>The audit, oldest first; read as it is written.</summary>
    public required IEnumerable<AuditRecord> Audit { get; init; }

    /// <summary>Signs the manifest: the board's own key.</summary>
    public required IDeviceSigner Signer { get; init; }

    /// <summary>Time of the export.</summary>
    public required Stamp At { get; init; }

    /// <summary>Version of the agent.</summary>
    public required string AgentVersion { get; init; }
}

/// <summary>What an export holds.</summary>
/// <param name="Files">Files in it.</param>
/// <param name="Readings">Readings.</param>
/// <param name="Photographs">Photographs.</param>
/// <param name="Redactions">Things left out, each with its reason.</param>
public sealed record ExportSummary(int Files, long Readings, int Photographs, int Redactions);

/// <summary>Writes all that the board holds as an archive that people and programs can read and check (R68, R93). Memory is bounded however much
/// there is. One thread.</summary>
public static class PersonExport
{
    /// <summary>Type of the signed manifest.</summary>
    public const string ManifestType = "export-manifest";

    /// <summary>Name of the manifest's file; the last one in the archive.</summary>
    public const string ManifestFile = "manifest.json";

    private const int ImageChunkBytes = 64 << 10;
    private const int PieceBytes = 2 << 20;

    /// <summary>Writes the export into <paramref name="to"/> as a tar archive. Blocks as long as the stream takes.</summary>
    /// <exception cref="StoreFault">The store does not answer; what was written is no export.</exception>
    /// <exception cref="IOException">The stream refuses.</exception>
    public static ExportSummary Write(Stream to, ExportSources sources)
    {
        using var archive = new ExportArchive(to, sources.At.WallUnixNs);
        archive.Add("README.txt", Encoding.UTF8.GetBytes(ReadMe(sources)));
        var redactions = new Dictionary<(string Function, string Field, string Kind, string Reason), long>();
        var versions = new SortedSet<string>(StringComparer.Ordinal) { sources.Policy.Version };
        var (readings, photographs) = WriteHeld(archive, sources, redactions, versions);
        WriteLines(archive, "facts.jsonl", sources.Facts.SelectMany(Facts), static line => line);
        WriteLines(archive, "consents.jsonl", sources.Consents, Consent);
        WriteLines(archive, "deliveries.jsonl", sources.Deliveries, DeliveryText.Json);
        WriteLines(archive, "possible-deliveries.jsonl", sources.Possible, DeliveryText.Json);
        WriteLines(archive, "recipients.jsonl", sources.Policy.Recipients, Recipient);
        WriteLines(archive, "requests.jsonl", sources.Requests, Request);
        WriteLines(archive, "corrections.jsonl", sources.Corrections, Correct);
        WriteLines(archive, "audit.jsonl", sources.Audit, Audit);
        WriteLines(archive, "redactions.jsonl", Redactions(redactions), static line => line);
        var summary = new ExportSummary(archive.Files.Count + 1, readings, photographs, redactions.Count + Fixed.Length);
        archive.Add(ManifestFile, SignedDocument.Sign(sources.Signer, Manifest(sources, archive.Files, summary, versions)));
        archive.Finish();
        return summary;
    }

    // What no export ever holds.
    private static readonly (string What, string Reason)[] Fixed =
    [
        ("keys of the board", "secret: they would open and sign everything in the board's name"),
        ("ids of boots and of the store", "identifiers of the board that never leave it"),
    ];

    private static (long Readings, int Photographs) WriteHeld(
        ExportArchive archive, ExportSources sources, Dictionary<(string, string, string, string), long> redactions, SortedSet<string> versions)
    {
        var readings = new ExportReadings(archive);
        var described = new List<JsonObject>();
        var item = new SpoolItem();
        while (sources.Held.TryRead(item, out var held))
        {
            if (item.Kind == SpoolItemKind.Gap)
            {
                continue;
            }

            versions.Add(item.PolicyVersion);
            if (held.Unreadable.Length > 0)
            {
                var key = (item.Function, item.Field, item.Kind.ToString().ToLowerInvariant(), held.Unreadable);
                redactions[key] = redactions.GetValueOrDefault(key) + 1;
            }
            else if (item.Image is { } image)
            {
                WriteImage(archive, sources.Held, image);
                described.Add(Photograph(item, held, image));
            }
            else
            {
                readings.Add(item, held);
            }
        }

        readings.Finish();
        WriteLines(archive, "photographs.jsonl", described, static line => line);
        return (readings.Count, described.Count);
    }

    private static void WriteImage(ExportArchive archive, ISpoolView held, SpoolImage image)
    {
        archive.Begin($"photographs/{image.ImageId}.jpg", image.Bytes);
        var buffer = ArrayPool<byte>.Shared.Rent(ImageChunkBytes);
        try
        {
            for (long offset = 0; offset < image.Bytes;)
            {
                var count = held.ReadImage(image, offset, buffer.AsSpan(0, (int)Math.Min(ImageChunkBytes, image.Bytes - offset)));
                if (count == 0)
                {
                    break;
                }

                archive.Append(buffer.AsSpan(0, count));
                offset += count;
            }
        }
        catch (StoreFault fault) when (fault.Kind == StoreFaultKind.Corrupt)
        {
            // its size and hash in photographs.jsonl say that the rest is missing
        }
        finally
        {
            Array.Clear(buffer);
            ArrayPool<byte>.Shared.Return(buffer);
        }

        archive.End();
    }

    private static void WriteLines<T>(ExportArchive archive, string path, IEnumerable<T> all, Func<T, JsonObject> line)
    {
        var text = new ArrayBufferWriter<byte>();
        var pieces = 0;
        foreach (var one in all)
        {
            using (var writer = new Utf8JsonWriter(text))
            {
                line(one).WriteTo(writer);
            }

            text.Write("\n"u8);
            if (text.WrittenCount >= PieceBytes)
            {
                archive.Add(Piece(), text.WrittenSpan);
                text.Clear();
            }
        }

        archive.Add(Piece(), text.WrittenSpan);

        string Piece() => pieces++ == 0 ? path : string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileNameWithoutExtension(path)}-{pieces}.jsonl");
    }

    private static JsonObject Photograph(SpoolItem item, HeldItem held, SpoolImage image) => new()
    {
        ["file"] = $"photographs/{image.ImageId}.jpg",
        ["bytes"] = image.Bytes,
        ["sha256"] = image.Sha256,
        ["taken"] = ExportText.Time(held.ReadingWallUnixNs),
        ["madeFrom"] = image.ParentId is { } parent ? $"photographs/{parent}.jpg" : null,
        ["sensor"] = image.Sensor,
        ["function"] = item.Function,
        ["consent"] = item.ConsentId,
        ["policyVersion"] = item.PolicyVersion,
        ["deleteBy"] = ExportText.Time(held.ReadingWallUnixNs + held.Term.ToNs()),
    };

    private static IEnumerable<JsonObject> Facts(Notice notice)
    {
        var facts = JsonNode.Parse(notice.Json.Span)?["document"]?["facts"] as JsonObject;
        return notice.Holds.Select(one => new JsonObject
        {
            ["function"] = one.Function,
            ["field"] = one.Field,
            ["value"] = facts?[one.Field]?.DeepClone(),
            ["at"] = ExportText.Time(one.AtWallUnixNs),
            ["waitsFor"] = notice.Recipient,
            ["consent"] = one.ConsentId,
            ["policyVersion"] = one.PolicyVersion,
        });
    }

    private static JsonObject Consent(ConsentEvent e) => new()
    {
        ["event"] = e.Id,
        ["action"] = e.Action.ToString().ToLowerInvariant(),
        ["function"] = e.Function,
        ["field"] = e.Field,
        ["scope"] = e.Scope,
        ["role"] = e.Role,
        ["method"] = e.Method,
        ["policyVersion"] = e.PolicyVersion,
        ["policyHash"] = e.PolicyHash,
        ["noticeHash"] = e.NoticeHash,
        ["language"] = e.Language,
        ["controller"] = e.ControllerId,
        ["reason"] = e.Reason,
        ["reference"] = e.Reference,
        ["at"] = ExportText.Time(e.At.WallUnixNs),
        ["clock"] = e.At.Quality.ToString().ToLowerInvariant(),
    };

    private static JsonObject Recipient(PolicyRecipient r) => new()
    {
        ["name"] = r.Name,
        ["subject"] = r.Subject.En,
        ["agreement"] = r.Agreement,
        ["method"] = r.Method.En,
        ["purpose"] = r.Purpose.En,
        ["policyLink"] = r.PolicyLink,
        ["region"] = r.Region,
        ["fields"] = new JsonArray([.. r.Fields.Select(static field => (JsonNode)field)]),
    };

    private static JsonObject Request(SubjectRequest r) => new()
    {
        ["request"] = r.Id,
        ["reference"] = r.Reference,
        ["kind"] = r.Kind.Word(),
        ["state"] = r.State.Word(),
        ["function"] = r.Function,
        ["field"] = r.Field,
        ["text"] = r.Text,
        ["channel"] = r.Channel,
        ["received"] = ExportText.Time(r.ReceivedAt.WallUnixNs),
        ["verifiedBy"] = r.Verification,
        ["verified"] = r.Verification.Length > 0 ? ExportText.Time(r.VerifiedAt.WallUnixNs) : null,
        ["answered"] = r.State is RequestState.Done or RequestState.Refused ? ExportText.Time(r.AnsweredAt.WallUnixNs) : null,
        ["ground"] = r.Ground,
        ["groundMeans"] = r.Ground.Length > 0 && ClosedLists.RefusalGrounds.Contains(r.Ground) ? ClosedLists.RefusalGrounds.Meaning(r.Ground) : null,
        ["answer"] = r.Answer,
    };

    private static JsonObject Correct(Correction c) => new()
    {
        ["correction"] = c.Id,
        ["reference"] = c.Reference,
        ["function"] = c.Function,
        ["field"] = c.Field,
        ["from"] = c.FromWallUnixNs == long.MinValue ? null : ExportText.Time(c.FromWallUnixNs),
        ["to"] = c.ToWallUnixNs == long.MaxValue ? null : ExportText.Time(c.ToWallUnixNs),
        ["statement"] = c.Statement,
        ["at"] = ExportText.Time(c.At.WallUnixNs),
    };

    private static JsonObject Audit(AuditRecord record) => new()
    {
        ["entry"] = record.Number,
        ["at"] = ExportText.Time(record.At.WallUnixNs),
        ["kind"] = record.Entry?.Kind.ToString().ToLowerInvariant(),
        ["what"] = record.Entry?.What,
        ["function"] = record.Entry?.Function,
        ["field"] = record.Entry?.Field,
        ["detail"] = record.Entry?.Detail,
        ["actor"] = record.Entry?.Actor,
        ["hash"] = record.Hash,
    };

    private static IEnumerable<JsonObject> Redactions(Dictionary<(string Function, string Field, string Kind, string Reason), long> redactions) =>
        redactions.Select(static r => new JsonObject
        {
            ["what"] = r.Key.Kind,
            ["function"] = r.Key.Function,
            ["field"] = r.Key.Field,
            ["items"] = r.Value,
            ["reason"] = r.Key.Reason,
        }).Concat(Fixed.Select(static f => new JsonObject { ["what"] = f.What, ["reason"] = f.Reason }));

    private static JsonObject Manifest(ExportSources sources, IReadOnlyList<ExportedFile> files, ExportSummary summary, SortedSet<string> versions) => new()
    {
        ["type"] = ManifestType,
        ["version"] = 1,
        ["at"] = ExportText.Time(sources.At.WallUnixNs),
        ["clock"] = sources.At.Quality.ToString().ToLowerInvariant(),
        ["agentVersion"] = sources.AgentVersion,
        ["controller"] = sources.Policy.Controller,
        ["policyVersion"] = sources.Policy.Version,
        ["policyHash"] = sources.Policy.Hash,
        ["policyVersionsOfData"] = new JsonArray([.. versions.Select(static version => (JsonNode)version)]),
        ["readings"] = summary.Readings,
        ["photographs"] = summary.Photographs,
        ["redactions"] = summary.Redactions,
        ["files"] = new JsonArray([.. files.Select(static file => (JsonNode)new JsonObject
        {
            ["path"] = file.Path,
            ["bytes"] = file.Bytes,
            ["sha256"] = file.Sha256,
        })]),
    };

    private static string ReadMe(ExportSources sources) => string.Create(CultureInfo.InvariantCulture, $"""
        All that this instrument's board held at {ExportText.Time(sources.At.WallUnixNs)}, free of charge.
        Controller: {sources.Policy.Controller}. Contact: {string.Join(", ", sources.Policy.Contacts)}.

        readings/*.jsonl      one row of readings a line (JSON); times in UTC
        readings/*.csv        the same, one value a line, for a spreadsheet
        photographs/*.jpg     photographs; photographs.jsonl describes them
        facts.jsonl           what seldom changes, such as the board's model, and waits to be sent
        consents.jsonl        what was granted, withdrawn, frozen, held: by whom, when, under which notice
        deliveries.jsonl      who was given what, on which ground
        possible-deliveries.jsonl   who may have more: sent, and never acknowledged
        recipients.jsonl      who they are
        requests.jsonl        requests and their answers, refusals with their ground
        corrections.jsonl     statements about data that is wrong
        audit.jsonl           what was done with the data
        redactions.jsonl      what is not in here, and why
        manifest.json         the size and SHA-256 of each file, signed by the board; "fieldagent verify manifest.json" checks the signature,
                              "sha256sum" the files

        """);
}
