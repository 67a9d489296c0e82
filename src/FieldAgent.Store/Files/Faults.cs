using FieldAgent.Core;

namespace FieldAgent.Store.Files;

/// <summary>Turns what the operating system says into the store's own fault, with the remedy.</summary>
internal static class Faults
{
    private const int NoSpace = 28;
    private const int ReadOnly = 30;
    private const int Quota = 122;

    /// <summary>The fault for an exception at <paramref name="place"/>.</summary>
    public static StoreFault From(Exception cause, string place) =>
        cause switch
        {
            StoreFault fault => fault,
            UnauthorizedAccessException => Refused(place, cause),
            IOException { HResult: NoSpace or Quota } => Full(place, cause),
            IOException io when io.HResult == ReadOnly || io.Message.Contains("Read-only", StringComparison.OrdinalIgnoreCase) =>
                Refused(place, cause),
            _ => new StoreFault(StoreFaultKind.Io, $"{place}: {cause.Message}; check the card and the kernel log", retry: true, cause),
        };

    /// <summary>No room.</summary>
    public static StoreFault Full(string place, Exception? cause = null) =>
        new(StoreFaultKind.Full, $"{place}: no room; free space on the file system, or raise the store's cap if it has room",
            retry: true, cause);

    /// <summary>Not allowed.</summary>
    public static StoreFault Refused(string place, Exception? cause = null) =>
        new(StoreFaultKind.Refused,
            $"{place}: the file system refuses (read-only, or owned by another user): mount it read-write, or give the directory "
            + "to the user the agent runs as", retry: false, cause);
}
