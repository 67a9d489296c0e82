using FieldAgent.Core;
using FieldAgent.Core.Configuration;
using FieldAgent.Devices.EffaceableMemory;

namespace FieldAgent.Agent.Configuration;

/// <summary>The options of the configuration file; the published JSON Schema is written from these.</summary>
internal static class AgentShape
{
    private const int SensorsMax = 64;
    private const int ControlNamesMax = 32;

    private const int GroupsMax = 16;

    /// <summary>Bits of a block's recipient mask.</summary>
    private const int RecipientsMax = 32;

    public static readonly Option<string> Board =
        Opt.Name("board", "What the board is called in `status`; never leaves the board.", "board");

    public static readonly Option<string> DevicesRoot =
        Opt.File("devicesRoot", "Prefix of /sys, /dev, /proc and /etc/machine-id; a folder with a copied tree in a test.", "/");

    public static readonly Option<string> RuntimeDirectory =
        Opt.File("runtimeDirectory", "Folder of the control socket.", "/run/fieldagent");

    public static readonly Option<string> Policy =
        Opt.File("policy", "Privacy policy document; the one that comes with the agent when not given.");

    public static readonly Option<string> PolicyKey =
        Opt.File("policyKey", "PEM file of the P-256 public key that signs policies; without it no policy is taken from afar.");

    public static readonly Option<string> StateDirectory =
        Opt.File("directory", "Folder of the database, the pictures and the keys; nothing is written anywhere else.", "/var/lib/fieldagent");

    public static readonly Option<long> StateBytesMax =
        Opt.Bytes("bytesMax", "Hard cap on the bytes of the whole state folder.", 256L << 20, 4L << 20, 1L << 40);

    public static readonly Option<long> FreeBytesMin =
        Opt.Bytes("freeBytesMin", "Free space that is always left on the disk.", 64L << 20, 0, 1L << 40);

    public static readonly Option<string> RootKeyFile =
        Opt.File("rootKeyFile", "32-byte root key; a systemd credential or <directory>/root.key when not given.");

    public static readonly Option<string> KeyRootKind = Opt.Choice("kind", "Which chip: FRAM, or the RAM of a clock with a battery.", null, required: true, EffaceableMemories.Kinds);

    public static readonly Option<string> KeyRootBus = Opt.File("bus", "Its I2C bus.", "/dev/i2c-1");

    public static readonly Option<long> KeyRootAddress =
        Opt.Integer("address", "Its address, 7 bits; 80 (0x50) for an mb85rc and 104 (0x68) for a ds1307 when not given.", 80, 8, 119);

    public static readonly Option<ConfigSection?> KeyRoot = Opt.Section("keyRoot", "Memory that is overwritten in place, for half of what wraps the data keys.",
        new ConfigShape("Memory that is overwritten in place: with it an erasure is beyond recovery also where the card keeps old copies.", KeyRootKind, KeyRootBus, KeyRootAddress));

    public static readonly Option<ConfigSection?> State = Opt.Section("state", "Where and how much is stored.",
        new ConfigShape("Where and how much is stored.", StateDirectory, StateBytesMax, FreeBytesMin, RootKeyFile, KeyRoot));

    public static readonly Option<IReadOnlyList<string>> ControlOperators = Opt.List("operators",
        "Users and groups that may run the board: flush, take pictures, change consents as the operator. A name, or the number of a user.",
        Opt.Text("operator", "A user or group.", lengthMax: 64), ControlNamesMax);

    public static readonly Option<IReadOnlyList<string>> ControlViewers = Opt.List("viewers",
        "Users and groups that may see the state of the board, and nothing of people.",
        Opt.Text("viewer", "A user or group.", lengthMax: 64), ControlNamesMax);

    public static readonly Option<ConfigSection?> Control = Opt.Section("control", "Who may call the agent on the board.",
        new ConfigShape("Who may call the agent on the board, besides root and the agent's own user, who may do everything.",
            ControlOperators, ControlViewers));

    public static readonly Option<TimeSpan> FlushInterval =
        Opt.Duration("interval", "Longest time a reading stays in memory only.", TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(0.1), TimeSpan.FromSeconds(60));

    public static readonly Option<long> FlushReadings =
        Opt.Integer("readings", "Readings that bring the next flush forward.", 1000, 1, 1_000_000);

    public static readonly Option<long> BlockReadings =
        Opt.Integer("blockReadings", "Readings in one block, and so in one message, at most.", 1000, 10, 5000);

    public static readonly Option<ConfigSection?> Flush = Opt.Section("flush", "When readings go from memory to disk.",
        new ConfigShape("When readings go from memory to disk.", FlushInterval, FlushReadings, BlockReadings));

    public static readonly Option<string> TlsCa = Opt.File("ca", "PEM file of the authorities to trust; the system's when not given.");

    public static readonly Option<string> TlsCertificate = Opt.File("certificate", "PEM file of the board's certificate.");

    public static readonly Option<string> TlsKey = Opt.File("key", "PEM file of its private key.");

