using FieldAgent.Core;

namespace FieldAgent.Store.Tests;

/// <summary>An effaceable memory whose power can be cut after so many bytes.</summary>
internal sealed class FakeMemory(byte[] content) : IEffaceableMemory
{
    public FakeMemory(int bytes)
        : this(new byte[bytes])
    {
    }

    public byte[] Content { get; } = content;

    /// <summary>Bytes that are still written before the power goes.</summary>
    public int PowerFor { get; set; } = int.MaxValue;

    /// <summary>Bytes written so far.</summary>
    public int Written { get; private set; }

    public string Place => "fake memory";

    public int Bytes => Content.Length;

    public void Read(int offset, Span<byte> into)
    {
        if (PowerFor == 0)
        {
            throw new StoreFault(StoreFaultKind.Io, "no power", retry: true);
        }

        Content.AsSpan(offset, into.Length).CopyTo(into);
    }

    public void Write(int offset, ReadOnlySpan<byte> bytes)
    {
        var count = Math.Min(bytes.Length, PowerFor);
        bytes[..count].CopyTo(Content.AsSpan(offset));
        Written += count;
        PowerFor -= PowerFor == int.MaxValue ? 0 : count;
        if (count < bytes.Length)
        {
            throw new StoreFault(StoreFaultKind.Io, "no power", retry: true);
        }
    }
}
