using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <summary>Knows the streams this recipient was sent, and writes the retained state message that describes them:
/// <c>contract/state.schema.json</c>. One thread.</summary>
/// <remarks>Only sets of blocks that were let through to this recipient are described: the state message tells of nothing that the
/// recipient may not receive.</remarks>
internal sealed class StateEncoder(string agentVersion, int setsMax)
{
    private readonly SortedDictionary<string, SortedDictionary<string, StreamSet>> _functions = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Function, string Set), StreamSet> _known = [];

    /// <summary>Notes that <paramref name="set"/> is about to be sent under <paramref name="function"/>.</summary>
    /// <returns>True when the state message must be sent anew first.</returns>
    public bool Learn(string function, StreamSet set)
    {
        if (_known.TryGetValue((function, set.Name), out var known))
        {
            if (ReferenceEquals(known, set))
            {
                return false;
            }

            if (known.Fingerprint == set.Fingerprint)
            {
                _known[(function, set.Name)] = set;
                return false;
            }
        }
        else if (_known.Count >= setsMax)
        {
            return false;
        }

        _known[(function, set.Name)] = set;
        if (!_functions.TryGetValue(function, out var sets))
        {
            _functions[function] = sets = new SortedDictionary<string, StreamSet>(StringComparer.Ordinal);
        }

        sets[set.Name] = set;
        return true;
    }

    /// <summary>Writes the state.</summary>
    /// <param name="buffer">Where to; cleared first.</param>
    /// <param name="reason">Null while online; else <c>stopped</c> or <c>lost</c>.</param>
    /// <param name="quality">Quality of the clock now.</param>
    /// <param name="wallUnixNs">Wall time now.</param>
    public void Encode(PayloadBuffer buffer, string? reason, ClockQuality quality, long wallUnixNs)
    {
        buffer.Clear();
        buffer.Raw(reason is null ? "{\"v\":1,\"online\":true"u8 : "{\"v\":1,\"online\":false,\"reason\":"u8);
        if (reason is not null)
        {
            buffer.Text(reason);
        }

        buffer.Raw(",\"agent\":"u8);
        buffer.Text(agentVersion);
        buffer.Raw(",\"clock\":"u8);
        buffer.Text(ContractWords.Of(quality));
        buffer.Raw(",\"at\":"u8);
        buffer.Number(wallUnixNs / 1000);
        buffer.Raw(",\"streams\":{"u8);
        var firstFunction = true;
        foreach (var (function, sets) in _functions)
        {
            Separate(buffer, ref firstFunction);
            buffer.Text(function);
            buffer.Raw(":{"u8);
            var firstSet = true;
            foreach (var set in sets.Values)
            {
                Separate(buffer, ref firstSet);
                WriteSet(set, buffer);
            }

            buffer.Raw((byte)'}');
        }

        buffer.Raw("}}"u8);
    }

    private static void WriteSet(StreamSet set, PayloadBuffer buffer)
    {
        buffer.Text(set.Name);
        buffer.Raw(":{\"field\":"u8);
        buffer.Text(set.Field);
        buffer.Raw(",\"interval\":"u8);
        buffer.Number(set.IntervalNs / 1000);
        buffer.Raw(",\"streams\":["u8);
        var first = true;
        foreach (var stream in set.Streams)
        {
            Separate(buffer, ref first);
            buffer.Raw("{\"name\":"u8);
            buffer.Text(stream.Name);
            buffer.Raw(",\"unit\":"u8);
            buffer.Text(stream.Unit);
            if (stream.Scale is > 0 and < double.PositiveInfinity)
            {
                buffer.Raw(",\"scale\":"u8);
                buffer.Advance(NumberWriter.Write(stream.Scale, NumberWriter.DecimalsOf(stream.Scale, 0), buffer.Room(NumberWriter.BytesMax)));
            }

            buffer.Raw((byte)'}');
        }

        buffer.Raw("]}"u8);
    }

    private static void Separate(PayloadBuffer buffer, ref bool first)
    {
        if (!first)
        {
            buffer.Raw((byte)',');
        }

        first = false;
    }
}
