using System.Buffers;
using System.Globalization;
using System.IO.Compression;
using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <summary>Takes what arrives: decompresses, checks, tells duplicates apart, counts. Callers lock.</summary>
internal sealed class Arrivals(ConsumerOptions options)
{
    private readonly ConsumerLimits _limits = options.Limits;
    private readonly ContractReader _reader = new(options.Validate);
    private readonly Dictionary<string, DeviceTally> _devices = new(StringComparer.Ordinal);
    private readonly PhotoAssembly _photos = new(options.Limits);
    private readonly List<string> _examples = [];
    private byte[] _plain = new byte[64 * 1024];
    private long _messages;
    private long _bytes;
    private long _invalid;
    private long _anonymous;

    /// <summary>Takes a message.</summary>
    /// <returns>What it was, for the progress callback; null when it is of no interest.</returns>
    public ConsumerEvent? Take(in LinkMessage message)
    {
        _messages++;
        _bytes += message.Topic.Length + message.Payload.Length;
        var levels = message.Topic.Split('/');
        if (levels.Length < 4 || levels[0] != "fieldagent" || levels[1] != "v1" || !Topics.IsLevel(levels[2]))
        {
            return Invalid("", message.Topic, "topic", "not fieldagent/v1/{pseudonym}/…");
        }

        if (message.Topic.StartsWith(GroupDesk.Prefix, StringComparison.Ordinal))
        {
            // What goes to groups of devices.
            return null;
        }

        try
        {
            if (levels is [_, _, Topics.AnonymousLevel, var function])
            {
                return TakeAnonymous(message, function);
            }

            return levels[3] switch
            {
                "data" => TakeData(message, levels),
                "gap" => TakeGap(message, levels[2]),
                "state" => TakeState(message, levels[2]),
                var kind when ContractWords.IsNotice(kind) => TakeNotice(message, levels),
                // What goes to devices, and answers to others.
                "command" or "result" => null,
                _ => Invalid(levels[2], message.Topic, "topic", "not a topic of the contract"),
            };
        }
        catch (ContractViolation violation)
        {
            return Invalid(levels[2], message.Topic, violation.Place, violation.Problem);
        }
    }

    /// <summary>The report so far.</summary>
    public ConsumerReport Report(double seconds, int connects, string fault) => new()
    {
        Seconds = seconds,
        Connects = connects,
        Fault = fault,
        Messages = _messages,
        Bytes = _bytes,
        Invalid = _invalid,
        AnonymousWindows = _anonymous,
        InvalidExamples = [.. _examples],
        Devices = [.. _devices.Values.OrderBy(d => d.Device, StringComparer.Ordinal).Select(d => d.Report(_photos))],
    };

    private ConsumerEvent? TakeData(in LinkMessage message, string[] levels)
    {
        var device = Device(levels[2]);
        if (message.Retained)
        {
            throw new ContractViolation("topic", "a data message is retained");
        }

        if (levels.Length == 7)
        {
            return TakeChunk(message, device, levels);
        }

        var asLevel = levels.Length == 6 && levels[5] == Topics.BrotliLevel;
        if (levels.Length != 5 && !asLevel)
        {
            throw new ContractViolation("topic", "not a topic of the contract");
        }

        using var document = ContractJson.Parse(Plain(message, asLevel));
        if (ContractReader.IsManifest(document.RootElement))
        {
            var manifest = _reader.ReadManifest(document.RootElement, levels[2]);
            SameFunction(manifest.Head.Function, levels[4]);
            device.Manifest(manifest);
            return _photos.Take(device.Device, manifest);
        }

        var batch = _reader.ReadBatch(document.RootElement, levels[2]);
        SameFunction(batch.Head.Function, levels[4]);
        var isNew = device.Batch(batch);
        return new BatchArrived(
            device.Device, batch.Head.Function, batch.Head.Sequence, batch.Readings, message.Payload.Length, batch.Head.Backlog, !isNew,
            batch.NewestUnixUs);
    }

    private PhotoArrived? TakeChunk(in LinkMessage message, DeviceTally device, string[] levels)
    {
        if (!int.TryParse(levels[6], NumberStyles.None, CultureInfo.InvariantCulture, out var index) || index > _limits.PhotoBytesMax / 1024)
        {
            throw new ContractViolation("topic", "the last level is no number of a chunk");
        }

        var photo = _photos.Take(device.Device, levels[4], levels[5], index, message.Payload, out var duplicate);
        if (duplicate)
        {
            device.DuplicateChunk(levels[4]);
        }

        return photo;
    }

