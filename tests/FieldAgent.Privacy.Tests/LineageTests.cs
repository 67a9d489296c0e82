using FieldAgent.Core;
using FsCheck;
using FsCheck.Fluent;

namespace FieldAgent.Privacy.Tests;

/// <summary>A picture that is made from another goes no later than that one, and says which it was.</summary>
public sealed class LineageTests
{
    private static readonly string s_photo = Directory.GetFiles(Path.Join(Places.Repository, "hardware", "boards", "photos"), "*.jpg")[0];

    [Fact]
    [Promise("R17", "R62", "R64")]
    public void A_thumbnail_takes_the_moment_and_the_term_of_the_picture_it_was_made_from()
    {
        var house = new House();
        house.Ledger.Grant("photo", "image.photo");
        house.Gate.Refresh();
        var jpeg = File.ReadAllBytes(s_photo);
        Assert.True(house.Gate.Admit(new RawImage("camera", "image.photo", jpeg, house.Clock.Now()), out var original).IsPermitted);
        Assert.Null(original!.ParentId);

        house.Clock.Advance(TimeSpan.FromDays(12));
        var raw = new RawImage("camera", "image.photo", jpeg, house.Clock.Now()) { Parent = ImageParent.Of("the-original", original) };
        var decision = house.Gate.Admit(raw, out var thumbnail);
        Assert.True(decision.IsPermitted);
        Assert.Equal(("the-original", original.Captured), (thumbnail!.ParentId, thumbnail.Captured));
        Assert.Equal(original.Permit.Term, thumbnail.Permit.Term);
        Assert.Equal(decision.Permit, thumbnail.Permit);
        Assert.True(thumbnail.Permit.Personal);

        // and one of that one again
        Assert.True(house.Gate.Admit(raw with { Parent = ImageParent.Of("the-thumbnail", thumbnail) }, out var smaller).IsPermitted);
        Assert.Equal(original.Captured, smaller!.Captured);

        house.Ledger.Withdraw("photo", "image.photo");
        house.Gate.Refresh();
        Assert.False(house.Gate.Admit(raw, out _).IsPermitted);
    }

    [Fact]
    [Promise("R64")]
    public void It_never_expires_later_than_its_parent_nor_than_its_own_rule_in_the_same_boot_or_another()
    {
        Prop.ForAll<bool, uint, Tuple<uint, ushort, ushort>>((sameBoot, parentSeconds, rest) =>
        {
            const long Base = 1_700_000_000_000_000_000;
            var boot = Guid.NewGuid();
            var (later, parentHours, ruleHours) = rest;
            var (taken, now) = (parentSeconds * 1_000_000_000L, (parentSeconds + (long)later) * 1_000_000_000L);
            var parent = new ImageParent("p", new Stamp(boot, taken, Base + taken, ClockQuality.Ntp), TimeSpan.FromHours(parentHours));
            var made = new Stamp(sameBoot ? boot : Guid.NewGuid(), now, Base + now, ClockQuality.Ntp);
            var rule = TimeSpan.FromHours(ruleHours);
            var (captured, term) = Derivation.Inherit(made, rule, parent);
            var expires = captured.WallUnixNs + term.ToNs();
            return term >= TimeSpan.Zero && expires <= Math.Max(Base + taken + parent.Term.ToNs(), made.WallUnixNs)
                && expires <= made.WallUnixNs + rule.ToNs();
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));
    }
}
