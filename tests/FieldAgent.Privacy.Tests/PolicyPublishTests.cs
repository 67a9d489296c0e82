using System.Security.Cryptography;
using System.Text;
using FieldAgent.Core;

namespace FieldAgent.Privacy.Tests;

/// <summary>What is published is what is enforced: notice, necessity table and permission table are written from the rules.</summary>
public sealed class PolicyPublishTests
{
    [Theory]
    [Promise("R4", "R73", "R101", "R104", "R108")]
    [InlineData("en")]
    [InlineData("zh")]
    public void TheNoticeNamesEveryRuleRecipientAndRight(string language)
    {
        var policy = Policy.Shipped();
        var notice = PolicyNotice.Text(policy, language);
        Assert.EndsWith("\n", notice, StringComparison.Ordinal);
        Assert.Contains(policy.Version, notice);
        Assert.Contains("2026-01-01", notice);
        Assert.Contains(policy.Changes.For(language), notice);
        Assert.All(policy.Contacts, contact => Assert.Contains(contact, notice));
        Assert.All(policy.Functions, function => Assert.Contains($"{function.Name}: {function.Notice.For(language)}", notice));
        Assert.All(policy.Rules, rule => Assert.Contains($"- {rule.Field.Name}: {rule.Field.Summary.For(language)}", notice));
        Assert.All(policy.Rights, right => Assert.Contains(right.How.For(language), notice));
        Assert.All(policy.Recipients, recipient =>
        {
            Assert.Contains(recipient.Subject.For(language), notice);
            Assert.Contains(recipient.Method.For(language), notice);
            Assert.Contains(recipient.Purpose.For(language), notice);
            Assert.Contains(recipient.PolicyLink, notice);
            Assert.Contains(recipient.Agreement, notice);
        });
    }

