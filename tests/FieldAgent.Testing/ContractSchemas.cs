using System.Diagnostics;
using Xunit;

namespace FieldAgent.Testing;

/// <summary>Gathers payloads, and has them checked against the published schemas by a validator that is not ours.</summary>
public sealed class ContractSchemas : IDisposable
{
    // Debian's own: another python on PATH need not have the module.
    private const string Python = "/usr/bin/python3";

    // Lines "schema<TAB>file" on stdin; prints what does not validate.
    private const string Validator = """
        import json, sys
        from jsonschema import Draft202012Validator
        schemas = {}
        bad = 0
        for line in sys.stdin:
            schema, file = line.rstrip("\n").split("\t")
            if schema not in schemas:
                loaded = json.load(open(schema))
                Draft202012Validator.check_schema(loaded)
                schemas[schema] = Draft202012Validator(loaded)
            for error in schemas[schema].iter_errors(json.load(open(file))):
                bad += 1
                print(file, error.json_path, error.message[:300])
        sys.exit(1 if bad else 0)
        """;

    private readonly TempFolder _folder = new();
    private readonly List<string> _lines = [];
    private readonly HashSet<string> _used = new(StringComparer.Ordinal);

    /// <summary>Folder of the published contract.</summary>
    public static string Folder { get; } = Path.Join(Places.Repository, "src", "FieldAgent.Delivery", "contract");

    /// <summary>Schemas that at least one payload has been added for.</summary>
    public IReadOnlySet<string> Used => _used;

    /// <summary>Adds a payload that <c>{schema}.schema.json</c> describes.</summary>
    public void Add(string schema, byte[] payload)
    {
        var file = _folder.File($"{_lines.Count}.json");
        File.WriteAllBytes(file, payload);
        _lines.Add($"{Path.Join(Folder, schema + ".schema.json")}\t{file}");
        _used.Add(schema);
    }

    /// <summary>Everything that does not validate, a line each; empty when all does. Skips the test by name without the validator.</summary>
    public string Violations()
    {
        if (!File.Exists(Python) || Run(["-c", "from jsonschema import Draft202012Validator"], "").ExitCode != 0)
        {
            Assert.Skip("skipped: python3-jsonschema");
        }

        var (exitCode, output) = Run([_folder.Write("validate.py", Validator)], string.Join('\n', _lines) + "\n");
        Assert.True(exitCode == 0 || output.Contains('$', StringComparison.Ordinal), output);
        return exitCode == 0 ? "" : output;
    }

    public void Dispose() => _folder.Dispose();

    private static (int ExitCode, string Output) Run(string[] arguments, string input)
    {
        using var process = Process.Start(new ProcessStartInfo(Python, arguments)
        {
            UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        var errors = process.StandardError.ReadToEndAsync();
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + errors.GetAwaiter().GetResult());
    }
}
