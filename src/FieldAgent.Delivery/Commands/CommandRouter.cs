using System.Buffers;
using System.Text.Json;
using FieldAgent.Core;
using Microsoft.Extensions.Logging;

namespace FieldAgent.Delivery;

/// <summary>Checks commands, has each handled once, and answers every one. One thread.</summary>
/// <remarks>Expiry is judged by the best wall time the board has; a board whose clock was never set can rely on MQTT 5's message
/// expiry, which the broker counts down.</remarks>
internal sealed class CommandRouter
{
    private readonly string _recipient;
    private readonly Topics _topics;
    private readonly ICommandLedger _ledger;
    private readonly Dictionary<string, ICommandHandler> _handlers = new(StringComparer.Ordinal);
    private readonly IClock _clock;
    private readonly Counters _counters;
    private readonly CommandLimits _limits;
    private readonly ILogger _logger;
    private readonly TokenBucket _bucket;
    private readonly GroupDesk? _groups;

    public CommandRouter(
        string recipient, Topics topics, ICommandLedger ledger, IEnumerable<ICommandHandler> handlers, IClock clock, Counters counters,
        CommandLimits limits, ILogger logger, GroupDesk? groups = null)
    {
        _groups = groups;
        _recipient = recipient;
        _topics = topics;
        _ledger = ledger;
        _clock = clock;
        _counters = counters;
        _limits = limits;
        _logger = logger;
        _bucket = new TokenBucket(clock, limits.PerMinute, limits.Burst);
        foreach (var handler in handlers)
        {
            _handlers.Add(handler.Name, handler);
        }
    }

    /// <summary>Handles one message.</summary>
    /// <returns>The answer; null when the message is no command of this device.</returns>
    public CommandReply? Handle(in LinkMessage message, MqttVersion version)
    {
        string? group = null;
        string name;
        if (message.Topic.StartsWith(_topics.CommandPrefix, StringComparison.Ordinal)
            && Topics.IsLevel(message.Topic.AsSpan(_topics.CommandPrefix.Length)))
        {
            name = message.Topic[_topics.CommandPrefix.Length..];
        }
        else if (_groups is null || !_groups.TryMatch(message.Topic, out group, out name))
        {
            _counters.Add("commands.stray");
            return null;
        }

        var result = Execute(message, name, group, version);
        var topic = ReplyTopic(message, name, version);
        var correlation = version == MqttVersion.V5 && !message.CorrelationData.IsEmpty ? message.CorrelationData.ToArray() : null;
        return new CommandReply(topic, result, correlation);
    }

    private byte[] Execute(in LinkMessage message, string name, string? group, MqttVersion version)
    {
        var known = _handlers.TryGetValue(name, out var handler);
        var bytesMax = handler?.PayloadBytesMax ?? _limits.PayloadBytesMax;
        if (message.Payload.Length > bytesMax)
        {
            return Refuse(null, name, "oversized", $"the payload has more than {bytesMax} bytes");
        }

        var command = CommandParser.Parse(message.Payload, handler?.Arguments, _limits);
        var id = command.Id ?? IdOf(message, version);
        if (message.Retained)
        {
            return Refuse(id, name, "retained", "a command must not be retained: it would be repeated at every connection");
        }

        if (!known)
        {
            return Refuse(id, name, "unknown", "this device knows no such command");
        }

        if (command.Error.Length > 0)
        {
            return Refuse(id, name, "malformed", command.Error);
        }

        if (id is null)
        {
            return Refuse(null, name, "malformed", "$.id is missing");
        }

        if (ExpiryOf(message, command) is not { } expires)
        {
            return Refuse(id, name, "malformed", "$.expires is missing, and the message has no expiry interval");
        }

        if (group is not null && _groups!.WhyNot(group) is { } refusal)
        {
            return Refuse(id, name, refusal.Reason, refusal.Text);
        }

        if (!_bucket.TryTake())
        {
            return Refuse(id, name, "rate-limited", "too many commands; send it again in a minute");
        }

        try
        {
            return Once(new CommandRequest(id, name, _recipient, expires, command.Arguments), handler!);
        }
        catch (StoreFault)
        {
            return Refuse(id, name, "unavailable", "the device cannot note the command now; send it again later");
        }
    }

