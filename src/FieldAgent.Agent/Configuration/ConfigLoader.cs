using System.Globalization;
using FieldAgent.Core;
using FieldAgent.Core.Configuration;
using FieldAgent.Devices.EffaceableMemory;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.Configuration;

/// <summary>Reads a configuration file: everything that is wrong is reported at once, with line and path.</summary>
internal static class ConfigLoader
{
    /// <summary>Largest password file that is read.</summary>
    private const int PasswordBytesMax = 1024;

    /// <summary>Loads and checks <paramref name="file"/>.</summary>
    /// <returns>The configuration, or null when <paramref name="errors"/> is not empty.</returns>
    public static AgentConfig? Load(string file, ConfigOverrides overrides, ConfigErrors errors)
    {
        var path = Path.GetFullPath(file);
        byte[] bytes;
        try
        {
            using var stream = File.OpenRead(path);
            bytes = new byte[Math.Min(stream.Length, ConfigNode.BytesMax + 1)];
            stream.ReadExactly(bytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            errors.Add(0, "", e is FileNotFoundException or DirectoryNotFoundException
                ? "the file does not exist"
                : $"the file cannot be read: {e.Message}");
            return null;
        }

        return Load(bytes, path, overrides, errors);
    }

    /// <summary>Checks a configuration that is already in memory; <paramref name="path"/> says where its files are relative to.</summary>
    public static AgentConfig? Load(ReadOnlySpan<byte> bytes, string path, ConfigOverrides overrides, ConfigErrors errors)
    {
        var root = ConfigNode.Parse(bytes, errors);
        if (root is null)
        {
            return null;
        }

        var folder = Path.GetDirectoryName(path)!;
        var kinds = SensorKinds.All;
        var sensorsOption = AgentShape.Sensors(kinds);
        var section = AgentShape.Root(kinds).Bind(root, errors);
        var empty = new ConfigSection(root, errors);
        var state = section.Get(AgentShape.State) ?? empty;
        var flush = section.Get(AgentShape.Flush) ?? empty;
        var control = section.Get(AgentShape.Control) ?? empty;

        string Resolve(string name) => Path.GetFullPath(name, folder);
        string? ResolveOptional(ConfigSection from, Option<string> option) => from.Has(option) ? Resolve(from.Get(option)) : null;

        var policyFile = ResolveOptional(section, AgentShape.Policy);
        var policyKey = ResolveOptional(section, AgentShape.PolicyKey);
        var policy = LoadPolicy(section, policyFile, policyKey, errors);
        var devicesRoot = section.Has(AgentShape.DevicesRoot) ? Resolve(section.Get(AgentShape.DevicesRoot)) : "/";
        var runtime = Path.GetFullPath(overrides.RuntimeDirectory ?? Resolve(section.Get(AgentShape.RuntimeDirectory)));
        var roles = RoleShape.Read(section.Get(RoleShape.Roles), policy, devicesRoot);
        var setup = new SensorSetup("", section, devicesRoot, folder) { RuntimeDirectory = runtime, Indicator = roles.CameraIndicator };
        var config = new AgentConfig
        {
            File = path,
            Board = section.Get(AgentShape.Board),
            RuntimeDirectory = runtime,
            ControlOperators = control.Get(AgentShape.ControlOperators),
            ControlViewers = control.Get(AgentShape.ControlViewers),
            DevicesRoot = devicesRoot,
            Supplements = PlaceShape.ReadSupplements(section),
            Fences = PlaceShape.ReadFences(section, errors),
            AnalyticsWindow = PlaceShape.ReadWindow(section),
            PolicyFile = policyFile,
            PolicyKeyFile = policyKey,
            Policy = policy,
            StateDirectory = Path.GetFullPath(overrides.StateDirectory ?? Resolve(state.Get(AgentShape.StateDirectory))),
            StateBytesMax = state.Get(AgentShape.StateBytesMax),
            FreeBytesMin = state.Get(AgentShape.FreeBytesMin),
            RootKeyFile = ResolveOptional(state, AgentShape.RootKeyFile),
            KeyRoot = LoadKeyRoot(state.Get(AgentShape.KeyRoot), devicesRoot),
            FlushInterval = flush.Get(AgentShape.FlushInterval),
            FlushReadings = (int)flush.Get(AgentShape.FlushReadings),
            BlockReadings = (int)flush.Get(AgentShape.BlockReadings),
            Recipients = LoadRecipients(section, policy, overrides, folder, errors),
            Roles = roles,
            Sensors = LoadSensors(section.Get(sensorsOption), kinds, setup, roles, errors),
            Groups = LoadGroups(section.Get(AgentShape.Groups), errors),
        };
        return errors.IsEmpty ? config : null;
    }

    private static Delivery.GroupSettings LoadGroups(ConfigSection? section, ConfigErrors errors)
    {
        if (section is null)
        {
            return new Delivery.GroupSettings();
        }

        var from = TimeOnly.MinValue;
        var until = TimeOnly.MinValue;
        if (section.Has(AgentShape.GroupQuiet)
            && !(section.Get(AgentShape.GroupQuiet).Split('-') is [var first, var last]
                && TimeOnly.TryParseExact(first, "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out from)
                && TimeOnly.TryParseExact(last, "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out until)))
        {
            errors.Add(section.NodeOf(AgentShape.GroupQuiet), "must be two times of day such as \"22:00-06:00\"");
        }

        return new Delivery.GroupSettings
        {
            Names = [.. section.Get(AgentShape.GroupNames).Distinct(StringComparer.Ordinal)],
            PerHour = (int)section.Get(AgentShape.GroupPerHour),
            QuietFrom = from.ToTimeSpan(),
            QuietUntil = until.ToTimeSpan(),
        };
    }

    private static KeyRootConfig? LoadKeyRoot(ConfigSection? section, string devicesRoot)
    {
        if (section is null)
        {
            return null;
        }

        var kind = section.Get(AgentShape.KeyRootKind);
        var address = section.Has(AgentShape.KeyRootAddress) ? (int)section.Get(AgentShape.KeyRootAddress) : EffaceableMemories.DefaultAddress(kind);
        return new KeyRootConfig(kind, Path.Join(devicesRoot, section.Get(AgentShape.KeyRootBus)), address);
    }

    private static Policy? LoadPolicy(ConfigSection section, string? file, string? keyFile, ConfigErrors errors)
    {
        var keyErrors = new ConfigErrors();
        if (keyFile is not null && PolicyFiles.ReadKey(keyFile, keyErrors) is null)
        {
            errors.Add(section.NodeOf(AgentShape.PolicyKey), keyErrors.All[0].Message);
            return null;
        }

        if (file is null)
        {
            return Policy.Shipped();
        }

        var policyErrors = new ConfigErrors();
        var policy = PolicyFiles.Load(file, null, keyFile, policyErrors);
        foreach (var error in policyErrors.All)
        {
            errors.Add(section.NodeOf(AgentShape.Policy), $"{file}:{error}");
        }

        return policy;
    }

    private static List<ConfiguredSensor> LoadSensors(
        IReadOnlyList<ConfigNode> nodes, IReadOnlyList<ISensorKind> kinds, SensorSetup setup, RolesConfig roles, ConfigErrors errors)
    {
        var sensors = new List<ConfiguredSensor>();
        var lines = new TakenLines(roles, errors);
        var names = new GivenNames("sensor", AgentShape.SensorName, errors);
        foreach (var node in nodes)
        {
            if (node.Kind != ConfigNodeKind.Section)
            {
                errors.Add(node, "must be an object { \"name\": …, \"kind\": … }");
                continue;
            }

            names.Note(node);
            var word = node.Members.TryGetValue("kind", out var kindNode) ? kindNode.Text : "";
            var kind = kinds.FirstOrDefault(k => k.Kind == word);
            if (kind is null)
            {
                errors.Add(kindNode ?? node, kindNode is null
                    ? $"'kind' is missing: one of {string.Join(", ", kinds.Select(static k => k.Kind))}"
                    : $"'{word}' is no kind of sensor; there are: {string.Join(", ", kinds.Select(static k => k.Kind))}");

                // Its other options cannot be judged without a kind.
                new ConfigShape("A sensor.", AgentShape.SensorName).Bind(node, errors, isPart: true);
                continue;
            }

            var before = errors.Count;
            var section = AgentShape.SensorShape(kind).Bind(node, errors);
            var name = section.Get(AgentShape.SensorName);
            // A sensor is only built from sound options: its own checks may rely on the shape's.
            if (errors.Count == before)
            {
                var sensor = kind.Create(setup with { Name = name, Options = section });
                lines.Take(sensor, node);
                sensors.Add(new ConfiguredSensor(name, kind.Kind, sensor)
                {
                    Interval = kind.Shape.Options.OfType<Option<TimeSpan>>().FirstOrDefault(static o => o.Name == "interval") is { } interval
                        ? section.Get(interval) : TimeSpan.Zero,
                    Packages = kind.PackagesFor(section),
                });
            }
        }

        return sensors;
    }

    private static List<Recipient> LoadRecipients(
        ConfigSection section, Policy? policy, ConfigOverrides overrides, string folder, ConfigErrors errors)
    {
        var recipients = new List<Recipient>();
        var names = new GivenNames("recipient", AgentShape.RecipientName, errors);
        foreach (var one in section.Get(AgentShape.Recipients))
        {
            names.Note(one.Node);
            var name = one.Get(AgentShape.RecipientName);
            if (policy is not null && one.Has(AgentShape.RecipientName) && policy.Recipients.All(r => r.Name != name))
            {
                errors.Add(one.NodeOf(AgentShape.RecipientName),
                    $"the policy names no recipient '{name}'; it names: {string.Join(", ", policy.Recipients.Select(static r => r.Name))}");
            }

            var url = recipients.Count == 0 && overrides.BrokerUrl is not null ? overrides.BrokerUrl : one.Get(AgentShape.RecipientUrl);
            var urlNode = one.NodeOf(AgentShape.RecipientUrl);
            if (!one.Has(AgentShape.RecipientUrl))
            {
                continue;
            }

            if (!BrokerUrl.TryParse(url, out var broker, out var why))
            {
                errors.Add(urlNode, why);
                continue;
            }

            var tls = one.Get(AgentShape.Tls);
            if (!broker.IsTls && tls is not null)
            {
                errors.Add(tls.Node, "'tls' needs a url that begins with mqtts://");
            }

            recipients.Add(new Recipient(
                name,
                new LinkOptions
                {
                    Host = broker.Host,
                    Port = broker.Port,
                    ClientId = "",
                    Tls = broker.IsTls ? LoadTls(tls, folder, errors) : null,
                    UserName = one.Has(AgentShape.UserName) ? one.Get(AgentShape.UserName) : null,
                    Password = LoadPassword(one, folder, errors),
                    KeepAlive = one.Get(AgentShape.KeepAlive),
                    SessionExpiry = one.Get(AgentShape.SessionExpiry),
                },
                one.Get(AgentShape.Region),
                one.Get(AgentShape.CompressAbove) is > 0 and var above ? (int)above : int.MaxValue,
                (int)one.Get(AgentShape.Window))
            {
                BudgetBytes = one.Get(AgentShape.Budget)?.Get(AgentShape.BudgetBytes),
                BudgetPerMonth = one.Get(AgentShape.Budget)?.Get(AgentShape.BudgetPer) != "day",
            });
        }

        return recipients;
    }

    private static LinkTls LoadTls(ConfigSection? tls, string folder, ConfigErrors errors)
    {
        if (tls is null)
        {
            return new LinkTls(null, null, null, null);
        }

        string? Existing(Option<string> option)
        {
            if (!tls.Has(option))
            {
                return null;
            }

            var path = Path.GetFullPath(tls.Get(option), folder);
            if (!File.Exists(path))
            {
                errors.Add(tls.NodeOf(option), $"there is no file {path}" + (ServiceSandbox.Hides(path) is { } hidden ? $" (the service sees nothing below {hidden}: put it into /etc/fieldagent)" : ""));
            }

            return path;
        }

        if (tls.Has(AgentShape.TlsCertificate) != tls.Has(AgentShape.TlsKey))
        {
            errors.Add(tls.Node, "'certificate' and 'key' belong together: give both or neither");
        }

        return new LinkTls(Existing(AgentShape.TlsCa), Existing(AgentShape.TlsCertificate), Existing(AgentShape.TlsKey),
            tls.Has(AgentShape.TlsAlpn) ? tls.Get(AgentShape.TlsAlpn) : null);
    }

    private static string? LoadPassword(ConfigSection one, string folder, ConfigErrors errors)
    {
        if (!one.Has(AgentShape.PasswordFile))
        {
            return null;
        }

        var path = Path.GetFullPath(one.Get(AgentShape.PasswordFile), folder);
        try
        {
            if (new FileInfo(path).Length > PasswordBytesMax)
            {
                errors.Add(one.NodeOf(AgentShape.PasswordFile), string.Create(CultureInfo.InvariantCulture,
                    $"{path} is larger than {PasswordBytesMax} bytes: that is no password file"));
                return null;
            }

            using var reader = File.OpenText(path);
            return reader.ReadLine() ?? "";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            errors.Add(one.NodeOf(AgentShape.PasswordFile), $"{path} cannot be read: {e.Message}");
            return null;
        }
    }
}
