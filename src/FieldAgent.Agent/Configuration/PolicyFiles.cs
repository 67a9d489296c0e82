using FieldAgent.Core.Configuration;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.Configuration;

/// <summary>Policy documents in files, with the signature and the key that belong to them.</summary>
internal static class PolicyFiles
{
    /// <summary>Loads a local policy.</summary>
    /// <param name="file">The document.</param>
    /// <param name="signatureFile">Its detached signature; null: the file of the same name with <c>.sig</c>, if there is one.</param>
    /// <param name="keyFile">Public key to trust, PEM; null: signatures are not looked at.</param>
    /// <param name="errors">Gets all that is wrong, with line and path.</param>
    /// <returns>The policy, or null.</returns>
    public static Policy? Load(string file, string? signatureFile, string? keyFile, ConfigErrors errors)
    {
        if (Read(file, ConfigNode.BytesMax, errors) is not { } document)
        {
            return null;
        }

        if (keyFile is null)
        {
            return PolicyIntake.Take(PolicySource.Local, document, [], null, errors);
        }

        var beside = file + PolicySignature.Extension;
        var signature = signatureFile is not null || File.Exists(beside)
            ? Read(signatureFile ?? beside, PolicySignature.BytesMax, errors)
            : [];
        var key = ReadKey(keyFile, errors);
        return signature is null || key is null ? null : PolicyIntake.Take(PolicySource.Local, document, signature, key, errors);
    }

    /// <summary>Reads a public key and checks that it is one that can be trusted; null with an error when it is not.</summary>
    public static string? ReadKey(string file, ConfigErrors errors)
    {
        if (Read(file, PolicySignature.KeyBytesMax, errors) is not { } bytes)
        {
            return null;
        }

        var pem = System.Text.Encoding.UTF8.GetString(bytes);
        if (PolicySignature.WhyNotAKey(pem) is { } why)
        {
            errors.Add(0, "", $"{file}: {why}");
            return null;
        }

        return pem;
    }

    /// <summary>Reads a file of so many bytes at most; null with an error when it cannot be read.</summary>
    public static byte[]? Read(string file, int bytesMax, ConfigErrors errors)
    {
        try
        {
            using var stream = File.OpenRead(file);
            if (stream.Length > bytesMax)
            {
                errors.Add(0, "", $"{file} is larger than {bytesMax} bytes");
                return null;
            }

            var bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            errors.Add(0, "", e is FileNotFoundException or DirectoryNotFoundException
                ? $"there is no file {file}"
                : $"{file} cannot be read: {e.Message}");
            return null;
        }
    }
}
