using System.IO.Compression;
using System.Text;
using System.Text.Json;
using FieldAgent.Core;
using FieldAgent.Delivery;

namespace FieldAgent.Faults.Tests;

/// <summary>A message as the cloud got it.</summary>
internal sealed record Received(string Topic, byte[] Payload, string? Encoding, byte[] Correlation, bool Retained)
{
    private JsonElement? _json;

    /// <summary>The levels behind <c>fieldagent/v1/{pseudonym}/</c>.</summary>
    public string Rest => Topic.StartsWith(Topics.Root, StringComparison.Ordinal) ? string.Join('/', Topic.Split('/')[3..]) : Topic;

    /// <summary>The payload without compression.</summary>
    public byte[] Plain => Encoding == "br" ? Unbrotli(Payload) : Payload;

    public JsonElement Json => _json ??= JsonDocument.Parse(Plain).RootElement;

    public string Text => System.Text.Encoding.UTF8.GetString(Plain);

    /// <summary>Which schema of the contract it must satisfy; null for the raw bytes of a picture and for commands.</summary>
    public string? Schema => Rest.Split('/') switch
    {
        // Nothing is retained there any more.
        ["state"] when Payload.Length == 0 => null,
        ["data", _] or ["data", _, Topics.BrotliLevel] => Json.TryGetProperty("image", out _) ? "image" : "batch",
        ["gap"] => "gap",
        ["state"] => "state",
        ["result", _] => "result",
        _ => null,
    };

    private static byte[] Unbrotli(byte[] payload)
    {
        using var stream = new BrotliStream(new MemoryStream(payload), CompressionMode.Decompress);
        using var plain = new MemoryStream();
        stream.CopyTo(plain);
        return plain.ToArray();
    }
}

/// <summary>The consumer's end of the broker: a persistent session on everything, polled by the test's own thread.</summary>
internal sealed class CloudSide : ILinkEvents, IDisposable
{
    private readonly LinkOptions _options;
    private ILink? _link;
    private LinkFault? _closed;

    public CloudSide(MosquittoBroker broker, string clientId = "cloud")
    {
        _options = broker.Options(clientId) with { KeepAlive = TimeSpan.FromMinutes(20), ReceiveMaximum = 1000 };
        Connect();
    }

    /// <summary>All that arrived, in order.</summary>
    public List<Received> Messages { get; } = [];

    /// <summary>The only device's pseudonym.</summary>
    public string Device => Assert.Single(Messages.Select(static m => m.Topic).Where(static t => t.StartsWith(Topics.Root, StringComparison.Ordinal))
        .Select(static t => t.Split('/')[2]).Distinct());

    public IEnumerable<Received> Batches(string function) => Messages.Where(m => m.Schema == "batch" && m.Rest.Split('/')[1] == function);

    public IEnumerable<Received> Of(string schema) => Messages.Where(m => m.Schema == schema);

    /// <summary>Connects, again after <see cref="Disconnect"/>; the broker has kept what came in between.</summary>
    public void Connect()
    {
        _closed = null;
        _link = LinkLibrary.CreateFactory().Create();
        var fault = _link.Connect(_options, this, out _);
        Assert.True(fault.Kind == LinkFaultKind.None, fault.Detail);
        foreach (var filter in new[] { Topics.Root + "+/#", "cloud/#" })
        {
            Assert.True(_link.Subscribe(filter, TimeSpan.FromSeconds(60)), filter);
        }
    }

    public void Disconnect()
    {
        _link?.Disconnect();
        _link?.Dispose();
        _link = null;
    }

    /// <summary>Takes what arrives until the condition holds.</summary>
    public void Until(Func<bool> condition, string what, AgentProcess? agent = null) => Eventually.True(
        () =>
        {
            _link!.Poll(TimeSpan.FromMilliseconds(50));
            Assert.True(_closed is null, _closed?.Detail);
            Assert.False(agent is { HasExited: true }, $"the agent ended while waiting for: {what}\n{agent?.Error}");
            return condition();
        },
        what,
        90);

    /// <summary>Sends a command and waits for the next result on <c>result/{answeredAs}</c>.</summary>
    public Received Ask(string command, string payload, AgentProcess agent, string? answeredAs = null)
    {
        var seen = Messages.Count;
        Publish($"{Topics.Root}{Device}/command/{command}", payload);
        return Next(seen, "result/" + (answeredAs ?? command), agent);
    }

    /// <summary>The first message on a topic after the first <paramref name="seen"/> ones.</summary>
    public Received Next(int seen, string rest, AgentProcess agent)
    {
        Received? found = null;
        Until(() => (found = Messages.Skip(seen).FirstOrDefault(m => m.Rest == rest)) is not null, "a message on " + rest, agent);
        return found!;
    }

    public void Publish(string topic, string payload, bool retain = false)
    {
        // The broker takes so many at once; it may be slow to answer.
        Until(
            () => _link!.Publish(new MqttTopic(topic), Encoding.UTF8.GetBytes(payload), new PublishOptions(Retain: retain)) > 0,
            "the broker to take a message on " + topic);
        _link!.Poll(TimeSpan.Zero);
    }

    public void OnClosed(LinkFault fault) => _closed = fault;

    public void OnAcknowledged(int messageId, int reasonCode) => Assert.True(reasonCode < 0x80, $"the broker refused a message: {reasonCode}");

    public void OnMessage(in LinkMessage message) => Messages.Add(new Received(
        message.Topic, message.Payload.ToArray(), message.ContentEncoding, message.CorrelationData.ToArray(), message.Retained));

    public void Dispose() => _link?.Dispose();
}
