using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>How classes of fields go together.</summary>
public static class FieldClasses
{
    /// <summary>The class of data joined out of two classes: the highest of its parts (R17). What the published policy excludes (R43) is no way
    /// round: joined with something personal it is personal.</summary>
    public static FieldClass Join(FieldClass one, FieldClass other) => Rank(one) >= Rank(other) ? one : other;

    /// <summary>How much care a class needs: higher needs more.</summary>
    public static int Rank(FieldClass fieldClass) => fieldClass switch
    {
        FieldClass.Instrument => 0,
        FieldClass.Excluded => 1,
        FieldClass.Personal => 2,
        _ => 3,
    };
}

/// <summary>What an object hands down to whatever is made from it: a thumbnail, an edited picture, a join.</summary>
/// <param name="Class">Its class.</param>
/// <param name="CapturedWallUnixNs">When the oldest part of it was taken, Unix ns.</param>
/// <param name="Term">How long it may be kept from then on.</param>
public readonly record struct Provenance(FieldClass Class, long CapturedWallUnixNs, TimeSpan Term)
{
    /// <summary>When it must be gone, Unix ns.</summary>
    public long ExpiresWallUnixNs => CapturedWallUnixNs + Term.ToNs();
}

/// <summary>What a derived object inherits (R17, R62, R64). Pure.</summary>
public static class Derivation
{
    /// <summary>From when and how long a picture may be kept that was made from another: it goes no later than that one.</summary>
    /// <param name="made">When it was made.</param>
    /// <param name="term">How long the rule keeps it.</param>
    /// <param name="parent">What it was made from.</param>
    public static (Stamp Captured, TimeSpan Term) Inherit(in Stamp made, TimeSpan term, ImageParent parent)
    {
        if (parent.Captured.BootId == made.BootId)
        {
            return (parent.Captured.BootNs <= made.BootNs ? parent.Captured : made, parent.Term < term ? parent.Term : term);
        }

        // Of another boot: the wall clock joins the two. Whole hours, so that not every picture has a ground of its own in the store.
        var left = Of(
            new Provenance(FieldClass.Sensitive, made.WallUnixNs, term),
            new Provenance(FieldClass.Sensitive, parent.Captured.WallUnixNs, parent.Term)).ExpiresWallUnixNs - made.WallUnixNs;
        return (made, TimeSpan.FromHours(Math.Max(0, Math.Floor(left / (3600.0 * ClockExtensions.NsPerSecond)))));
    }

    /// <summary>The provenance of an object made from <paramref name="parents"/>: as old as the oldest, gone as soon as the first of them must
    /// be, classed as the highest.</summary>
    /// <exception cref="ArgumentException">There is no parent.</exception>
    public static Provenance Of(params ReadOnlySpan<Provenance> parents)
    {
        if (parents.IsEmpty)
        {
            throw new ArgumentException("a derived object has at least one parent", nameof(parents));
        }

        var (fieldClass, captured, expires) = (parents[0].Class, parents[0].CapturedWallUnixNs, parents[0].ExpiresWallUnixNs);
        foreach (var parent in parents[1..])
        {
            fieldClass = FieldClasses.Join(fieldClass, parent.Class);
            captured = Math.Min(captured, parent.CapturedWallUnixNs);
            expires = Math.Min(expires, parent.ExpiresWallUnixNs);
        }

        // One that has expired before another was taken leaves nothing to keep.
        return new Provenance(fieldClass, captured, TimeSpan.FromTicks(Math.Max(0, (expires - captured) / 100)));
    }
}
