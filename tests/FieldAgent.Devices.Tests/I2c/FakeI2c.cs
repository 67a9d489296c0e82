using System.Buffers.Binary;
using FieldAgent.Core;
using FieldAgent.Devices.I2c;

namespace FieldAgent.Devices.Tests.I2c;

/// <summary>A chip behind a fake bus.</summary>
internal interface IFakeChip
{
    void Write(ReadOnlySpan<byte> bytes);

    void Read(Span<byte> bytes);
}

/// <summary>A bus whose chips and faults a test sets. Thread-safe as far as the owner makes it so: it fails when two threads are inside.</summary>
internal sealed class FakeI2c : II2cBus
{
    private int _inside;

    public FakeI2c() => Buses = new I2cBuses(path =>
    {
        Name = path;
        Opened++;
        return this;
    });

    public I2cBuses Buses { get; }

    public Dictionary<byte, IFakeChip> Chips { get; } = [];

    public string Name { get; private set; } = "";

    /// <summary>Outcomes of the next transactions, before the chips are asked.</summary>
    public Queue<I2cOutcome> Next { get; } = new();

    /// <summary>Every outcome from now on, unless Done.</summary>
    public I2cOutcome Always { get; set; }

    public int Opened { get; private set; }

    public int Closed { get; private set; }

    public int Transfers { get; private set; }

    public bool Logs { get; set; } = true;

    public List<string> Log { get; } = [];

    public I2cOutcome Transfer(byte address, ReadOnlySpan<byte> write, Span<byte> read)
    {
        if (Interlocked.Increment(ref _inside) != 1)
        {
            Assert.Fail("two threads are on the bus");
        }

        try
        {
            Transfers++;
            if (Next.TryDequeue(out var outcome) && outcome != I2cOutcome.Done)
            {
                return outcome;
            }

            if (Always != I2cOutcome.Done)
            {
                return Always;
            }

            if (!Chips.TryGetValue(address, out var chip))
            {
                return I2cOutcome.NoAnswer;
            }

            if (Logs)
            {
                Log.Add($"{(write.Length > 0 ? $"W {Hex(write)}" : "")}{(read.Length > 0 ? $" R {read.Length}" : "")}".Trim());
            }

            if (write.Length > 0)
            {
                chip.Write(write);
            }

            chip.Read(read);
            return I2cOutcome.Done;
        }
        finally
        {
            Interlocked.Decrement(ref _inside);
        }
    }

    public void Dispose() => Closed++;

    /// <summary>Runs a sensor over the bus for so many waits of its clock.</summary>
    public RecordingHost Run(string options, int waits = 60, ISensorKind? kind = null)
    {
        using var stop = new CancellationTokenSource();
        var host = new RecordingHost(new LeapingClock(clock =>
        {
            if (clock.Waits >= waits)
            {
                stop.Cancel();
            }
        }));
        RecordingHost.Create(kind ?? new I2cKind(Buses), options).Run(host, stop.Token);
        return host;
    }

    public RecordedRow FirstRow(string options, ISensorKind? kind = null)
    {
        using var host = Run(options, kind: kind);
        return host.Rows[0];
    }

    public SensorFault Fails(string options, ISensorKind? kind = null)
    {
        using var host = new RecordingHost(new LeapingClock());
        return Assert.Throws<SensorFault>(() => RecordingHost.Create(kind ?? new I2cKind(Buses), options).Run(host, CancellationToken.None));
    }

    private static string Hex(ReadOnlySpan<byte> bytes) => string.Join(' ', bytes.ToArray().Select(static b => b.ToString("x2", null)));
}

/// <summary>Registers of a byte; the number goes on by itself.</summary>
internal sealed class ByteChip : IFakeChip
{
    private int _at;

    public byte[] Registers { get; } = new byte[256];

    public void Write(ReadOnlySpan<byte> bytes)
    {
        _at = bytes[0];
        foreach (var b in bytes[1..])
        {
            Registers[_at++ & 0xff] = b;
        }
    }

    public void Read(Span<byte> bytes)
    {
        foreach (ref var b in bytes)
        {
            b = Registers[_at++ & 0xff];
        }
    }

    public ByteChip With(int at, params byte[] bytes)
    {
        bytes.CopyTo(Registers, at);
        return this;
    }
}

/// <summary>Registers of two bytes, high byte first; the number stays.</summary>
internal sealed class WordChip : IFakeChip
{
    private byte _at;

    public ushort[] Registers { get; } = new ushort[256];

    /// <summary>What a write of a register brings about.</summary>
    public Action<byte, ushort>? Written { get; set; }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        _at = bytes[0];
        if (bytes.Length == 3)
        {
            Registers[_at] = BinaryPrimitives.ReadUInt16BigEndian(bytes[1..]);
            Written?.Invoke(_at, Registers[_at]);
        }
    }

    public void Read(Span<byte> bytes)
    {
        for (var i = 0; i < bytes.Length; i++)
        {
            bytes[i] = (byte)(Registers[_at] >> (i % 2 == 0 ? 8 : 0));
        }
    }

    public WordChip With(byte register, ushort value)
    {
        Registers[register] = value;
        return this;
    }
}

/// <summary>Answers what was put behind a command.</summary>
internal sealed class CommandChip : IFakeChip
{
    private string _command = "";

    public Dictionary<string, byte[]> Answers { get; } = new(StringComparer.Ordinal);

    public void Write(ReadOnlySpan<byte> bytes) => _command = Convert.ToHexStringLower(bytes);

    public void Read(Span<byte> bytes)
    {
        if (bytes.Length > 0)
        {
            Answers[_command].AsSpan(0, bytes.Length).CopyTo(bytes);
        }
    }
}
