using System.Security.Cryptography;
using System.Text;
using FieldAgent.Agent.Configuration;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Agent.Tests;

public sealed class ConfigLoaderTests
{
    private const string Good = """
        {
          // a comment
          "board": "bench",
          "flush": { "interval": "250ms", "readings": 500 },
          "recipients": [ { "name": "vendor", "url": "mqtt://127.0.0.1:18831", "compressAbove": "1KiB" } ],
          "sensors": [ { "name": "a", "kind": "simulated", "interval": "1s", "streams": [ { "name": "t", "unit": "Cel" } ] }, ],
        }
        """;

    [Fact]
    public void A_good_file_gives_every_value()
    {
        var (config, errors) = Load(Good);
        Assert.Empty(errors);
        Assert.Equal("bench", config!.Board);
        Assert.Equal(TimeSpan.FromMilliseconds(250), config.FlushInterval);
        Assert.Equal(500, config.FlushReadings);
        var recipient = Assert.Single(config.Recipients);
        Assert.Equal("127.0.0.1", recipient.Link.Host);
        Assert.Equal(18831, recipient.Link.Port);
        Assert.Null(recipient.Link.Tls);
        Assert.Equal(1024, recipient.CompressAboveBytes);
        Assert.Equal("simulated", Assert.Single(config.Sensors).Kind);
    }

    [Fact]
    public void All_errors_are_reported_at_once_with_line_and_path()
    {
        var (config, errors) = Load("""
            {
              "bord": "bench",
              "flush": { "interval": "10", "readings": 0 },
              "recipients": [
                { "name": "vendor", "url": "mqtt://mqtt.example.com" },
                { "name": "somebody-else", "url": "mqtts://h" }
              ],
              "sensors": [
                { "name": "a", "kind": "iiio" },
                { "kind": "simulated" },
                { "name": "b", "kind": "hwmon", "intervall": "1s" }
              ]
            }
            """);
        Assert.Null(config);
        AssertHas(errors, 2, "bord", "Did you mean 'board'");
        AssertHas(errors, 3, "flush.interval", "duration");
        AssertHas(errors, 3, "flush.readings", "from 1 to");
        AssertHas(errors, 5, "recipients[0].url", "plaintext");
        AssertHas(errors, 6, "recipients[1].name", "vendor");
        AssertHas(errors, 9, "sensors[0].kind", "simulated");
        AssertHas(errors, 10, "sensors[1]", "'name' is missing");
        AssertHas(errors, 11, "sensors[2].intervall", "Did you mean 'interval'");
    }

    [Fact]
    public void A_second_of_a_name_is_said_although_the_first_or_it_is_wrong_in_other_ways_too()
    {
        var (_, errors) = Load("""
            {
              "recipients": [ { "name": "vendor", "url": "nonsense" }, { "name": "vendor" } ],
              "geofences": [ { "id": "yard" }, { "id": "yard" } ],
              "sensors": [
                { "name": "a", "kind": "hwmon", "intervall": "1s" },
                { "name": "a", "kind": "iiio" },
                { "name": "b", "kind": "iiio" },
                { "name": "b", "kind": "hwmon" },
                { "name": "B B", "kind": "iiio", "whatever": 1 },
                { "kind": "iiio" }
              ]
            }
            """);
        AssertHas(errors, 2, "recipients[1].name", "another recipient called 'vendor'");
        AssertHas(errors, 3, "geofences[1].id", "another geofence called 'yard'");
        AssertHas(errors, 6, "sensors[1].name", "another sensor called 'a'");
        AssertHas(errors, 6, "sensors[1].kind", "no kind of sensor");
        AssertHas(errors, 8, "sensors[3].name", "another sensor called 'b'");
        AssertHas(errors, 9, "sensors[4].name", "must be");
        AssertHas(errors, 10, "sensors[5]", "'name' is missing");
        Assert.DoesNotContain(errors, static e => e.Path == "sensors[4].whatever");
    }

