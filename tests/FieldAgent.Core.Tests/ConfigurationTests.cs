using System.Text;
using System.Text.Json;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Core.Tests;

public sealed class ConfigurationTests
{
    private static readonly Option<string> Label = Opt.Text("label", "A text.", lengthMax: 8);
    private static readonly Option<string> Id = Opt.Name("id", "A name.", required: true);
    private static readonly Option<TimeSpan> Interval = Opt.Duration(
        "interval", "Time between readings.", TimeSpan.FromSeconds(1), TimeSpan.FromMilliseconds(10), TimeSpan.FromHours(1));
    private static readonly Option<long> Count = Opt.Integer("count", "How many.", 3, 1, 10);
    private static readonly Option<double> Gain = Opt.Number("gain", "Factor.", 1.5, 0, 100);
    private static readonly Option<bool> On = Opt.Flag("on", "Switch.", true);
    private static readonly Option<long> Cap = Opt.Bytes("cap", "Bytes.", 1024, 1, 1L << 40);
    private static readonly Option<string> Mode = Opt.Choice("mode", "Mode.", "slow", false, "slow", "fast");
    private static readonly Option<IReadOnlyList<long>> Pins = Opt.List("pins", "Pins.", Opt.Integer("pin", "A pin.", 0, 0, 53), 4);
    private static readonly ConfigShape Inner = new("Inner.", Id, Interval);
    private static readonly Option<ConfigSection?> Single = Opt.Section("single", "One.", Inner);
    private static readonly Option<IReadOnlyList<ConfigSection>> Many = Opt.Sections("many", "Several.", Inner, 3);
    private static readonly ConfigShape Shape = new("Everything.", Label, Interval, Count, Gain, On, Cap, Mode, Pins, Single, Many);

    [Fact]
    public void WhatIsNotGivenIsItsDefault()
    {
        var section = Bind("{}", out var errors);
        Assert.True(errors.IsEmpty);
        Assert.Equal(
            ("", TimeSpan.FromSeconds(1), 3L, 1.5, true, 1024L, "slow"),
            (section.Get(Label), section.Get(Interval), section.Get(Count), section.Get(Gain), section.Get(On), section.Get(Cap), section.Get(Mode)));
        Assert.Empty(section.Get(Pins));
        Assert.Null(section.Get(Single));
        Assert.False(section.Has(Label));
    }

    [Fact]
    public void EveryKindIsReadWithCommentsAndTrailingCommas()
    {
        var section = Bind(
            """
            {
              // a comment
              "$schema": "x", "label": "böx", "interval": "250ms", "count": 10, "gain": 2.5e1, "on": false, "cap": "64MiB",
              "mode": "fast", "pins": [0, 53,], "single": { "id": "a-1" }, "many": [ { "id": "b" }, { "id": "c", "interval": "5m" } ],
              /* end */
            }
            """,
            out var errors);
        Assert.True(errors.IsEmpty, string.Join("\n", errors.All));
        Assert.Equal(
            ("böx", TimeSpan.FromMilliseconds(250), 10L, 25.0, false, 64L << 20, "fast"),
            (section.Get(Label), section.Get(Interval), section.Get(Count), section.Get(Gain), section.Get(On), section.Get(Cap), section.Get(Mode)));
        Assert.Equal([0L, 53L], section.Get(Pins));
        Assert.Equal("a-1", section.Get(Single)!.Get(Id));
        Assert.Equal(TimeSpan.FromMinutes(5), section.Get(Many)[1].Get(Interval));
        Assert.Equal(6, section.NodeOf(Many).Items.Count + section.NodeOf(Pins).Items.Count + 2);
    }

    [Fact]
    public void AllErrorsComeAtOnceByLineWithPath()
    {
        Bind(
            """
            {
              "label": "far too long a text",
              "intervall": "10s",
              "count": 11,
              "gain": "much",
              "on": "yes",
              "cap": "64 MB",
              "mode": "medium",
              "pins": [1, 99, "x"],
              "single": {},
              "many": [ { "id": "ok" },
                        { "id": "Not OK", "interval": "1ms" } ]
            }
            """,
            out var errors);
        var all = errors.All;
        Assert.Equal(all.Select(static e => e.Line).Order(), all.Select(static e => e.Line));
        Assert.Equal(
            [
                (2, "label"), (3, "intervall"), (4, "count"), (5, "gain"), (6, "on"), (7, "cap"), (8, "mode"),
                (9, "pins[1]"), (9, "pins[2]"), (10, "single"), (12, "many[1].id"), (12, "many[1].interval"),
            ],
            all.Select(static e => (e.Line, e.Path)));
        Assert.Contains("Did you mean 'interval'?", all[1].Message);
        Assert.Contains("1 to 10", all[2].Message);
        Assert.Contains("slow, fast", all[6].Message);
        Assert.Contains("'id' is missing: A name.", all[9].Message);
        Assert.Equal("4: count: must be a whole number from 1 to 10", all[2].ToString());
    }

