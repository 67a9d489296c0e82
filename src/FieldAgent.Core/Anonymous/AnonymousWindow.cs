namespace FieldAgent.Core;

/// <summary>A few numbers about one stream over a span of time: all that analysis gets (R5, R35). It names no board, no sensor and no
/// moment within the window, and there is no way to make one of pseudonymous data but the gate's own aggregation (R117): it holds no
/// reading, no admitted row and no identifier, and converts from nothing.</summary>
public sealed class AnonymousWindow
{
    // Only the gate (FieldAgent.Privacy) sees this: pseudonymous data cannot be called anonymous.
    internal AnonymousWindow(
        string function, string purpose, string policyVersion, string field, StreamInfo stream, long fromUnixS, long toUnixS, WindowFigures figures)
    {
        Function = function;
        Purpose = purpose;
        PolicyVersion = policyVersion;
        Field = field;
        Stream = stream.Name;
        Unit = stream.Unit;
        FromUnixS = fromUnixS;
        ToUnixS = toUnixS;
        Figures = figures;
    }

    /// <summary>The function, and the last level of the topic.</summary>
    public string Function { get; }

    /// <summary>The rule's purpose.</summary>
    public string Purpose { get; }

    /// <summary>The policy in force.</summary>
    public string PolicyVersion { get; }

    /// <summary>The vocabulary's field.</summary>
    public string Field { get; }

    /// <summary>Name of the stream; not of its sensor, whose name is the installer's.</summary>
    public string Stream { get; }

    /// <summary>UCUM code.</summary>
    public string Unit { get; }

    /// <summary>Begin of the window, s since 1970: a whole multiple of its length.</summary>
    public long FromUnixS { get; }

    /// <summary>End of the window, s since 1970.</summary>
    public long ToUnixS { get; }

    /// <summary>The numbers.</summary>
    public WindowFigures Figures { get; }
}

/// <summary>The numbers of a window, in the stream's unit.</summary>
/// <param name="Count">Readings.</param>
/// <param name="Min">The least.</param>
/// <param name="Mean">Their mean.</param>
/// <param name="Max">The greatest.</param>
/// <param name="P05">5 % were below; estimated from a sample when there are many.</param>
/// <param name="P50">Half were below.</param>
/// <param name="P95">95 % were below.</param>
public readonly record struct WindowFigures(long Count, double Min, double Mean, double Max, double P05, double P50, double P95);

/// <summary>Where anonymous windows wait for their recipients, apart from all that has a pseudonym. Any thread.</summary>
public interface IAnonymousOutbox
{
    /// <summary>Keeps a window for <paramref name="recipients"/>; durable when it returns. Beyond its bound the oldest goes, counted.</summary>
    /// <exception cref="StoreFault">It could not be kept: it is lost, and counted by the caller.</exception>
    void Put(AnonymousWindow window, IReadOnlyList<string> recipients);
}
