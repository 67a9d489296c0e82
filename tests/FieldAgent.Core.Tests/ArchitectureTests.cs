using System.Diagnostics;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Xml.Linq;

namespace FieldAgent.Core.Tests;

/// <summary>Holds the shape of the house: who may know whom, who may make admitted data, what lies where.</summary>
public sealed class ArchitectureTests
{
    private static readonly Dictionary<string, string[]> Arrows = new(StringComparer.Ordinal)
    {
        ["FieldAgent.Core"] = [],
        ["FieldAgent.Devices"] = ["FieldAgent.Core"],
        ["FieldAgent.Privacy"] = ["FieldAgent.Core"],
        ["FieldAgent.Store"] = ["FieldAgent.Core"],
        ["FieldAgent.Delivery"] = ["FieldAgent.Core"],
        ["FieldAgent.Simulation"] = ["FieldAgent.Core"],
        ["FieldAgent.Agent"] =
        [
            "FieldAgent.Core", "FieldAgent.Devices", "FieldAgent.Privacy", "FieldAgent.Store", "FieldAgent.Delivery", "FieldAgent.Simulation",
        ],
    };

    // What else may stand at the top: what MSBuild and the SDK look for there.
    private static readonly string[] TopLevel =
    [
        "src", "tests", "hardware", "systemd", "deploy.sh", "FieldAgent.sln", "README.md",
        "Directory.Build.props", "Directory.Packages.props", "global.json", "BannedSymbols.txt",
    ];

    [Theory]
    [InlineData(typeof(AdmittedRows))]
    [InlineData(typeof(AdmittedImage))]
    [InlineData(typeof(AnonymousWindow))]
    [InlineData(typeof(AdmittedFact))]
    public void NobodyOutsideTheGateCanMakeAdmittedData(Type type) =>
        Assert.Empty(type.GetConstructors(BindingFlags.Public | BindingFlags.Instance));

    [Fact]
    public void OnlyTheGateIsAFriendOfCore()
    {
        var friends = typeof(AdmittedRows).Assembly.GetCustomAttributes<InternalsVisibleToAttribute>().Select(static a => a.AssemblyName).ToList();
        Assert.Equal("FieldAgent.Privacy", Assert.Single(friends, static name => Arrows.ContainsKey(name)));
        Assert.All(friends, static name => Assert.True(
            name is "FieldAgent.Privacy" or "FieldAgent.Testing" || name.EndsWith(".Tests", StringComparison.Ordinal), $"{name} is a friend of Core"));
    }

    [Fact]
    public void NoSpoolMemberAcceptsRawData()
    {
        var types = new[] { typeof(ISpool), typeof(IAdmittedSink), typeof(ISpoolReader) }
            .SelectMany(static type => type.GetMembers())
            .SelectMany(static member => member switch
            {
                MethodInfo method => method.GetParameters().Select(static p => p.ParameterType),
                PropertyInfo property => [property.PropertyType],
                _ => [],
            })
            .Select(static type => type.IsByRef ? type.GetElementType()! : type)
            .ToList();
        Assert.Contains(typeof(AdmittedRows), types);
        Assert.Contains(typeof(AdmittedImage), types);
        foreach (var raw in new[] { typeof(RawRows), typeof(RawImage), typeof(RowColumns), typeof(SampleWriter), typeof(object) })
        {
            Assert.DoesNotContain(raw, types);
        }
    }

    [Fact]
    public void ProjectsKnowOnlyWhomTheDesignLetsThemKnow()
    {
        var projects = Directory.GetFiles(Path.Join(Places.Repository, "src"), "*.csproj", SearchOption.AllDirectories);
        Assert.Equal(Arrows.Keys.Order(), projects.Select(Path.GetFileNameWithoutExtension).Order());
        foreach (var project in projects)
        {
            var name = Path.GetFileNameWithoutExtension(project);
            var known = References(project, "ProjectReference").Select(static path => Path.GetFileNameWithoutExtension(path)).ToList();
            Assert.All(known, other => Assert.True(Arrows[name].Contains(other), $"{name} must not know {other}"));
            Assert.Empty(References(project, "Reference"));
        }
    }

    [Fact]
    public void CoreNeedsNoPackage()
    {
        Assert.Empty(References(Path.Join(Places.Repository, "src/FieldAgent.Core/FieldAgent.Core.csproj"), "PackageReference"));
        var forAll = References(Path.Join(Places.Repository, "Directory.Build.props"), "PackageReference", static item =>
            item.Parent?.Attribute("Condition") is null);
        Assert.All(forAll, static package => Assert.Contains("Analyzer", package));
        Assert.All(
            typeof(AdmittedRows).Assembly.GetReferencedAssemblies(),
            static assembly => Assert.StartsWith("System.", assembly.Name));
    }

    [Fact]
    public void TheTopLevelHoldsOnlyWhatBelongsThere()
    {
        var unknown = Tracked().Select(static path => path.Split('/')[0]).Distinct(StringComparer.Ordinal)
            .Where(static name => !name.StartsWith('.') && !TopLevel.Contains(name)).ToList();
        Assert.True(unknown.Count == 0, "does not belong at the top: " + string.Join(", ", unknown));
    }

    [Fact]
    public void NoSourceFileIsTooLongToRead()
    {
        const int linesMax = 450;
        foreach (var file in Sources())
        {
            var lines = File.ReadLines(file).Count();
            Assert.True(lines <= linesMax, $"{Path.GetRelativePath(Places.Repository, file)} has {lines} lines; {linesMax} at most");
        }
    }