    private byte[] Once(CommandRequest request, ICommandHandler handler)
    {
        // Two recipients may choose the same id.
        var key = $"{_recipient}/{request.Id}";
        var record = _ledger.Begin(key, request.Name, request.ExpiresWallUnixNs);
        if (record is not null && record.Name != request.Name)
        {
            return Refuse(request.Id, request.Name, "malformed", "$.id was used for another command");
        }

        switch (record?.State)
        {
            case CommandState.Done or CommandState.Refused:
                _counters.Add("commands.duplicate");
                return System.Text.Encoding.UTF8.GetBytes(record.ResultJson);
            case CommandState.Started:
                return Refuse(request.Id, request.Name, "interrupted", "the device stopped while it did this; the outcome is not known", key);
        }

        // New, or accepted before a power cut: the work has not begun.
        if (request.ExpiresWallUnixNs <= _clock.Now().WallUnixNs)
        {
            return Refuse(request.Id, request.Name, "expired", "its time was over when it arrived", key);
        }

        _ledger.Advance(key, CommandState.Started, "");
        var (outcome, result) = Run(request, handler);
        try
        {
            _ledger.Advance(key, outcome.Ok ? CommandState.Done : CommandState.Refused, System.Text.Encoding.UTF8.GetString(result));
        }
        catch (StoreFault)
        {
            // It was done, and the sender learns so now; a duplicate will be answered as interrupted.
            _counters.Add("commands.result-not-stored");
        }

        return result;
    }

    private (CommandOutcome Outcome, byte[] Result) Run(CommandRequest request, ICommandHandler handler)
    {
        CommandOutcome outcome;
        try
        {
            outcome = handler.Handle(request);
            var result = Write(request.Id, request.Name, outcome);
            if (result.Length <= _limits.ResultBytesMax)
            {
                _counters.Add(outcome.Ok ? "commands.done" : "commands.refused." + outcome.Reason);
                CourierLog.Command(_logger, _recipient, request.Name, outcome.Ok ? "done" : outcome.Reason);
                return (outcome, result);
            }

            outcome = CommandOutcome.Refused("too-large", $"the result has more than {_limits.ResultBytesMax} bytes");
        }
        catch (Exception exception)
        {
            // The boundary of what handlers do: a command from outside must not stop delivery.
            CourierLog.CommandFailed(_logger, _recipient, request.Name, exception);
            outcome = CommandOutcome.Refused("failed", "the device could not do this; its log says why");
        }

        return (outcome, Refuse(request.Id, request.Name, outcome.Reason, outcome.Message));
    }

    private byte[] Refuse(string? id, string name, string reason, string message, string? ledgerKey = null)
    {
        _counters.Add("commands.refused." + reason);
        CourierLog.Command(_logger, _recipient, _handlers.ContainsKey(name) ? name : "(unknown)", reason);
        var result = Write(id, name, CommandOutcome.Refused(reason, message));
        if (ledgerKey is not null)
        {
            _ledger.Advance(ledgerKey, CommandState.Refused, System.Text.Encoding.UTF8.GetString(result));
        }

        return result;
    }

    private static byte[] Write(string? id, string name, CommandOutcome outcome)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteNumber("v"u8, ContractWords.Version);
            writer.WriteString("id"u8, id);
            writer.WriteString("command"u8, name);
            writer.WriteBoolean("ok"u8, outcome.Ok);
            if (!outcome.Ok)
            {
                writer.WriteString("reason"u8, outcome.Reason);
            }

            if (outcome.Message.Length > 0)
            {
                writer.WriteString("message"u8, outcome.Message);
            }

            if (outcome.DataJson is { } data)
            {
                writer.WritePropertyName("data"u8);
                writer.WriteRawValue(data);
            }

            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private string? IdOf(in LinkMessage message, MqttVersion version) =>
        version == MqttVersion.V5 && message.CorrelationData.Length is > 0 and var length && length <= _limits.CorrelationBytesMax
            ? "c:" + Convert.ToHexStringLower(message.CorrelationData)
            : null;

    private long? ExpiryOf(in LinkMessage message, ParsedCommand command)
    {
        long? byMessage = message.ExpirySeconds is { } seconds
            ? _clock.Now().WallUnixNs + (seconds * ClockExtensions.NsPerSecond)
            : null;
        return command.ExpiresUnixNs is { } expires && byMessage is { } left ? Math.Min(expires, left) : command.ExpiresUnixNs ?? byMessage;
    }

    private MqttTopic ReplyTopic(in LinkMessage message, string name, MqttVersion version)
    {
        if (version == MqttVersion.V5 && message.ResponseTopic is { } wanted)
        {
            if (IsSafeReplyTopic(wanted))
            {
                return new MqttTopic(wanted);
            }

            _counters.Add("commands.unsafe-response-topic");
        }

        return _topics.Result(_handlers.ContainsKey(name) ? name : "unknown");
    }

    // Whoever may command could otherwise make the device forge data or commands under its own credentials.
    private bool IsSafeReplyTopic(string topic)
    {
        if (topic.Length == 0 || topic.Length > _limits.ResponseTopicMax || topic[0] == '$')
        {
            return false;
        }

        foreach (var c in topic)
        {
            if (c is '+' or '#' || char.IsControl(c) || char.IsSurrogate(c))
            {
                return false;
            }
        }

        return topic.StartsWith(_topics.ResultPrefix, StringComparison.Ordinal) || !topic.StartsWith("fieldagent/", StringComparison.Ordinal);
    }
}
