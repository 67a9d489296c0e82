using System.Globalization;
using System.Text.Json.Nodes;
using FieldAgent.Core;
using Microsoft.Extensions.Logging;

namespace FieldAgent.Privacy;

/// <summary>Incidents with their consequences: kept, audited, said once in the log, and put into the outbox for every recipient, signed.
/// Any thread; raising one never throws.</summary>
/// <remarks>What is published does not say where on the board, or at which other recipient, it happened.</remarks>
public sealed partial class IncidentBook(
    IIncidentStore store, IAuditLog audit, IOutbox outbox, IKeyStore keys, IReadOnlyList<string> recipients, Counters counters, ILogger log)
    : IIncidentLog
{
    /// <summary>The signed document's type.</summary>
    public const string Type = "incident";

    /// <inheritdoc/>
    public void Raise(IncidentKind kind, string place)
    {
        var text = IncidentText.Of(kind);
        counters.Add("incidents." + text.Word);
        try
        {
            var row = store.Note(kind, place);
            if (row.Times > 1)
            {
                return;
            }

            LogRaised(log, row.Id, text.Situation, place, text.Remedy);
            audit.Append(new AuditEntry(AuditKind.Incident, text.Word, Detail: place));
            foreach (var recipient in recipients)
            {
                outbox.Put(new Notice(
                    0, recipient, NoticeKind.Incident, Notice.NewReference(), Document(recipient, text, row.At), UntilAcknowledged: false));
            }
        }
        catch (StoreFault fault)
        {
            // Said, if it cannot be kept.
            counters.Add("incidents.not-kept");
            LogNotKept(log, text.Situation, place, fault.Message);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<Incident> All() => [.. store.All().Select(static row =>
    {
        var text = IncidentText.Of(row.Kind);
        return new Incident(
            row.Id, row.Kind, row.At, $"{text.Situation} ({row.Place})", text.Measures, text.Advice, text.Remedy, row.Times);
    })];

    /// <summary>Forgets one that was dealt with, and notes who said so.</summary>
    /// <returns>False when there is none of that number.</returns>
    /// <exception cref="StoreFault">It could not be stored.</exception>
    public bool Clear(long id, string actor)
    {
        if (store.Clear(id) is not { } row)
        {
            return false;
        }

        audit.Append(new AuditEntry(
            AuditKind.Incident, "cleared", Detail: string.Create(CultureInfo.InvariantCulture, $"{IncidentText.Of(row.Kind).Word}: {row.Place}"),
            Actor: actor));
        return true;
    }

    private byte[] Document(string recipient, IncidentText text, Stamp at)
    {
        using var signer = new DeviceSigner(keys, recipient);
        return SignedDocument.Sign(signer, new JsonObject
        {
            ["type"] = Type,
            ["v"] = 1,
            ["audience"] = recipient,
            ["kind"] = text.Word,
            ["time"] = AuditCheckpoint.Time(at),
            ["clock"] = at.Quality.ToString().ToLowerInvariant(),
            ["situation"] = text.Situation,
            ["measures"] = text.Measures,
            ["advice"] = text.Advice,
            ["remedy"] = text.Remedy,
        });
    }

    [LoggerMessage(61, LogLevel.Error, "incident {Id}: {Situation} ({Place}). {Remedy}")]
    private static partial void LogRaised(ILogger log, long id, string situation, string place, string remedy);

    [LoggerMessage(62, LogLevel.Error, "incident: {Situation} ({Place}); it could not be kept: {Why}")]
    private static partial void LogNotKept(ILogger log, string situation, string place, string why);
}
