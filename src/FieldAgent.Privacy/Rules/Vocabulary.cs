using System.Collections.Frozen;
using FieldAgent.Core;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Privacy;

/// <summary>What a field may be called, and what can never be a field at all (R36, R37, R38, R42).</summary>
public static class Vocabulary
{
    /// <summary>Where the board is.</summary>
    public const string LocationPosition = "location.position";

    /// <summary>A photograph.</summary>
    public const string ImagePhoto = "image.photo";

    /// <summary>The capture time inside a photograph.</summary>
    public const string ImageCaptureTime = "image.capture-time";

    /// <summary>Make and model of the camera inside a photograph.</summary>
    public const string ImageDeviceModel = "image.device-model";

    /// <summary>The position inside a photograph.</summary>
    public const string ImageLocation = "image.location";

    /// <summary>The board went into a geofence, or out of it (R46).</summary>
    public const string GeofenceTransition = "geofence.transition";

    /// <summary>Whether the positions are plausible (R48).</summary>
    public const string LocationPlausible = "location.plausible";

    /// <summary>The function that has an identifier of the board made and used (R25).</summary>
    public const string IdentityFunction = "identity";

    /// <summary>The function that watches geofences: positions admitted for it never leave the gate.</summary>
    public const string GeofenceFunction = "geofence";

    /// <summary>Anonymous windows over readings.</summary>
    public const string AnalyticsWindow = "analytics.window";

    /// <summary>The function that lets hardware identifiers into the pseudonym's input (R20).</summary>
    public const string SupplementFunction = "identity-supplement";

    /// <summary>The function that gets anonymous windows, and nothing else.</summary>
    public const string AnalyticsFunction = "analytics";
    /// <summary>Leave to start with the board (R52).</summary>
    public const string AgentAutostart = "agent.autostart";

    /// <summary>Leave to use positions finer than <see cref="PolicyLimits.CoarseLocation"/> (R45).</summary>
    public const string LocationPrecise = "location.precise";

    /// <summary>Leave to sample such positions on a schedule, while nobody asks for one (R45).</summary>
    public const string LocationBackground = "location.background";

    /// <summary>The namespace of anonymous aggregates: all that a recipient with the anonymising transform may receive (R71).</summary>
    public const string AnonymousNamespace = "analytics.";

    /// <summary>The namespace of photographs and what is in them.</summary>
    public const string ImageNamespace = "image.";

    /// <summary>Scrubbed crash reports; never without consent (R112).</summary>
    public const string Crash = "diagnostics.crash";

    /// <summary>The text of a bar code or QR code that a camera saw.</summary>
    public const string ImageCode = "image.code";

    /// <summary>The function that takes photographs.</summary>
    public const string PhotoFunction = "photo";

    // A field is refused when its first part is one of these: whole categories that are no business of a device.
    private static readonly FrozenDictionary<string, string> NeverNamespaces = Never(
        ("R42", "race ethnicity politics religion belief philosophy genetics biometrics biometric orientation sexuality sex health "
            + "face faces iris voiceprint fingerprint gait union"),
        ("R36", "phone telephone"),
        ("R37", "person people user customer owner name gender birth birthday birthdate age identity-document passport id-card "
            + "transaction transactions payment purchase browsing search contacts address-book"),
        ("R38", "registration licence license account"));

    // A field is refused when any word of its name is one of these, in whatever namespace it hides.
    private static readonly FrozenDictionary<string, string> NeverWords = Never(
        ("R42", "race racial ethnic ethnicity politics political religion religious genetic genetics genome genomic dna biometric biometrics "
            + "sexual sexuality face faces facial faceprint fingerprint fingerprints voiceprint gait"),
        ("R36", "phone telephone msisdn"),
        ("R37", "surname forename firstname lastname fullname gender birthdate birthday birth passport transaction transactions browsing"),
        ("R38", "licence license"));

    // Addresses of the session: they are used by the socket and kept nowhere.
    private static readonly FrozenDictionary<string, string> NeverStored = Never(("R30", "network.ip network.address network.ip-address"));

