using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>Requests that a person signs with a registered key and sends over MQTT (R99):
/// <c>{"document":{"type":"privacy-request","kind":"deletion","device":…,"nonce":…,"expires":"2026-12-01T00:00:00Z","function":…,"field":…,
/// "text":…},"signature":…}</c>. Whatever is wrong with one, the answer is the same (R96). Any thread.</summary>
/// <param name="desk">Where it goes.</param>
/// <param name="ledger">The registered keys.</param>
/// <param name="clock">For expiry and the limit of attempts.</param>
/// <param name="counters">Counts failures: <c>denied.request.not-verified</c>.</param>
public sealed class SignedRequests(RequestDesk desk, IRequestLedger ledger, IClock clock, Counters counters)
{
    /// <summary>Member <c>type</c> of the document.</summary>
    public const string Type = "privacy-request";

    /// <summary>The only answer to a request that is not taken.</summary>
    public const string NotVerified = "the request was not verified";

    /// <summary>Failures in an hour after which none is looked at any more, good or bad: enough for mistakes, too few to try keys out.</summary>
    public const int FailuresPerHourMax = 10;

    /// <summary>Bytes of a signed request at most: fits a command.</summary>
    public const int BytesMax = 8192;

    private const long NsPerHour = 3600 * ClockExtensions.NsPerSecond;
    private readonly Lock _lock = new();
    private readonly Queue<long> _failures = new();

    /// <summary>Registers a key that may sign requests.</summary>
    /// <param name="pem">ECDSA P-256 public key, PEM.</param>
    /// <param name="label">The operator's word for it.</param>
    /// <returns>What was done, or why not.</returns>
    /// <exception cref="StoreFault">It could not be stored.</exception>
    public RequestOutcome Register(string pem, string label)
    {
        try
        {
            using var key = ECDsa.Create();
            key.ImportFromPem(pem);
            if (key.KeySize != 256)
            {
                return new RequestOutcome(false, "the key must be ECDSA on P-256");
            }

            var der = key.ExportSubjectPublicKeyInfo();
            var id = DeviceSigner.KeyIdOf(der);
            ledger.Add(new SubjectKey(id, label, der, clock.Now()));
            return new RequestOutcome(true, $"key {id} may sign requests from now on");
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException or PlatformNotSupportedException)
        {
            return new RequestOutcome(false, "the file holds no public key that can be read: PEM, ECDSA on P-256 "
                + "(openssl ecparam -name prime256v1 -genkey; openssl ec -pubout)");
        }
    }

    /// <summary>Takes a signed request.</summary>
    /// <param name="utf8">The signed document.</param>
    /// <param name="device">The pseudonym under which the board got it: a request to another board is none to this one.</param>
    /// <returns>Not done with <see cref="NotVerified"/> and nothing else when anything is wrong with it.</returns>
    /// <exception cref="StoreFault">It could not be stored; the sender repeats.</exception>
    public RequestOutcome Take(ReadOnlySpan<byte> utf8, string device)
    {
        var now = clock.Now();
        lock (_lock)
        {
            while (_failures.Count > 0 && now.BootNs - _failures.Peek() > NsPerHour)
            {
                _failures.Dequeue();
            }

            // all of it is always checked: how long the answer takes says nothing
            var signed = utf8.Length <= BytesMax ? SignedDocument.TryVerify(utf8, out _) : null;
            var known = ledger.Keys().Any(key => key.KeyId == signed?.KeyId);
            var request = signed is null ? null : Read(signed.Document, device, now);
            if (signed is null || !known || request is null || _failures.Count >= FailuresPerHourMax || IsKnown(request))
            {
                _failures.Enqueue(now.BootNs);
                while (_failures.Count > FailuresPerHourMax)
                {
                    _failures.Dequeue();
                }

                counters.Add("denied.request.not-verified");
                return new RequestOutcome(false, NotVerified);
            }

            var noted = desk.New(request.Kind, request.Function, request.Field, request.Text, "mqtt", request.Reference);
            return noted.Request is { } stored ? desk.Verify(stored.Id, RequestDesk.BySignature) : noted;
        }
    }

    private sealed record Parsed(RequestKind Kind, string Function, string Field, string Text, string Reference);

    private static Parsed? Read(JsonObject document, string device, Stamp now)
    {
        if (Text(document, "type") != Type || Text(document, "device") != device
            || !Enum.TryParse<RequestKind>(Text(document, "kind"), ignoreCase: true, out var kind) || !RightsLists.RequestKinds.Contains(Text(document, "kind"))
            || Text(document, "nonce") is not { Length: >= 16 and <= 64 } nonce
            || !DateTimeOffset.TryParse(Text(document, "expires"), System.Globalization.CultureInfo.InvariantCulture,
                System.Globalization.DateTimeStyles.AssumeUniversal, out var expires)
            || expires.Year is < 2000 or > 2200)
        {
            return null;
        }

        var expiresNs = (expires - DateTimeOffset.UnixEpoch).ToNs();
        var text = Text(document, "text") ?? "";

        // a month at most, so that a request need not be remembered for ever; by a clock nobody has set nothing is late, and what was taken once
        // is known all the same
        return (now.Quality > ClockQuality.Unsynced && (expiresNs < now.WallUnixNs || expiresNs - now.WallUnixNs > 31 * 24 * NsPerHour))
            || text.Length > RequestDesk.TextMax
            ? null
            : new Parsed(kind, Text(document, "function") ?? "", Text(document, "field") ?? "", text,
                Base32.Encode(SHA256.HashData(Encoding.UTF8.GetBytes($"{device}/{nonce}")), 26));
    }

    private static string? Text(JsonObject document, string name) =>
        document[name] is JsonValue value && value.TryGetValue<string>(out var text) && text.Length <= RequestDesk.TextMax ? text : null;

    // The same document once more, also after a restart: its reference follows from its nonce.
    private bool IsKnown(Parsed request) => ledger.Requests().Any(known => known.Reference == request.Reference);
}