    [Fact]
    public void NativeCodeIsReachedThroughLibraryImport()
    {
        foreach (var file in Sources())
        {
            Assert.DoesNotContain("[DllImport", File.ReadAllText(file), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("spool.Take(raw);", "CS1503")]
    [InlineData("spool.Add(image);", "CS1503")]
    [InlineData("spool.Take(new AdmittedRows(raw.Set, permit, raw.Columns));", "CS1729")]
    [InlineData("spool.Add(new AdmittedImage(\"camera\", permit, image.Jpeg, image.Captured, null));", "CS1729")]
    [InlineData("spool.Take(admitted);", null)]
    public void TheCompilerRefusesToStoreWhatTheGateHasNotSeen(string statement, string? error) => Compile(
        "void M(ISpool spool, RawRows raw, RawImage image, Permit permit, AdmittedRows admitted) { " + statement + " }", error);

    // Every way from a name or an admitted reading to something anonymous (R117).
    [Theory]
    [InlineData("box.Put(admitted, list);", "CS1503")]
    [InlineData("box.Put(image, list);", "CS1503")]
    [InlineData("box.Put(item, list);", "CS1503")]
    [InlineData("AnonymousWindow window = admitted;", "CS0029")]
    [InlineData("var window = (AnonymousWindow)admitted;", "CS0030")]
    [InlineData("AnonymousWindow window = item;", "CS0029")]
    [InlineData("var window = new AnonymousWindow();", "CS1729")]
    [InlineData("var window = new AnonymousWindow(\"analytics\", \"p\", \"1\", \"f\", new StreamInfo(\"s\", \"1\"), 0, 3600, default);", "CS1729")]
    [InlineData("spool.Take(done);", "CS1503")]
    [InlineData("box.Put(done, list);", null)]
    [Promise("R117")]
    public void TheCompilerRefusesToCallPseudonymousDataAnonymous(string statement, string? error) => Compile(
        "void M(IAnonymousOutbox box, ISpool spool, AdmittedRows admitted, AdmittedImage image, SpoolItem item, AnonymousWindow done, "
        + "System.Collections.Generic.IReadOnlyList<string> list) { " + statement + " }",
        error);

    [Fact]
    [Promise("R117")]
    public void NothingConvertsToAnAnonymousWindowAndItHoldsNoIdentifier()
    {
        Assert.DoesNotContain(
            typeof(AdmittedRows).Assembly.GetTypes().SelectMany(static type => type.GetMethods(BindingFlags.Static | BindingFlags.Public)),
            static method => method.ReturnType == typeof(AnonymousWindow));
        Assert.Equal(
            ["Field", "Figures", "FromUnixS", "Function", "PolicyVersion", "Purpose", "Stream", "ToUnixS", "Unit"],
            typeof(AnonymousWindow).GetProperties().Select(static p => p.Name).Order(StringComparer.Ordinal));
    }

    private static void Compile(string method, string? error)
    {
        using var folder = new TempFolder();
        var snippet = folder.Write("Snippet.cs", "using FieldAgent.Core; class C { " + method + " }");
        var runtime = RuntimeEnvironment.GetRuntimeDirectory();
        var arguments = new List<string>
        {
            "exec", Compiler(runtime), "-nologo", "-noconfig", "-nostdlib+", "-target:library",
            "-out:" + folder.File("snippet.dll"), "-r:" + typeof(AdmittedRows).Assembly.Location,
        };
        arguments.AddRange(Directory.GetFiles(runtime, "System*.dll").Where(IsManaged).Select(static dll => "-r:" + dll));
        arguments.Add(snippet);
        var output = Output(Path.GetFullPath(Path.Join(runtime, "../../../dotnet")), [.. arguments], out var exitCode);
        Assert.True(error is null == (exitCode == 0), output);
        if (error is not null)
        {
            Assert.Contains($"error {error}", output);
            Assert.Equal(1, output.Split("error CS").Length - 1);
        }
    }

    private static string Compiler(string runtime)
    {
        var sdks = Path.GetFullPath(Path.Join(runtime, "../../../sdk"));
        var compiler = Directory.Exists(sdks)
            ? Directory.GetDirectories(sdks).Select(static sdk => Path.Join(sdk, "Roslyn/bincore/csc.dll")).Where(File.Exists).Order().LastOrDefault()
            : null;
        if (compiler is null)
        {
            Assert.Skip("skipped: the SDK's C# compiler");
        }

        return compiler!;
    }

    private static bool IsManaged(string dll)
    {
        try
        {
            AssemblyName.GetAssemblyName(dll);
            return true;
        }
        catch (BadImageFormatException)
        {
            return false;
        }
    }

    private static IEnumerable<string> Sources() =>
        Directory.EnumerateFiles(Path.Join(Places.Repository, "src"), "*.cs", SearchOption.AllDirectories)
            .Where(static file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal));

    private static List<string> References(string file, string element, Func<XElement, bool>? which = null) =>
        [.. XDocument.Load(file).Descendants(element).Where(which ?? (static _ => true))
            .Select(static item => item.Attribute("Include")?.Value).OfType<string>()];

    private static string[] Tracked()
    {
        var git = Places.Program("git");
        var output = Output(git, ["-C", Places.Repository, "ls-files"], out var exitCode);
        if (exitCode != 0)
        {
            Assert.Skip("skipped: not a git checkout");
        }

        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private static string Output(string program, IReadOnlyList<string> arguments, out int exitCode)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true, UseShellExecute = false,
        })!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        exitCode = process.ExitCode;
        return output;
    }
}
