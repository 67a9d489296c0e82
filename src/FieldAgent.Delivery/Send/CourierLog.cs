using FieldAgent.Core;
using Microsoft.Extensions.Logging;

namespace FieldAgent.Delivery;

/// <summary>What delivery says. Recipients are named as in the configuration; no topic, pseudonym or payload is ever logged.</summary>
internal static partial class CourierLog
{
    [LoggerMessage(1, LogLevel.Information, "{Recipient}: connected with MQTT {Version}, window {Window}, session {Session}")]
    public static partial void Connected(ILogger logger, string recipient, string version, int window, string session);

    [LoggerMessage(2, LogLevel.Warning, "{Recipient}: {Kind}: {Detail}; trying again in {Seconds:F1} s")]
    public static partial void Waiting(ILogger logger, string recipient, LinkFaultKind kind, string detail, double seconds);

    [LoggerMessage(3, LogLevel.Warning, "{Recipient}: the broker did not accept the subscription to commands; delivery goes on without them")]
    public static partial void CommandsOff(ILogger logger, string recipient);

    [LoggerMessage(4, LogLevel.Error, "{Recipient}: the store cannot be read: {Detail}")]
    public static partial void StoreFailed(ILogger logger, string recipient, string detail);

    [LoggerMessage(5, LogLevel.Information, "{Recipient}: trying MQTT {Version}")]
    public static partial void VersionChanged(ILogger logger, string recipient, string version);

    [LoggerMessage(6, LogLevel.Information, "{Recipient}: command {Name}: {Outcome}")]
    public static partial void Command(ILogger logger, string recipient, string name, string outcome);

    [LoggerMessage(7, LogLevel.Error, "{Recipient}: command {Name} failed")]
    public static partial void CommandFailed(ILogger logger, string recipient, string name, Exception exception);

    [LoggerMessage(8, LogLevel.Information, "{Recipient}: stopped")]
    public static partial void Stopped(ILogger logger, string recipient);
}