    [Fact]
    public void What_there_are_too_many_errors_to_show_is_counted()
    {
        var all = new ConfigErrors();
        ConfigLoader.Load(Encoding.UTF8.GetBytes($"{{ {string.Join(", ", Enumerable.Range(0, 150).Select(static i => $"\"unknown-{i}\": 1"))} }}"), "/nowhere/config.json", new ConfigOverrides(), all);
        Assert.Equal((150, ConfigErrors.ErrorsMax), (all.Count, all.All.Count));
    }

    [Theory]
    [InlineData("mqtts://broker", "broker", 8883, true)]
    [InlineData("mqtts://broker:443", "broker", 443, true)]
    [InlineData("mqtt://localhost", "localhost", 1883, false)]
    [InlineData("mqtt://[::1]:1884", "::1", 1884, false)]
    public void Broker_urls_are_read(string url, string host, int port, bool tls)
    {
        Assert.True(BrokerUrl.TryParse(url, out var broker, out _));
        Assert.Equal(new BrokerUrl(host, port, tls), broker);
    }

    [Theory]
    [Promise("R66", "R113")]
    [InlineData("mqtt://broker.example.com", "mqtts://broker.example.com")]
    [InlineData("mqtt://10.0.0.1", "plaintext")]
    [InlineData("https://broker", "mqtts://")]
    [InlineData("mqtts://user:secret@broker", "userName")]
    [InlineData("broker", "mqtts://")]
    public void Unsafe_or_odd_broker_urls_are_refused_with_the_remedy(string url, string says)
    {
        Assert.False(BrokerUrl.TryParse(url, out _, out var why));
        Assert.Contains(says, why, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", why, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("{\"sensors\": 3}")]
    [InlineData("\0\0\0\0")]
    public void What_is_no_configuration_gives_an_error_and_no_exception(string text)
    {
        var (config, errors) = Load(text);
        Assert.Null(config);
        Assert.NotEmpty(errors);
    }

    [Fact]
    public void Any_mutilated_file_gives_errors_and_no_exception()
    {
        var random = new Random(20260101);
        var good = Encoding.UTF8.GetBytes(Good);
        for (var i = 0; i < 2000; i++)
        {
            var bytes = (byte[])good.Clone();
            for (var n = random.Next(1, 6); n > 0; n--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            ConfigLoader.Load(bytes.AsSpan(0, random.Next(bytes.Length)), "/nowhere/config.json", new ConfigOverrides(), new ConfigErrors());
        }
    }

    [Fact]
    [Promise("R74")]
    public void Nothing_can_be_sent_to_somebody_the_policy_does_not_list()
    {
        var (config, errors) = Load("""{ "recipients": [ { "name": "advertiser", "url": "mqtts://ads.example" } ] }""");
        Assert.Null(config);
        AssertHas(errors, 1, "recipients[0].name", "names no recipient 'advertiser'");
    }

    [Fact]
    public void A_policy_whose_signature_does_not_match_is_refused()
    {
        using var folder = new TempFolder();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var shipped = File.ReadAllText(Path.Join(Places.Repository, "src/FieldAgent.Privacy/policy/fieldagent-policy.json"));
        var document = folder.Write("policy.json", shipped);
        folder.Write("key.pem", key.ExportSubjectPublicKeyInfoPem());
        var text = $$"""{ "policy": "{{document}}", "policyKey": "{{folder.File("key.pem")}}" }""";

        // A local file may be unsigned; once there is a signature beside it, it must hold.
        Assert.NotNull(Load(text).Config);
        File.WriteAllBytes(document + ".sig", Privacy.PolicySignature.Sign(Encoding.UTF8.GetBytes(shipped), key));
        Assert.NotNull(Load(text).Config);
        File.AppendAllText(document, "\n");
        AssertHas(Load(text).Errors, 1, "policy", "does not match");
        folder.Write("key.pem", "no key");
        AssertHas(Load(text).Errors, 1, "policyKey", "P-256");
    }

    private static (AgentConfig? Config, IReadOnlyList<ConfigError> Errors) Load(string text)
    {
        var errors = new ConfigErrors();
        var config = ConfigLoader.Load(Encoding.UTF8.GetBytes(text), "/nowhere/config.json", new ConfigOverrides(), errors);
        return (config, errors.All);
    }

    private static void AssertHas(IReadOnlyList<ConfigError> errors, int line, string path, string says) =>
        Assert.Contains(errors, e => e.Line == line && e.Path == path && e.Message.Contains(says, StringComparison.Ordinal));
}