    [Fact]
    [Promise("R4")]
    public void TheHashIsOfTheVeryNoticeAndChangesWithIt()
    {
        var policy = Policy.Shipped();
        Assert.Equal(
            Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(PolicyNotice.Text(policy, "zh")))), PolicyNotice.Hash(policy, "zh"));
        Assert.Equal(PolicyNotice.Hash(policy, "en"), PolicyNotice.Hash(Policy.Shipped(), "en"));
        Assert.NotEqual(PolicyNotice.Hash(policy, "en"), PolicyNotice.Hash(policy, "zh"));
        var longer = House.Read(File.ReadAllText(Path.Join(Places.Repository, "src/FieldAgent.Privacy/policy/fieldagent-policy.json"))
            .Replace("\"term\": \"90d\"", "\"term\": \"91d\"", StringComparison.Ordinal));
        Assert.NotEqual(PolicyNotice.Hash(policy, "en"), PolicyNotice.Hash(longer, "en"));
        Assert.Throws<ArgumentException>(() => PolicyNotice.Text(policy, "fr"));
    }

    [Fact]
    public void TheChineseNoticeIsChinese()
    {
        var notice = PolicyNotice.Text(Policy.Shipped(), "zh");
        Assert.Contains("隐私声明", notice);
        foreach (var word in new[] { "kept at most", "necessary", "on the basis", "personal", " days", "sending" })
        {
            Assert.DoesNotContain(word, notice);
        }
    }

    [Fact]
    [Promise("R26", "R27", "R28", "R29", "R30", "R32")]
    public void EveryRowOfThePublishedNecessityTableHasItsRuleOrAReason()
    {
        var policy = Policy.Shipped();
        var table = Csv("necessity.csv");
        var map = Csv("necessity-map.csv").ToDictionary(static row => (row["product"], row["function"], row["field"]));
        Assert.Equal(100, table.Count);
        foreach (var row in table)
        {
            var key = (row["product"], row["function"], row["field"]);
            Assert.True(map.Remove(key, out var mapped), $"{key} is not mapped");
            if (mapped!["counterpart"] == "-")
            {
                Assert.True(mapped["reason"].Length > 10, $"{key}: say why a device has none");
                continue;
            }

            var names = mapped["counterpart"].Split(' ');
            var rule = policy.Rule(names[0], names[1]);
            Assert.True(rule is not null, $"{key}: the policy has no rule {mapped["counterpart"]}");
            Assert.True(
                rule!.Necessary == (row["necessary"] == "Y") || mapped["reason"].Length > 10, $"{key}: say why necessity differs");
        }

        Assert.True(map.Count == 0, "no longer in the table: " + string.Join(", ", map.Keys));
    }

    [Fact]
    [Promise("R55", "R57")]
    public void EveryRowOfThePublishedPermissionTableHasItsPermissionOrAReason()
    {
        var lines = PermissionTable.Of(Policy.Shipped()).ToDictionary(static line => PermissionTable.Word(line.Permission));
        var map = Csv("permissions-map.csv").ToDictionary(static row => (row["os"], row["permission"], row["necessity"]));
        foreach (var row in Csv("permissions.csv"))
        {
            var key = (row["os"], row["permission"], row["necessity"]);
            Assert.True(map.Remove(key, out var mapped), $"{key} is not mapped");
            if (mapped!["counterpart"] == "-")
            {
                Assert.True(mapped["reason"].Length > 10, $"{key}: say why a device has none");
                continue;
            }

            Assert.True(lines.TryGetValue(mapped["counterpart"], out var line), $"{key}: there is no permission {mapped["counterpart"]}");
            Assert.True(line!.Required == (row["necessity"] == "Required") || mapped["reason"].Length > 10, $"{key}: say why necessity differs");
        }

        Assert.True(map.Count == 0, "no longer in the table: " + string.Join(", ", map.Keys));
    }

    [Fact]
    [Promise("R55", "R41")]
    public void PermissionsFollowFromTheFunctionsThatAreOn()
    {
        var policy = Policy.Shipped();
        var basic = PermissionTable.Needed(policy, static rule => rule.Function.Tier == FunctionTier.Basic && rule.Necessary);
        Assert.Equal(
            DevicePermissions.Sensors | DevicePermissions.Network | DevicePermissions.Storage | DevicePermissions.SystemFacts, basic);
        Assert.True(PermissionTable.Needed(policy, static rule => rule.Function.Name == "photo").HasFlag(DevicePermissions.Camera));
        Assert.Equal(DevicePermissions.None, PermissionTable.Needed(policy, static _ => false));

        // A fence needs the receiver, and keeps no place.
        Assert.Equal(DevicePermissions.Gnss, PermissionTable.Of(policy.Rule("geofence", "location.position")!));
        Assert.All(PermissionTable.Of(policy), static line => Assert.NotEmpty(line.Functions));
        Assert.False(PermissionTable.Of(policy).Single(static line => line.Permission == DevicePermissions.Camera).Required);
    }

    [Fact]
    [Promise("R26", "R111")]
    public void TheNecessityTableHasALineForEveryRule()
    {
        var rows = PolicyTables.Necessity(Policy.Shipped());
        Assert.Equal(Policy.Shipped().Rules.Count + 1, rows.Count);
        Assert.Contains(rows, static row => row[1] == "photo" && row[2] == "image.location" && row[3] == "N");
        var csv = PolicyTables.Csv(rows);
        Assert.StartsWith("tier,function,field,necessary,purpose\nbasic,telemetry,instrument.measurement,Y,operation of the instrument\n", csv);
        Assert.Equal("\"a,b\",\"c \"\"d\"\"\"\n", PolicyTables.Csv([["a,b", "c \"d\""]]));
    }

    private static List<Dictionary<string, string>> Csv(string name)
    {
        var lines = File.ReadAllLines(Path.Join(Places.Repository, "tests/FieldAgent.Privacy.Tests/data", name));
        var heading = lines[0].TrimStart('\uFEFF').Split(',');
        return [.. lines.Skip(1).Where(static line => line.Length > 0).Select(line =>
        {
            var cells = line.Split(',', heading.Length);
            return heading.Select((column, i) => (column, cells[i])).ToDictionary(static cell => cell.column, static cell => cell.Item2);
        })];
    }
}