    private GapArrived TakeGap(in LinkMessage message, string pseudonym)
    {
        var device = Device(pseudonym);
        using var document = ContractJson.Parse(Plain(message, asLevel: false));
        var gap = _reader.ReadGap(document.RootElement, pseudonym);
        device.Gap(gap);
        _photos.GiveUp(pseudonym, gap);
        return new GapArrived(pseudonym, gap.Function, gap.Reason, gap.From, gap.To, gap.Readings);
    }

    private NoticeArrived TakeNotice(in LinkMessage message, string[] levels)
    {
        var device = Device(levels[2]);
        if (message.Retained || levels.Length != 4)
        {
            throw new ContractViolation("topic", message.Retained ? "a notice is retained" : "not a topic of the contract");
        }

        using var document = ContractJson.Parse(Plain(message, asLevel: false), ContractJson.NoticeDepthMax);
        var notice = _reader.ReadNotice(document.RootElement, levels[3]);
        var isNew = device.Notice(notice);
        return new NoticeArrived(device.Device, notice.Kind, notice.Type, notice.Reference, notice.Acknowledge, !isNew);
    }

    private AnonymousArrived TakeAnonymous(in LinkMessage message, string function)
    {
        if (message.Retained)
        {
            throw new ContractViolation("topic", "an anonymous message is retained");
        }

        using var document = ContractJson.Parse(Plain(message, asLevel: false));
        var window = _reader.ReadAnonymous(document.RootElement);
        SameFunction(window.Function, function);
        _anonymous++;
        return window;
    }

    private StateArrived TakeState(in LinkMessage message, string pseudonym)
    {
        var device = Device(pseudonym);
        if (message.Payload.IsEmpty)
        {
            // The device has given this name up: it is another device from now on.
            device.Online = false;
            return new StateArrived(pseudonym, false);
        }

        using var document = ContractJson.Parse(Plain(message, asLevel: false));
        var online = _reader.ReadState(document.RootElement);
        device.Online = online;
        return new StateArrived(pseudonym, online);
    }

    private DeviceTally Device(string pseudonym)
    {
        if (!_devices.TryGetValue(pseudonym, out var device))
        {
            if (_devices.Count >= _limits.DevicesMax)
            {
                throw new ContractViolation("topic", "more devices than the consumer keeps apart");
            }

            _devices[pseudonym] = device = new DeviceTally(pseudonym, options);
        }

        return device;
    }

    private ReadOnlyMemory<byte> Plain(in LinkMessage message, bool asLevel)
    {
        if (!asLevel && message.ContentEncoding is null)
        {
            Reserve(message.Payload.Length);
            message.Payload.CopyTo(_plain);
            return _plain.AsMemory(0, message.Payload.Length);
        }

        if (!asLevel && message.ContentEncoding != ContentEncodings.Brotli)
        {
            throw new ContractViolation("content-encoding", "not br");
        }

        return Decompress(message.Payload);
    }

    private ReadOnlyMemory<byte> Decompress(ReadOnlySpan<byte> compressed)
    {
        // No using declaration: that would make it read-only, and every call would work on a fresh copy of the struct.
        var decoder = new BrotliDecoder();
        try
        {
            return Decompress(ref decoder, compressed);
        }
        finally
        {
            decoder.Dispose();
        }
    }

    private ReadOnlyMemory<byte> Decompress(ref BrotliDecoder decoder, ReadOnlySpan<byte> compressed)
    {
        var length = 0;
        while (true)
        {
            var status = decoder.Decompress(compressed, _plain.AsSpan(length), out var consumed, out var written);
            compressed = compressed[consumed..];
            length += written;
            switch (status)
            {
                case OperationStatus.Done when compressed.IsEmpty:
                    return _plain.AsMemory(0, length);
                case OperationStatus.DestinationTooSmall when _plain.Length < _limits.PlainBytesMax:
                    Array.Resize(ref _plain, Math.Min(_plain.Length * 2, _limits.PlainBytesMax));
                    break;
                case OperationStatus.DestinationTooSmall:
                    throw new ContractViolation("$", "larger than the consumer decompresses");
                default:
                    throw new ContractViolation("$", "not valid brotli");
            }
        }
    }

    private void Reserve(int bytes)
    {
        if (bytes > _limits.PlainBytesMax)
        {
            throw new ContractViolation("$", "larger than the consumer takes");
        }

        if (_plain.Length < bytes)
        {
            _plain = new byte[bytes];
        }
    }

    private static void SameFunction(string function, string level)
    {
        if (function != level)
        {
            throw new ContractViolation("$.function", "not the topic's");
        }
    }

    private InvalidArrived Invalid(string device, string topic, string place, string problem)
    {
        _invalid++;
        if (_examples.Count < _limits.ExamplesMax)
        {
            _examples.Add($"{topic}: {place}: {problem}");
        }

        return new InvalidArrived(device, topic, place, problem);
    }
}
