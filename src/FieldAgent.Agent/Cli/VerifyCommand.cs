using System.CommandLine;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FieldAgent.Agent.DataProtection;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.Cli;

/// <summary><c>fieldagent verify</c>: checks a signed document of any type, on any machine, without a board.</summary>
internal static class VerifyCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("file") { Description = "A receipt, request, checkpoint or other signed document." };
        var key = new Option<string?>("--key") { Description = "The key that must have signed it, as another document of the board names it.", HelpName = "KEYID" };
        var json = CommonOptions.Json();
        var command = new Command("verify", "Checks the signature of a document and says what the document states.") { file, key, json };
        command.SetAction(parsed => Verify(parsed.GetRequiredValue(file), parsed.GetValue(key), parsed.GetValue(json)));
        return command;
    }

    private static int Verify(string file, string? key, bool json)
    {
        byte[] bytes;
        try
        {
            using var stream = File.OpenRead(file);
            bytes = new byte[Math.Min(stream.Length, SignedDocument.BytesMax + 1)];
            stream.ReadExactly(bytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return CommandLine.Fail(ExitCode.Fault, $"{file} cannot be read: {e.Message}");
        }

        var document = SignedDocument.TryVerify(Unwrap(bytes), out var why);
        if (document is not null && key is not null && !string.Equals(document.KeyId, key, StringComparison.OrdinalIgnoreCase))
        {
            why = $"it is signed, but with key {document.KeyId} and not with {key}";
            document = null;
        }

        if (json)
        {
            Console.Out.WriteLine(Documents.Text(new JsonObject
            {
                ["valid"] = document is not null,
                ["type"] = document?.Type,
                ["keyId"] = document?.KeyId,
                ["why"] = why,
            }));
            return document is null ? ExitCode.Fault : ExitCode.Ok;
        }

        if (document is null)
        {
            return CommandLine.Fail(ExitCode.Fault, $"NOT VALID: {file}: {why}");
        }

        Console.Out.WriteLine($"valid: {(document.Type.Length > 0 ? document.Type : "a document without a type")}, signed with key {document.KeyId}");
        if (key is null)
        {
            Console.Out.WriteLine("whose key that is, the signature does not say; compare it with the board's ('--key')");
        }

        foreach (var line in DocumentText.Of(document.Document))
        {
            Console.Out.WriteLine("  " + line);
        }

        return ExitCode.Ok;
    }

    // A notice as it came from the broker holds the signed document inside.
    private static byte[] Unwrap(byte[] bytes)
    {
        try
        {
            return bytes.Length <= SignedDocument.BytesMax
                && JsonNode.Parse(bytes, null, new JsonDocumentOptions { MaxDepth = 32 }) is JsonObject { } outer && outer["signature"] is null
                && outer["document"] is JsonObject inner && inner["signature"] is JsonObject
                    ? Encoding.UTF8.GetBytes(inner.ToJsonString())
                    : bytes;
        }
        catch (Exception e) when (e is JsonException or ArgumentException or InvalidOperationException)
        {
            return bytes;
        }
    }
}
