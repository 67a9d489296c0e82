using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace FieldAgent.Faults.Tests;

/// <summary><c>fieldagent policy …</c> as a technician types it.</summary>
public sealed class PolicyCommandTests
{
    private static readonly string Shipped = File.ReadAllText(Path.Join(Places.Repository, "src/FieldAgent.Privacy/policy/fieldagent-policy.json"));

    [Fact]
    public void Check_lists_every_error_with_line_and_path()
    {
        using var folder = new TempFolder();
        var good = folder.Write("good.json", Shipped);
        var (code, text, _) = AgentProcess.Run("policy", "check", good);
        Assert.Equal(0, code);
        Assert.Contains("good. Version 2.0.0", text, StringComparison.Ordinal);

        var bad = folder.Write("bad.json", Shipped
            .Replace("\"version\": \"2.0.0\"", "\"version\": 2", StringComparison.Ordinal)
            .Replace("\"term\": \"7d\"", "\"term\": \"forever\"", StringComparison.Ordinal));
        (code, _, var error) = AgentProcess.Run("policy", "check", bad);
        Assert.Equal(78, code);
        Assert.Contains("bad.json:3: version:", error, StringComparison.Ordinal);
        Assert.Contains(".term:", error, StringComparison.Ordinal);
        Assert.Contains("2 errors", error, StringComparison.Ordinal);
        Assert.Equal(78, AgentProcess.Run("policy", "check", folder.File("none.json")).ExitCode);
    }

    [Fact]
    public void Check_tells_a_tampered_document_from_a_signed_one()
    {
        using var folder = new TempFolder();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var document = folder.Write("policy.json", Shipped);
        var pem = folder.Write("key.pem", key.ExportSubjectPublicKeyInfoPem());
        var signature = folder.File("policy.json.sig");
        File.WriteAllBytes(signature, Privacy.PolicySignature.Sign(Encoding.UTF8.GetBytes(Shipped), key));
        var (code, text, _) = AgentProcess.Run("policy", "check", document, "--signature", signature, "--key", pem);
        Assert.Equal(0, code);
        Assert.Contains("signed with that key", text, StringComparison.Ordinal);
        File.AppendAllText(document, " ");
        (code, _, var error) = AgentProcess.Run("policy", "check", document, "--signature", signature, "--key", pem);
        Assert.Equal(78, code);
        Assert.Contains("does not match", error, StringComparison.Ordinal);
        Assert.Equal(64, AgentProcess.Run("policy", "check", document, "--key", pem).ExitCode);
    }

    [Fact]
    [Promise("R107", "R108")]
    public void Diff_says_what_widens_and_who_must_consent_again()
    {
        using var folder = new TempFolder();
        var newer = folder.Write("newer.json", Shipped.Replace("\"term\": \"7d\"", "\"term\": \"14d\"", StringComparison.Ordinal));
        var (code, text, _) = AgentProcess.Run("policy", "diff", "-", newer);
        Assert.Equal(0, code);
        Assert.Contains("7d -> 14d", text, StringComparison.Ordinal);
        Assert.Contains("suspended until consent is given again: remote-support", text, StringComparison.Ordinal);

        (code, text, _) = AgentProcess.Run("policy", "diff", newer, "-", "--json");
        Assert.Equal(0, code);
        var lines = text.Trim().Split('\n').Select(static line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.Equal(["narrows", "summary"], lines.Select(static line => line.GetProperty("type").GetString()));
        Assert.Equal("14d", lines[0].GetProperty("from").GetString());
        Assert.Contains("They allow the same.", AgentProcess.Run("policy", "diff", "-", "-").Out, StringComparison.Ordinal);
    }

    [Fact]
    public void Show_notice_table_and_promises_print_what_they_say()
    {
        var (code, notice, error) = AgentProcess.Run("policy", "notice", "--lang", "zh");
        Assert.Equal(0, code);
        Assert.StartsWith("隐私声明", notice, StringComparison.Ordinal);
        Assert.Contains(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(notice))), error, StringComparison.Ordinal);
        Assert.Equal(64, AgentProcess.Run("policy", "notice", "--lang", "fr").ExitCode);

        Assert.Contains("fleet-location", AgentProcess.Run("policy", "show").Out, StringComparison.Ordinal);
        Assert.All(AgentProcess.Run("policy", "show", "--json").Out.Trim().Split('\n'), static line => JsonDocument.Parse(line).Dispose());
        Assert.StartsWith("tier,function,field", AgentProcess.Run("policy", "table", "--csv").Out, StringComparison.Ordinal);
        Assert.Contains("gnss", AgentProcess.Run("policy", "table").Out, StringComparison.Ordinal);

        var promises = AgentProcess.Run("policy", "promises", "--json").Out.Trim().Split('\n').Select(static line => JsonDocument.Parse(line).RootElement);
        Assert.Equal(118, promises.Count());
        Assert.All(promises, static promise =>
        {
            Assert.StartsWith("R", promise.GetProperty("id").GetString(), StringComparison.Ordinal);
            Assert.Equal(JsonValueKind.Array, promise.GetProperty("tests").ValueKind);
            Assert.Contains(promise.GetProperty("inScope").ValueKind, new[] { JsonValueKind.True, JsonValueKind.False });
            Assert.Equal(JsonValueKind.Array, promise.GetProperty("enforcedBy").ValueKind);
        });
    }
}
