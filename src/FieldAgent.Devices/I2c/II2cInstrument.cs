using System.Collections.Immutable;
using FieldAgent.Core;

namespace FieldAgent.Devices.I2c;

/// <summary>What one chip measures and how it is asked. One thread; keeps what it read from the chip at its start.</summary>
internal interface II2cInstrument
{
    /// <summary>All that the chip can give, each with the step of its values.</summary>
    ImmutableArray<StreamInfo> Streams { get; }

    /// <summary>The streams that are read when the configuration names none; bit i is stream i.</summary>
    ulong Default { get; }

    /// <summary>Makes sure that it is the chip, and sets it up. Again after each fault: it may have lost its power.</summary>
    /// <exception cref="SensorFault">It does not answer, or is another chip.</exception>
    void Start(I2cChip chip);

    /// <summary>Samples once; does not allocate.</summary>
    /// <param name="chip">The chip.</param>
    /// <param name="wanted">The streams that are wanted.</param>
    /// <param name="values">Gets one value a stream.</param>
    /// <returns>The streams that have a value.</returns>
    /// <exception cref="SensorFault">The chip or its bus is gone.</exception>
    ulong Poll(I2cChip chip, ulong wanted, Span<double> values);
}

/// <summary>A register that tells which chip it is.</summary>
/// <param name="Register">Its number, as it is sent.</param>
/// <param name="Bytes">Its width: 1 or 2, high byte first.</param>
/// <param name="Value">What it holds, under the mask.</param>
/// <param name="Mask">The bits that matter.</param>
internal sealed record I2cIdentity(byte[] Register, int Bytes, int Value, int Mask)
{
    /// <summary>Reads and compares it.</summary>
    /// <exception cref="SensorFault">Malformed: it is another chip.</exception>
    public void Check(I2cChip chip, string word)
    {
        Span<byte> answer = stackalloc byte[2];
        chip.MustTransfer(Register, answer[..Bytes]);
        var value = Bytes == 1 ? answer[0] : (answer[0] << 8) | answer[1];
        if ((value & Mask) != Value)
        {
            var expected = word == I2cOptions.Custom ? "the chip that 'id' describes" : word;
            var found = chip.Recognise() is { Length: > 0 } known && known != word ? $"It answers as {known}, not as {expected}" : $"It is not {expected}";
            throw new SensorFault(SensorFaultKind.Malformed, chip.Place,
                $"{found}: its id register 0x{Convert.ToHexStringLower(Register)} says 0x{value:x}, not 0x{Value:x}. Correct 'map' or 'address', or look what is wired there.");
        }
    }
}
