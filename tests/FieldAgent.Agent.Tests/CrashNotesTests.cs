using FieldAgent.Agent.Facts;
using FieldAgent.Core;

namespace FieldAgent.Agent.Tests;

/// <summary>What is kept of a crash.</summary>
public sealed class CrashNotesTests : IDisposable
{
    private const string Secret = "10000000deadbeef at 48.1372,11.5755";

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    [Promise("R112")]
    public void A_note_has_types_and_methods_and_no_text_argument_or_path()
    {
        var note = CrashNotes.Scrub(Thrown(), "1.2.3");
        Assert.StartsWith("fieldagent 1.2.3\nSystem.InvalidOperationException\n", note, StringComparison.Ordinal);
        Assert.Contains("caused by FieldAgent.Core.StoreFault Full", note, StringComparison.Ordinal);
        Assert.Contains("FieldAgent.Agent.Tests.CrashNotesTests.Throw", note, StringComparison.Ordinal);
        foreach (var word in new[] { "deadbeef", "48.1372", "serial", "(", "/", ".cs", "line " })
        {
            Assert.DoesNotContain(word, note, StringComparison.Ordinal);
        }

        Assert.True(note.Length <= RawFact.ValueLengthMax);
        Assert.Equal("fieldagent 1\nSystem.Exception", CrashNotes.Scrub(new Exception(Secret), "1"));
    }

    [Fact]
    [Promise("R112")]
    public void Nothing_is_noted_unless_it_is_granted_at_that_moment()
    {
        var granted = false;
        var notes = new CrashNotes(_folder.Path, "1", () => granted);
        notes.Note(Thrown());
        Assert.Empty(Directory.GetFiles(_folder.Path));
        granted = true;
        notes.Note(Thrown());
        var file = Assert.Single(Directory.GetFiles(_folder.Path));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        Assert.NotNull(notes.Read());
        notes.Delete();
        Assert.Null(notes.Read());
        new CrashNotes("/proc/nowhere", "1", static () => true).Note(Thrown());
    }

    private static InvalidOperationException Thrown()
    {
        try
        {
            Throw(Secret);
            return null!;
        }
        catch (InvalidOperationException e)
        {
            return e;
        }
    }

    private static void Throw(string serial) => throw new InvalidOperationException(
        serial, new StoreFault(StoreFaultKind.Full, serial, retry: true));
}
