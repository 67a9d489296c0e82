using System.Text;
using FieldAgent.Core;

namespace FieldAgent.Privacy.Tests;

public sealed class PseudonymTests
{
    private const string MachineId = "0123456789abcdef0123456789abcdef";

    [Fact]
    [Promise("R19")]
    public void MatchesAValueComputedElsewhere()
    {
        // Python: base64.b32encode(hmac.new(bytes(range(32)), installation_id + machine_id, sha256).digest())
        var pseudonym = new Pseudonym(new PlainKey(), MachineId + "\n");
        Assert.Equal("aa6et64tzfcfj5tkoctmupc7lm", pseudonym.For("vendor"));
    }

    [Fact]
    [Promise("R21")]
    public void IsTheSameAfterARestart() =>
        Assert.Equal(new Pseudonym(new FixedKeys(), MachineId).For("vendor"), new Pseudonym(new FixedKeys(), MachineId).For("vendor"));

    [Fact]
    [Promise("R19", "R71")]
    public void DiffersForEveryRecipientBoardAndInstallation()
    {
        var all = new HashSet<string>(StringComparer.Ordinal);
        foreach (var recipient in new[] { "vendor", "operator", "lab" })
        {
            Assert.True(all.Add(new Pseudonym(new FixedKeys(), MachineId).For(recipient)));
            Assert.True(all.Add(new Pseudonym(new FixedKeys(1), MachineId).For(recipient)));
            Assert.True(all.Add(new Pseudonym(new FixedKeys(), "f" + MachineId[1..]).For(recipient)));
            Assert.True(all.Add(new Pseudonym(new FixedKeys { InstallationId = new Guid("00112233-4455-6677-8899-aabbccddeef0") }, MachineId).For(recipient)));
        }

        Assert.All(all, static one => Assert.True(one.Length == 26 && one.All(static c => char.IsAsciiLetterLower(c) || c is >= '2' and <= '7')));
    }

    [Fact]
    [Promise("R19")]
    public void HoldsNothingOfWhatItIsMadeFrom()
    {
        var pseudonym = new Pseudonym(new FixedKeys(), MachineId).For("vendor");
        for (var i = 0; i + 6 <= MachineId.Length; i++)
        {
            Assert.DoesNotContain(MachineId.Substring(i, 6), pseudonym);
        }
    }

    [Fact]
    public void TagsCannotBeLinkedBetweenRecipients()
    {
        var keys = new FixedKeys();
        Assert.NotEqual(Pseudonym.TagKey(keys, "vendor"), Pseudonym.TagKey(keys, "lab"));
        Assert.Equal(Pseudonym.TagKey(keys, "vendor"), Pseudonym.TagKey(keys, "vendor"));
    }

    [Fact]
    [Promise("R22")]
    public void NothingThatARecipientSeesIsTheSameInTwoEpochs()
    {
        var keys = new FixedKeys();
        var pseudonym = new Pseudonym(keys, MachineId);
        using var signer = new DeviceSigner(keys, "vendor");
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (keys.Epoch = 0; keys.Epoch < 50; keys.Epoch++)
        {
            Assert.True(seen.Add(pseudonym.For("vendor")));
            Assert.True(seen.Add(Convert.ToHexString(Pseudonym.TagKey(keys, "vendor"))));
            Assert.True(seen.Add(signer.KeyId));
            Assert.True(seen.Add(Convert.ToHexString(signer.PublicKey.Span)));
        }

        // No part of one is in another either.
        keys.Epoch = 0;
        var first = pseudonym.For("vendor");
        keys.Epoch = 1;
        var second = pseudonym.For("vendor");
        for (var i = 0; i + 8 <= first.Length; i++)
        {
            Assert.DoesNotContain(first.Substring(i, 8), second);
        }
    }

    [Fact]
    [Promise("R23")]
    public void DocumentsAreSignedWithADeviceKeyThatNoHardwareIdentifierGoesInto()
    {
        // The same board in another machine, and with supplements on, signs with the same key: it hangs on the device key alone.
        using var one = new DeviceSigner(new FixedKeys(), "vendor");
        using var two = new DeviceSigner(new FixedKeys(1), "vendor");
        Assert.NotEqual(one.KeyId, two.KeyId);
        Assert.DoesNotContain(typeof(DeviceSigner).GetConstructors(), static c => c.GetParameters().Any(static p => p.ParameterType == typeof(ISupplement)));
        using var key = System.Security.Cryptography.ECDsa.Create();
        key.ImportSubjectPublicKeyInfo(one.PublicKey.Span, out _);
        Assert.True(key.VerifyData("text"u8, one.Sign("text"u8), System.Security.Cryptography.HashAlgorithmName.SHA256));
    }

