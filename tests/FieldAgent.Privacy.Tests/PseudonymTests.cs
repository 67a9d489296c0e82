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
        Assert.Equal("0253fba6", pseudonym.ShortTag("vendor", [1, 2, 3]));
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
        var pseudonym = new Pseudonym(new FixedKeys(), MachineId);
        var boot = Guid.Parse("5eed5eed-0000-4000-8000-000000000001").ToByteArray();
        Assert.NotEqual(pseudonym.ShortTag("vendor", boot), pseudonym.ShortTag("lab", boot));
        Assert.NotEqual(pseudonym.ShortTag("vendor", boot), pseudonym.ShortTag("vendor", boot.Reverse().ToArray()));
        Assert.Equal(pseudonym.ShortTag("vendor", boot), pseudonym.ShortTag("vendor", boot));
        Assert.True(pseudonym.ShortTag("vendor", boot) is { Length: 8 } tag && tag.All(char.IsAsciiHexDigitLower));
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
