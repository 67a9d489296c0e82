using FieldAgent.Core;

namespace FieldAgent.Store;

/// <summary>In what state the store was found.</summary>
public enum OpenKind : byte
{
    /// <summary>There was none; it was made.</summary>
    Fresh,

    /// <summary>It was closed properly.</summary>
    Existing,

    /// <summary>It was not closed (power cut, killed process) and passed the check.</summary>
    AfterUncleanShutdown,

    /// <summary>It could not be used and was set aside; a new one was begun.</summary>
    Reset,
}

/// <summary>How opening went.</summary>
/// <param name="Kind">In what state the store was found.</param>
/// <param name="Text">The same for a technician, with file names.</param>
public sealed record OpenOutcome(OpenKind Kind, string Text);

/// <summary>Something that was found at the start and is an incident.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Place">Where, in a technician's words.</param>
public sealed record StoreFinding(IncidentKind Kind, string Place);
