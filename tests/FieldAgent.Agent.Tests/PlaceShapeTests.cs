using System.Text;
using FieldAgent.Agent.Configuration;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Agent.Tests;

/// <summary>The options of identity, geofences and analytics.</summary>
public sealed class PlaceShapeTests
{
    [Fact]
    [Promise("R20", "R24")]
    public void Without_a_word_no_hardware_identifier_and_no_outside_provider_is_used()
    {
        var config = Load("{}", out var errors)!;
        Assert.True(errors.IsEmpty);
        Assert.Empty(config.Supplements);
        Assert.Empty(config.Fences);
        Assert.Equal(TimeSpan.FromHours(1), config.AnalyticsWindow);
    }

    [Fact]
    public void Everything_can_be_set()
    {
        var config = Load("""
            {
              "identity": { "supplements": ["serial", "mac"] },
              "geofences": [
                { "id": "yard", "circle": { "latitude": 46.8, "longitude": 8.2, "radiusM": 250 }, "hysteresisM": 30 },
                { "id": "pacific", "polygon": [[-10, 170], [-10, -170], [10, -170], [10, 170]] }
              ],
              "analytics": { "window": "6h" }
            }
            """, out var errors)!;
        Assert.True(errors.IsEmpty, string.Join("\n", errors.All));
        Assert.Equal(["serial", "mac"], config.Supplements);
        Assert.Equal(["yard", "pacific"], config.Fences.Select(static f => f.Id));
        Assert.Equal(30, config.Fences[0].HysteresisM);
        Assert.Equal(TimeSpan.FromHours(6), config.AnalyticsWindow);
    }

    [Fact]
    public void All_that_is_wrong_is_named_at_its_place()
    {
        Assert.Null(Load("""
            {
              "identity": { "supplements": ["imei"] },
              "geofences": [
                { "id": "a" },
                { "id": "b", "circle": { "latitude": 1, "longitude": 2, "radiusM": 100 }, "polygon": [[1, 2], [3, 4], [5, 6]] },
                { "id": "c", "polygon": [[1, 2], [3, 4]] },
                { "id": "d", "polygon": [[1, 2], [3, 4], [5, 600]] },
                { "id": "e", "circle": { "latitude": 1, "longitude": 2, "radiusM": 15 }, "hysteresisM": 20 },
                { "id": "f", "circle": { "latitude": 1, "longitude": 2, "radiusM": 100 } },
                { "id": "f", "circle": { "latitude": 1, "longitude": 2, "radiusM": 100 } },
                { "circle": { "latitude": 1, "longitude": 2, "radiusM": 100 } }
              ],
              "analytics": { "window": "10m" }
            }
            """, out var errors));
        var places = errors.All.Select(static e => e.Path).ToList();
        foreach (var place in new[]
        {
            "identity.supplements[0]", "geofences[0]", "geofences[1]", "geofences[2]", "geofences[3].polygon[2]", "geofences[4].hysteresisM",
            "geofences[6].id", "geofences[7]", "analytics.window",
        })
        {
            Assert.True(places.Exists(p => p.StartsWith(place, StringComparison.Ordinal)), $"{place} is not among: {string.Join("; ", errors.All)}");
        }
    }

    private static AgentConfig? Load(string json, out ConfigErrors errors)
    {
        errors = new ConfigErrors();
        return ConfigLoader.Load(Encoding.UTF8.GetBytes(json), "/tmp/config.json", new ConfigOverrides(), errors);
    }
}