    public static readonly Option<string> TlsAlpn = Opt.Text("alpn", "Application protocol to ask for, such as x-amzn-mqtt-ca.", lengthMax: 64);

    public static readonly Option<ConfigSection?> Tls = Opt.Section("tls", "How the connection is protected.",
        new ConfigShape("How the connection is protected (mqtts only).", TlsCa, TlsCertificate, TlsKey, TlsAlpn));

    public static readonly Option<string> RecipientName = Opt.Name("name", "Name of the recipient in the policy.", required: true);

    public static readonly Option<string> RecipientUrl =
        Opt.Text("url", "mqtts://host[:8883]; mqtt://host[:1883] only for a broker on this board.", required: true);

    public static readonly Option<string> UserName = Opt.Text("userName", "MQTT user name.");

    public static readonly Option<string> PasswordFile = Opt.File("passwordFile", "File with the MQTT password on its first line.");

    public static readonly Option<TimeSpan> KeepAlive =
        Opt.Duration("keepAlive", "MQTT keep-alive.", TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(5), TimeSpan.FromHours(18));

    public static readonly Option<TimeSpan> SessionExpiry =
        Opt.Duration("sessionExpiry", "How long the broker keeps messages for the board while it is away.", TimeSpan.FromDays(7), TimeSpan.Zero, TimeSpan.FromDays(365));

    public static readonly Option<long> Window =
        Opt.Integer("window", "Unacknowledged messages at most; the broker's receive maximum may lower it.", 64, 1, 1000);

    public static readonly Option<long> CompressAbove =
        Opt.Bytes("compressAbove", "Payloads larger than this are sent brotli-compressed; \"0B\" sends none compressed.", 0, 0, 1L << 20);

    public static readonly Option<string> Region = Opt.Text("region", "ISO 3166 code of the country the data goes to.", lengthMax: 6);

    public static readonly Option<long> BudgetBytes = Opt.Bytes("bytes", "Bytes that may be sent in a period.", 50L << 20, 1024, 1L << 40, required: true);

    public static readonly Option<string> BudgetPer = Opt.Choice("per", "The period: a day or a calendar month, UTC.", "month", false, "day", "month");

    public static readonly Option<ConfigSection?> Budget = Opt.Section("budget", "What a metered network may cost.",
        new ConfigShape("What a metered network may cost; when it is used up, readings and pictures wait for the next period.", BudgetBytes, BudgetPer));

    public static readonly Option<IReadOnlyList<ConfigSection>> Recipients = Opt.Sections("recipients", "Brokers that receive data.",
        new ConfigShape("A broker that receives data.", RecipientName, RecipientUrl, Tls, UserName, PasswordFile, KeepAlive, SessionExpiry,
            Window, CompressAbove, Region, Budget), RecipientsMax);

    public static readonly Option<IReadOnlyList<string>> GroupNames = Opt.List("names", "Groups that the board belongs to.",
        Opt.Name("group", "A group."), GroupsMax, required: true);

    public static readonly Option<string> GroupQuiet = Opt.Text("quiet",
        "Hours in which groups are not heard, by the board's local time: 22:00-06:00.", lengthMax: 11);

    public static readonly Option<long> GroupPerHour =
        Opt.Integer("perHour", "Commands that one group may give in an hour.", 6, 1, 600);

    public static readonly Option<ConfigSection?> Groups = Opt.Section("groups", "Groups whose commands the board listens to while that is granted.",
        new ConfigShape("Groups whose commands the board listens to while the function group-commands is granted.", GroupNames, GroupQuiet, GroupPerHour));

    public static readonly Option<string> SensorName = Opt.Name("name", "Name of the sensor; also in every message.", required: true);

    /// <summary>The whole file, with the sensor sections still to be read by their kinds.</summary>
    public static ConfigShape Root(IReadOnlyList<ISensorKind> kinds) => new(
        "Configuration of FieldAgent on one board. Files are relative to this one; // comments are allowed.",
        Board, DevicesRoot, RuntimeDirectory, Control, Policy, PolicyKey, State, Flush, Recipients, Groups, RoleShape.Roles,
        PlaceShape.Identity, PlaceShape.Geofences, PlaceShape.Analytics, Sensors(kinds));

    /// <summary>The list of sensors.</summary>
    public static Option<IReadOnlyList<ConfigNode>> Sensors(IReadOnlyList<ISensorKind> kinds) =>
        Opt.RawList("sensors", "The board's sensors.", SensorsMax,
            () => $$"""{"oneOf":[{{string.Join(',', kinds.Select(kind => ConfigSchema.Of(SensorShape(kind))))}}]}""");

    /// <summary>A sensor section: the name, the kind, and what the kind adds.</summary>
    public static ConfigShape SensorShape(ISensorKind kind) =>
        new(kind.Shape.Summary, [SensorName, Opt.Choice("kind", "What kind of sensor it is.", null, required: true, kind.Kind), .. kind.Shape.Options]);
}