    [Fact]
    [Promise("R20", "R21")]
    public void SupplementsChangeOnlyWhatGoesInAndKeepTheNameOverAReflash()
    {
        KeyValuePair<string, string>[] supplements = [new("serial", "10000000abcdef01"), new("mac", "b8:27:eb:12:34:56")];
        var name = new Pseudonym(new FixedKeys(), supplements).For("vendor");
        Assert.Equal(Pseudonym.Length, name.Length);
        Assert.NotEqual(new Pseudonym(new FixedKeys(), MachineId).For("vendor"), name);

        // A re-flash: another device key and installation id, the same root key. The order in the configuration does not count.
        var reflashed = new FixedKeys(9) { InstallationId = Guid.NewGuid() };
        Assert.Equal(name, new Pseudonym(reflashed, [.. supplements.Reverse()]).For("vendor"));
        Assert.NotEqual(name, new Pseudonym(reflashed, [supplements[0]]).For("vendor"));
        Assert.NotEqual(name, new Pseudonym(reflashed, supplements).For("lab"));
        reflashed.Epoch = 1;
        Assert.NotEqual(name, new Pseudonym(reflashed, supplements).For("vendor"));
    }

    [Fact]
    [Promise("R20")]
    public void SupplementsAreReadFromTheDevicesTree()
    {
        using var root = new TempFolder();
        Assert.All(Supplements.All, supplement => Assert.Null(supplement.Read(root.Path)));
        Assert.Equal("", Supplements.MachineId(root.Path));
        root.Write("sys/class/net/docker0/address", "02:42:ac:11:00:02\n");
        root.Write("sys/class/net/lo/address", "00:00:00:00:00:00\n");
        root.Write("sys/class/net/wlan0/address", "b8:27:eb:00:00:02\n");
        root.Write("sys/class/net/eth0/address", "b8:27:eb:00:00:01\n");
        root.Write("proc/device-tree/serial-number", "10000000abcdef01\0");
        root.Write("etc/machine-id", MachineId + "\n");
        Assert.Equal("b8:27:eb:00:00:01", Supplements.All.Single(static s => s.Name == "mac").Read(root.Path));
        Assert.Equal("10000000abcdef01", Supplements.All.Single(static s => s.Name == "serial").Read(root.Path));
        Assert.Equal(MachineId, Supplements.MachineId(root.Path));
    }

    [Fact]
    [Promise("R24")]
    public void NoOutsideProviderOfIdentifiersIsThere() => Assert.DoesNotContain(Supplements.All, static supplement => supplement.IsOutside);

    [Fact]
    [Promise("R25")]
    public void WithoutARuleOfTheFunctionIdentityTheBoardMayHaveNoName()
    {
        Assert.True(new House().Gate.MayIdentify(out _));
        var without = new Policy([], [], [], []);
        Assert.False(new House(without).Gate.MayIdentify(out var reason));
        Assert.Equal(DenyReason.NoRule, reason);

        // As an extended function it waits for its consent, and ends with it.
        var field = new PolicyField("identity.pseudonym", FieldClass.Personal, "s");
        var function = new PolicyFunction("identity", FunctionTier.Extended, "s");
        var extended = new Policy([field], [function],
            [new PolicyRule(function, field, true, "p", LegalBasis.Consent, Precision.Exact, TimeSpan.FromDays(1), ["vendor"])], []);
        var house = new House(extended);
        Assert.False(house.Gate.MayIdentify(out reason));
        Assert.Equal(DenyReason.NotGranted, reason);
        house.Ledger.Grant("identity", "identity.pseudonym");
        house.Gate.Refresh();
        Assert.True(house.Gate.MayIdentify(out _));
        house.Ledger.Withdraw("identity", "identity.pseudonym");
        house.Gate.Refresh();
        Assert.False(house.Gate.MayIdentify(out reason));
        Assert.Equal(DenyReason.Withdrawn, reason);
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("f", "my")]
    [InlineData("fo", "mzxq")]
    [InlineData("foo", "mzxw6")]
    [InlineData("foob", "mzxw6yq")]
    [InlineData("fooba", "mzxw6ytb")]
    [InlineData("foobar", "mzxw6ytboi")]
    public void Base32IsThatOfTheStandard(string text, string expected) =>
        Assert.Equal(expected, Base32.Encode(Encoding.ASCII.GetBytes(text), expected.Length));

    private sealed class PlainKey : IKeyStore
    {
        public Guid InstallationId { get; } = new("00112233-4455-6677-8899-aabbccddeeff");

        public void DeriveKey(string purpose, Span<byte> key)
        {
            Assert.Contains("vendor", purpose);
            for (var i = 0; i < key.Length; i++)
            {
                key[i] = (byte)i;
            }
        }
    }
}
