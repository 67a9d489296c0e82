using System.Text;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;

namespace FieldAgent.Privacy.Tests;

public sealed class SignedDocumentTests
{
    [Fact]
    public void A_signature_holds_and_names_its_key()
    {
        using var signer = new DeviceSigner(new FixedKeys(), "vendor");
        var signed = SignedDocument.Sign(signer, new JsonObject { ["type"] = "test", ["n"] = 7, ["é"] = "ü\u0001\"\\" });
        var read = SignedDocument.TryVerify(signed, out var why);
        Assert.Equal("", why);
        Assert.Equal("test", read!.Type);
        Assert.Equal(signer.KeyId, read.KeyId);
        Assert.Equal(7, (int)read.Document["n"]!);
    }

    [Fact]
    public void Any_changed_byte_is_noticed()
    {
        using var signer = new DeviceSigner(new FixedKeys(), "vendor");
        var signed = SignedDocument.Sign(signer, new JsonObject { ["type"] = "test", ["n"] = 7 });
        for (var i = 0; i < signed.Length; i++)
        {
            var changed = signed.ToArray();
            changed[i] ^= 1;
            Assert.Null(SignedDocument.TryVerify(changed, out var why));
            Assert.NotEqual("", why);
        }
    }

    [Fact]
    [Promise("R22", "R71")]
    public void Neither_recipients_nor_epochs_share_a_key()
    {
        var keys = new FixedKeys();
        string[] ids = [Id(keys, "a", 0), Id(keys, "b", 0), Id(keys, "a", 1), Id(new FixedKeys(1), "a", 0)];
        Assert.Equal(ids.Length, ids.Distinct().Count());
        Assert.Equal(ids[0], Id(keys, "a", 0));

        static string Id(FixedKeys keys, string audience, int epoch)
        {
            using var signer = new DeviceSigner(keys, audience, epoch);
            return signer.KeyId;
        }
    }

    [Fact]
    public void The_canonical_form_does_not_depend_on_the_order_or_the_escapes_of_the_source() =>
        Check.One(
            Config.QuickThrowOnFailure,
            Prop.ForAll(ArbMap.Default.ArbFor<(NonNull<string> Name, NonNull<string> Text, int Number)[]>(), members =>
            {
                var given = members.DistinctBy(static m => m.Name.Get).Where(static m => IsText(m.Name.Get) && IsText(m.Text.Get)).ToList();
                var forward = new JsonObject(given.Select(static m => KeyValuePair.Create<string, JsonNode?>(m.Name.Get, new JsonArray(m.Text.Get, m.Number, true, null))));
                given.Reverse();
                var backward = new JsonObject(given.Select(static m => KeyValuePair.Create<string, JsonNode?>(m.Name.Get, new JsonArray(m.Text.Get, m.Number, true, null))));
                var canonical = CanonicalJson.Write(forward);
                Assert.Equal(canonical, CanonicalJson.Write(backward));
                Assert.Equal(canonical, CanonicalJson.Write(JsonNode.Parse(canonical)!));
                Assert.Equal(canonical, CanonicalJson.Write(JsonNode.Parse(forward.ToJsonString())!));
            }));

    [Theory]
    [InlineData("""{"document":{"a":1.5},"signature":{}}""")]
    [InlineData("""{"document":{"a":1,"a":2},"signature":{"alg":"ES256"}}""")]
    [InlineData("[]")]
    [InlineData("")]
    [InlineData("""{"document":{},"signature":{"alg":"none"}}""")]
    [InlineData("""{"document":{},"signature":{"alg":"ES256","publicKey":"AAAA"}}""")]
    public void Nonsense_is_refused_with_a_reason(string text)
    {
        Assert.Null(SignedDocument.TryVerify(Encoding.UTF8.GetBytes(text), out var why));
        Assert.NotEqual("", why);
    }

    private static bool IsText(string text) => text.All(static c => !char.IsSurrogate(c));
}
