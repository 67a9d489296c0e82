using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <summary>The topics of one device at one recipient: <c>fieldagent/v1/{pseudonym}/…</c>, encoded once.
/// Immutable but for a cache of functions; one thread.</summary>
/// <remarks>Every topic stays under 7 slashes and 256 characters, the least that common cloud brokers allow.</remarks>
public sealed class Topics
{
    /// <summary>First levels of every topic.</summary>
    public const string Root = "fieldagent/v1/";

    /// <summary>The level that stands where a pseudonym would: messages under it name no device.</summary>
    public const string AnonymousLevel = "anonymous";

    /// <summary>Last level of a data topic whose payload is brotli-compressed, on MQTT 3.1.1, which has no properties.</summary>
    public const string BrotliLevel = "br";

    private readonly Dictionary<string, MqttTopic> _data = new(StringComparer.Ordinal);
    private readonly Dictionary<string, MqttTopic> _dataBrotli = new(StringComparer.Ordinal);

    /// <summary>Topics of <paramref name="pseudonym"/>.</summary>
    /// <exception cref="ArgumentException">It is not one topic level.</exception>
    public Topics(string pseudonym)
    {
        if (!IsLevel(pseudonym))
        {
            throw new ArgumentException("the pseudonym is not a topic level of 1 to 64 letters, digits, '-', '_', '.'", nameof(pseudonym));
        }

        Pseudonym = pseudonym;
        Prefix = $"{Root}{pseudonym}/";
        State = new MqttTopic(Prefix + "state", repeats: true);
        Gap = new MqttTopic(Prefix + "gap", repeats: true);
        Consent = new MqttTopic(Prefix + "consent");
        Erasure = new MqttTopic(Prefix + "erasure");
        Audit = new MqttTopic(Prefix + "audit");
        Incident = new MqttTopic(Prefix + "incident");
        Facts = new MqttTopic(Prefix + "facts");
        CommandFilter = Prefix + "command/+";
        CommandPrefix = Prefix + "command/";
        ResultPrefix = Prefix + "result/";
    }

    /// <summary>The device's name at this recipient.</summary>
    public string Pseudonym { get; }

    /// <summary><c>fieldagent/v1/{pseudonym}/</c>.</summary>
    public string Prefix { get; }

    /// <summary><c>state</c>: retained; also the will.</summary>
    public MqttTopic State { get; }

    /// <summary><c>gap</c>: what was given up undelivered.</summary>
    public MqttTopic Gap { get; }

    /// <summary><c>consent</c>: receipts of what the device may do.</summary>
    public MqttTopic Consent { get; }

    /// <summary><c>erasure</c>: what the recipient is asked to delete, and receipts of what the device has deleted.</summary>
    public MqttTopic Erasure { get; }

    /// <summary><c>audit</c>: signed checkpoints of the audit chain.</summary>
    public MqttTopic Audit { get; }

    /// <summary><c>incident</c>: what happened that somebody must be told of.</summary>
    public MqttTopic Incident { get; }

    /// <summary><c>facts</c>: what seldom changes, such as the board's model.</summary>
    public MqttTopic Facts { get; }

    /// <summary>The topic of a kind of notice.</summary>
    public MqttTopic Of(NoticeKind kind) => kind switch
    {
        NoticeKind.Consent => Consent,
        NoticeKind.Erasure => Erasure,
        NoticeKind.Audit => Audit,
        NoticeKind.Facts => Facts,
        _ => Incident,
    };

    /// <summary>Filter of all commands: <c>command/+</c>.</summary>
    public string CommandFilter { get; }

    /// <summary><c>fieldagent/v1/{pseudonym}/command/</c>.</summary>
    public string CommandPrefix { get; }

    /// <summary><c>fieldagent/v1/{pseudonym}/result/</c>.</summary>
    public string ResultPrefix { get; }

    /// <summary>Batches and image manifests of <paramref name="function"/>: <c>data/{function}</c>, or
    /// <c>data/{function}/br</c> for a compressed payload on MQTT 3.1.1. Cached: no allocation after the first call.</summary>
    public MqttTopic Data(string function, bool brotliLevel = false)
    {
        var cache = brotliLevel ? _dataBrotli : _data;
        if (!cache.TryGetValue(function, out var topic))
        {
            topic = new MqttTopic($"{Prefix}data/{Level(function)}{(brotliLevel ? "/" + BrotliLevel : "")}", repeats: true);
            cache[function] = topic;
        }

        return topic;
    }

    /// <summary>Chunk <paramref name="index"/> of a picture: <c>data/{function}/{imageId}/{index}</c>.</summary>
    public MqttTopic Chunk(string function, string imageId, int index) =>
        new(string.Create(
            System.Globalization.CultureInfo.InvariantCulture, $"{Prefix}data/{Level(function)}/{Level(imageId)}/{index}"));

    /// <summary>Where the results of command <paramref name="name"/> go: <c>result/{name}</c>.</summary>
    public MqttTopic Result(string name) => new(ResultPrefix + Level(name));

    /// <summary>Windows of <paramref name="function"/> that name no device: <c>fieldagent/v1/anonymous/{function}</c>.</summary>
    public static MqttTopic Anonymous(string function) => new($"{Root}{AnonymousLevel}/{Level(function)}");

    /// <summary>True when <paramref name="text"/> may stand between two slashes: 1 to 64 letters, digits, '-', '_', '.'.</summary>
    public static bool IsLevel(ReadOnlySpan<char> text)
    {
        if (text.Length is 0 or > 64)
        {
            return false;
        }

        foreach (var c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.'))
            {
                return false;
            }
        }

        return true;
    }

    private static string Level(string text) =>
        IsLevel(text) ? text : throw new ArgumentException($"'{text}' cannot be a topic level", nameof(text));
}