    [Theory]
    [InlineData("", 1, "empty")]
    [InlineData("{\n\"a\": }", 2, "not valid JSON")]
    [InlineData("{\n\"a\": 1\n", 3, "not valid JSON")]
    [InlineData("{} {}", 1, "not valid JSON")]
    [InlineData("[1, 2]", 1, "must be an object")]
    [InlineData("{\"label\": 5}", 1, "string in quotes")]
    [InlineData("{\"single\": []}", 1, "must be an object")]
    [InlineData("{\"many\": {}}", 1, "must be a list")]
    [InlineData("{\"pins\": [1,2,3,4,5]}", 1, "at most 4")]
    [InlineData("{\"on\": true,\n\"on\": false}", 2, "given twice")]
    [InlineData("{\"what\": 1}", 1, "Known here: label")]
    public void WrongDocumentsNameTheLine(string text, int line, string message)
    {
        var errors = new ConfigErrors();
        if (ConfigNode.Parse(Encoding.UTF8.GetBytes(text), errors) is { } node)
        {
            Shape.Bind(node, errors);
        }

        Assert.Contains(errors.All, e => e.Line == line && e.Message.Contains(message, StringComparison.Ordinal));
    }

    [Fact]
    public void InputIsBounded()
    {
        var errors = new ConfigErrors();
        Assert.Null(ConfigNode.Parse(new byte[ConfigNode.BytesMax + 1], errors));
        Assert.Contains("larger than", errors.All[0].Message);

        var deep = new ConfigErrors();
        Assert.Null(ConfigNode.Parse(Encoding.UTF8.GetBytes(new string('[', 1_000)), deep));
        Assert.False(deep.IsEmpty);

        var many = new ConfigErrors();
        for (var i = 0; i < 1_000; i++)
        {
            many.Add(i, "x", "wrong");
        }

        Assert.Equal(ConfigErrors.ErrorsMax, many.All.Count);
    }

    [Fact]
    public void NoBytesMakeTheParserThrow()
    {
        var seed = Encoding.UTF8.GetBytes("{\"label\":\"é\\u00e9\",\"pins\":[1,2],\"single\":{\"id\":\"a\",\"interval\":\"1s\"},\"gain\":1e2}");
        var random = new Random(7);
        for (var i = 0; i < 20_000; i++)
        {
            var copy = (byte[])seed.Clone();
            for (var n = random.Next(1, 5); n > 0; n--)
            {
                copy[random.Next(copy.Length)] = (byte)random.Next(256);
            }

            var errors = new ConfigErrors();
            if (ConfigNode.Parse(copy, errors) is { } node)
            {
                Shape.Bind(node, errors);
            }
            else
            {
                Assert.False(errors.IsEmpty);
            }
        }
    }

    [Theory]
    [InlineData("10s", 10_000)]
    [InlineData("250ms", 250)]
    [InlineData("1.5h", 5_400_000)]
    [InlineData("5m", 300_000)]
    [InlineData("5min", 300_000)]
    [InlineData("30d", 2_592_000_000)]
    public void DurationsAreReadAndWritten(string text, double milliseconds)
    {
        Assert.True(Opt.TryParseDuration(text, out var value));
        Assert.Equal(milliseconds, value.TotalMilliseconds);
        Assert.True(Opt.TryParseDuration(Opt.Write(value), out var again));
        Assert.Equal(value, again);
    }

    [Theory]
    [InlineData("")]
    [InlineData("s")]
    [InlineData("10")]
    [InlineData("-1s")]
    [InlineData("1 s")]
    [InlineData("1,5s")]
    [InlineData("forever")]
    [InlineData("99999999999999999999d")]
    [InlineData("NaNs")]
    public void OtherTextsAreNoDurations(string text) => Assert.False(Opt.TryParseDuration(text, out _));

    [Theory]
    [InlineData("1B", 1)]
    [InlineData("500kB", 500_000)]
    [InlineData("64MiB", 64L << 20)]
    [InlineData("2GiB", 2L << 30)]
    public void SizesAreRead(string text, long bytes)
    {
        Assert.True(Opt.TryParseBytes(text, out var value));
        Assert.Equal(bytes, value);
        Assert.False(Opt.TryParseBytes("-" + text, out _));
        Assert.False(Opt.TryParseBytes("9999999999999" + text, out var huge) && huge < 0);
    }

    [Fact]
    public void TheShapeIsAlsoAJsonSchema()
    {
        using var schema = JsonDocument.Parse(ConfigSchema.Of(Shape, ("more", "{\"type\":\"null\"}")));
        var properties = schema.RootElement.GetProperty("properties");
        Assert.Equal(Shape.Options.Count + 1, properties.EnumerateObject().Count());
        Assert.Equal(10, properties.GetProperty("count").GetProperty("maximum").GetInt32());
        Assert.Equal("id", properties.GetProperty("single").GetProperty("required")[0].GetString());
        Assert.False(schema.RootElement.GetProperty("additionalProperties").GetBoolean());
        Assert.Contains("Default: 1s.", properties.GetProperty("interval").GetProperty("description").GetString());
    }

    private static ConfigSection Bind(string text, out ConfigErrors errors)
    {
        errors = new ConfigErrors();
        var node = ConfigNode.Parse(Encoding.UTF8.GetBytes(text), errors);
        Assert.NotNull(node);
        return Shape.Bind(node, errors);
    }
}
