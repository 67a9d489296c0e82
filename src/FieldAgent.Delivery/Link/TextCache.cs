using System.Runtime.InteropServices;
using System.Text;

namespace FieldAgent.Delivery;

/// <summary>Turns C strings that come again and again (topics, encodings) into strings without allocating each time.
/// Direct-mapped: a clash replaces the older one. Holds at most <see cref="Slots"/> strings. For one thread.</summary>
internal sealed unsafe class TextCache
{
    private const int Slots = 64;

    private readonly (byte[] Utf8, string Text)[] _entries = new (byte[], string)[Slots];

    /// <summary>The string at <paramref name="text"/> (UTF-8, closing zero), copied.</summary>
    public string Get(byte* text)
    {
        var utf8 = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(text);
        var hash = (uint)utf8.Length;
        foreach (var value in utf8)
        {
            hash = (hash ^ value) * 16_777_619;
        }

        ref var entry = ref _entries[(hash ^ (hash >> 16)) % Slots];
        if (entry.Utf8 is null || !utf8.SequenceEqual(entry.Utf8))
        {
            entry = (utf8.ToArray(), Encoding.UTF8.GetString(utf8));
        }

        return entry.Text;
    }
}