    // What identifies or surrounds the board: of use on it (for the pseudonym's input, for the choice of a broker), never sent. The two leaves
    // of a location carry no data.
    private static readonly FrozenDictionary<string, string> NeverSent = Never(
        ("R19", "device.serial device.mac device.machine-id device.hostname device.imei device.imsi device.iccid"),
        ("R31", "network.ssid network.bssid network.wifi-list network.base-station"),
        ("R45", "location.precise location.background"));

    /// <summary>Says why <paramref name="name"/> cannot be a field, or null when it can.</summary>
    public static string? WhyNotAField(string name)
    {
        var parts = name.Split('.');
        if (name.Length > PolicyLimits.FieldNameMax || parts.Length < 2 || !parts.All(Opt.IsName))
        {
            return $"must be a name of two or more parts such as \"instrument.measurement\", {PolicyLimits.FieldNameMax} characters at most";
        }

        if (NeverStored.TryGetValue(name, out var promise))
        {
            return $"'{name}' is used in the session and stored nowhere ({promise}); remove the field";
        }

        if (NeverNamespaces.TryGetValue(parts[0], out promise))
        {
            return NeverText(parts[0], promise);
        }

        foreach (var word in name.Split('.', '-'))
        {
            if (NeverWords.TryGetValue(word, out promise))
            {
                return NeverText(word, promise);
            }
        }

        return null;
    }

    /// <summary>True for a field whose values are places, which the gate can make coarser.</summary>
    public static bool IsLocation(string field) => field is LocationPosition or ImageLocation;

    /// <summary>Says why <paramref name="field"/> is always sensitive, whatever a policy would like (R3), or null.</summary>
    public static string? WhyAlwaysSensitive(string field) =>
        field.StartsWith("location.", StringComparison.Ordinal) || field == ImageLocation ? "a place is always \"sensitive\" (R3)"
        : field == ImagePhoto ? "a photograph is always \"sensitive\" (R3)"
        : NeverSent.GetValueOrDefault(field) == "R19" ? "a raw identifier is always \"sensitive\" (R3, R20)"
        : null;

    /// <summary>The promise by which <paramref name="field"/> never leaves the board (R19, R31), or null when it may.</summary>
    public static string? WhyNeverSent(string field) => NeverSent.GetValueOrDefault(field);

    /// <summary>True for a field of <see cref="AnonymousNamespace"/>.</summary>
    public static bool IsAnonymous(string field) => field.StartsWith(AnonymousNamespace, StringComparison.Ordinal);

    /// <summary>True for a field of <see cref="ImageNamespace"/>.</summary>
    public static bool IsImage(string field) => field.StartsWith(ImageNamespace, StringComparison.Ordinal);

    private static string NeverText(string word, string promise) =>
        $"'{word}' is a category that no policy may declare ({promise}); remove the field";

    private static FrozenDictionary<string, string> Never(params (string Promise, string Words)[] lists) =>
        lists.SelectMany(static list => list.Words.Split(' ').Select(word => (word, list.Promise)))
            .ToFrozenDictionary(static e => e.word, static e => e.Promise, StringComparer.Ordinal);
}

/// <summary>The words for a precision, in policy, consent and command line.</summary>
public static class PrecisionWords
{
    /// <summary>All of them, finest first; the index is the <see cref="Core.Precision"/>.</summary>
    public static IReadOnlyList<string> All { get; } = ["exact", "100m", "1km", "10km"];

    /// <summary>The word for <paramref name="precision"/>.</summary>
    public static string Word(this Core.Precision precision) => All[(int)precision];

    /// <summary>Reads a word; false when it is none of <see cref="All"/>.</summary>
    public static bool TryParse(string word, out Core.Precision precision)
    {
        for (var i = 0; i < All.Count; i++)
        {
            if (All[i] == word)
            {
                precision = (Core.Precision)i;
                return true;
            }
        }

        precision = Core.Precision.Cell10km;
        return false;
    }
}
