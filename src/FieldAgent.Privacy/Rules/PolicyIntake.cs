using FieldAgent.Core.Configuration;

namespace FieldAgent.Privacy;

/// <summary>Where a policy document comes from.</summary>
public enum PolicySource
{
    /// <summary>A file that somebody with access to the board's configuration put there: it may be unsigned.</summary>
    Local,

    /// <summary>A message: never without a signature by the configured key.</summary>
    Remote,
}

/// <summary>The one door for policy documents: first who signed it, then what it says.</summary>
public static class PolicyIntake
{
    /// <summary>Takes a document, or says what is wrong with it. What is not signed as it must be is not even parsed.</summary>
    /// <param name="source">Where it comes from.</param>
    /// <param name="document">The document's bytes.</param>
    /// <param name="signature">The content of its detached signature; empty when there is none.</param>
    /// <param name="trustedKeyPem">The configured public key; null when none is.</param>
    /// <param name="errors">Gets all that is wrong, with line and path; line 0 for the document as a whole.</param>
    /// <returns>The policy, or null. Nothing is put in force here.</returns>
    public static Policy? Take(
        PolicySource source, ReadOnlySpan<byte> document, ReadOnlySpan<byte> signature, string? trustedKeyPem, ConfigErrors errors)
    {
        if (document.Length > ConfigNode.BytesMax)
        {
            errors.Add(0, "", $"the policy is larger than {ConfigNode.BytesMax} bytes");
            return null;
        }

        if (source == PolicySource.Remote && (trustedKeyPem is null || signature.IsEmpty))
        {
            errors.Add(0, "", trustedKeyPem is null
                ? "a policy is taken from afar only when the configuration names the key that signs policies: set 'policyKey'"
                : "a policy from afar must be signed; send its signature with it");
            return null;
        }

        if (trustedKeyPem is not null && !signature.IsEmpty && !PolicySignature.Verify(document, signature, trustedKeyPem, out var why))
        {
            errors.Add(0, "", why);
            return null;
        }

        return Policy.Load(document, errors);
    }
}
