using System.Text;
using FieldAgent.Agent.Configuration;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Agent.Tests.Roles;

/// <summary>What is wrong with lines for people at the board is said before anything is opened, with line and path.</summary>
public sealed class RoleConfigTests
{
    private const string Photo = """{ "function": "photo", "field": "image.photo" }""";

    [Fact]
    public void All_four_roles_are_read()
    {
        var config = Load($$"""
            { "roles": {
                "consentSwitch": { "line": "GPIO22", "activeLow": true, "bias": "pull-up",
                    "scopes": [ {{Photo}}, { "function": "fleet-location", "field": "location.position", "precision": "10km" } ] },
                "presenceButton": { "line": "GPIO23" },
                "cameraIndicator": { "line": "GPIO27", "drive": "open-drain" },
                "enclosureTamper": { "line": "3", "chip": "expander", "debounce": "200ms" } } }
            """, out var errors);
        Assert.True(config is not null, string.Join('\n', errors.All));
        Assert.Equal(["GPIO22", "GPIO23", "GPIO27", "3"], config.Roles.Lines.Select(static line => line.Line));
        Assert.Equal([null, "10km"], config.Roles.ConsentSwitch!.Scopes.Select(static scope => scope.Precision));
        Assert.Equal("subject", config.Roles.ConsentSwitch.Role);
    }

    [Theory]
    [InlineData("""{ "roles": { "presenceButton": { "line": "GPIO1" }, "cameraIndicator": { "line": "GPIO1" } } }""", "roles.cameraIndicator: line 'GPIO1' has two roles: presenceButton, cameraIndicator")]
    [InlineData("""{ "roles": { "presenceButton": { "line": "1", "chip": "a" }, "enclosureTamper": { "line": "1" } } }""", "line '1' has two roles")]
    [InlineData("""{ "roles": { "cameraIndicator": { "line": "GPIO1" } }, "sensors": [ { "name": "flow", "kind": "pulse-counter", "line": "GPIO1" } ] }""", "sensors[0]: line 'GPIO1' is used by roles.cameraIndicator already")]
    [InlineData("""{ "sensors": [ { "name": "a", "kind": "gpio", "lines": [ { "name": "x", "line": "7" } ] }, { "name": "cam", "kind": "camera", "folder": ".", "trigger": { "line": "7" } } ] }""", "sensors[1]: line '7' is used by sensor a already")]
    [InlineData("""{ "sensors": [ { "name": "a", "kind": "gpio", "lines": [ { "name": "x", "line": "7" }, { "name": "y", "line": "7" } ] } ] }""", "line '7' is used by sensor a already")]
    [InlineData("""{ "roles": { "consentSwitch": { "line": "GPIO1" } } }""", "'scopes' is missing")]
    [InlineData("""{ "roles": { "consentSwitch": { "line": "GPIO1", "scopes": [] } } }""", "at least one function and field")]
    [InlineData("""{ "roles": { "consentSwitch": { "line": "GPIO1", "scopes": [ { "function": "photo" } ] } } }""", "'field' is missing")]
    [InlineData("""{ "roles": { "consentSwitch": { "line": "GPIO1", "scopes": [ { "function": "photo", "field": "*" } ] } } }""", "'photo' does not use '*'")]
    [InlineData("""{ "roles": { "consentSwitch": { "line": "GPIO1", "scopes": [ { "function": "telemetry", "field": "instrument.measurement" } ] } } }""", "no function 'telemetry' that can be granted")]
    [InlineData("""{ "roles": { "consentSwitch": { "line": "GPIO1", "scopes": [ { "function": "photo", "field": "image.photo", "precision": "1km" } ] } } }""", "only a place has a precision")]
    [InlineData("""{ "roles": { "consentSwitch": { "line": "GPIO1", "scopes": [ { "function": "fleet-location", "field": "location.position", "precision": "5m" } ] } } }""", "unknown precision '5m'")]
    [InlineData("""{ "roles": { "consentSwitch": { "line": "GPIO1", "scopes": [ { "function": "photo", "field": "image.photo" }, { "function": "photo", "field": "image.photo" } ] } } }""", "given twice")]
    [InlineData("""{ "roles": { "indicator": { "line": "GPIO1" } } }""", "unknown option")]
    public void What_is_wrong_is_named(string json, string message)
    {
        Assert.Null(Load(json, out var errors));
        Assert.Contains(errors.All, error => error.ToString().Contains(message, StringComparison.Ordinal));
    }

    [Fact]
    public void One_number_on_two_chips_is_two_lines()
    {
        var config = Load(
            """{ "roles": { "presenceButton": { "line": "1", "chip": "a" }, "enclosureTamper": { "line": "1", "chip": "b" } } }""", out var errors);
        Assert.True(config is not null, string.Join('\n', errors.All));
    }

    private static AgentConfig? Load(string json, out ConfigErrors errors)
    {
        errors = new ConfigErrors();
        return ConfigLoader.Load(Encoding.UTF8.GetBytes(json), "/tmp/c.json", new ConfigOverrides(), errors);
    }
}
