using System.Collections.Immutable;
using System.Numerics;
using FieldAgent.Core;

namespace FieldAgent.Devices.I2c;

/// <summary>One question to a chip: a command and a wait, where it needs them; then bytes from a register, or plainly.</summary>
/// <param name="Register">The register's number as it is sent; empty: the answer is read without one.</param>
/// <param name="Bytes">Length of the answer, checksums included.</param>
internal sealed record RegisterRead(byte[] Register, int Bytes)
{
    /// <summary>Sent before; empty for none.</summary>
    public byte[] Command { get; init; } = [];

    /// <summary>Between command and answer.</summary>
    public TimeSpan Wait { get; init; }

    /// <summary>The answer's checksums.</summary>
    public Crc8? Crc { get; init; }

    /// <summary>The same for questions that are the same: asked once.</summary>
    public string Key => FormattableString.Invariant(
        $"{Convert.ToHexString(Command)} {Wait.Ticks} {Convert.ToHexString(Register)} {Bytes} {Crc?.Polynomial} {Crc?.Init} {Crc?.Word}");
}

/// <summary>A stream of a register map: value = polynomial(number × scale + offset).</summary>
/// <param name="Name">Its name.</param>
/// <param name="Unit">UCUM code.</param>
/// <param name="Read">The question that answers it.</param>
/// <param name="Field">Where in the answer.</param>
/// <param name="Scale">Factor on the number.</param>
internal sealed record RegisterStream(string Name, string Unit, RegisterRead Read, BitField Field, double Scale = 1)
{
    /// <summary>Added after the factor.</summary>
    public double Offset { get; init; }

    /// <summary>Coefficients from x⁰ up; empty for none.</summary>
    public double[] Polynomial { get; init; } = [];

    /// <summary>Step of the values; 0 to find it out.</summary>
    public double Step { get; init; }

    /// <summary>Only read when the configuration names it.</summary>
    public bool OnDemand { get; init; }
}

/// <summary>A chip that is described by its registers.</summary>
internal sealed class RegisterMap : II2cInstrument
{
    private readonly string _word;
    private readonly I2cIdentity? _identity;
    private readonly byte[][] _init;
    private readonly RegisterStream[] _streams;
    private readonly StepConversion[] _conversions;
    private readonly (RegisterRead Read, ulong Streams)[] _reads;
    private readonly byte[] _answer;

    /// <summary>A map.</summary>
    /// <param name="word">What it is called, for messages.</param>
    /// <param name="identity">How to know the chip, or null.</param>
    /// <param name="init">Sent at the start, in order.</param>
    /// <param name="streams">One to 64.</param>
    public RegisterMap(string word, I2cIdentity? identity, IEnumerable<byte[]> init, IEnumerable<RegisterStream> streams)
    {
        _word = word;
        _identity = identity;
        _init = [.. init];
        _streams = [.. streams];
        _conversions = [.. _streams.Select(static s => s.Polynomial.Length > 0
            ? new StepConversion(new LinearConversion(0, s.Scale, s.Offset), s.Step, StepConversion.Unknown)
            : new StepConversion(new LinearConversion(0, s.Scale, s.Offset), s.Step, s.Field.Format == NumberFormat.Float ? StepConversion.Unknown : 0))];
        _reads = [.. _streams.Select(static (s, i) => (s.Read, Bit: 1UL << i)).GroupBy(static s => s.Read.Key)
            .Select(static group => (group.First().Read, group.Aggregate(0UL, static (mask, s) => mask | s.Bit)))];
        _answer = new byte[_reads.Max(static r => r.Read.Bytes)];
        Streams = [.. _streams.Select((s, i) => new StreamInfo(s.Name, s.Unit, _conversions[i].Step))];
        Default = _streams.Select(static (s, i) => s.OnDemand ? 0 : 1UL << i).Aggregate(0UL, static (a, b) => a | b);
    }

    /// <inheritdoc/>
    public ImmutableArray<StreamInfo> Streams { get; }

    /// <inheritdoc/>
    public ulong Default { get; }

    /// <inheritdoc/>
    public void Start(I2cChip chip)
    {
        _identity?.Check(chip, _word);
        foreach (var bytes in _init)
        {
            chip.MustTransfer(bytes, []);
        }
    }

    /// <inheritdoc/>
    public ulong Poll(I2cChip chip, ulong wanted, Span<double> values)
    {
        ulong present = 0;
        var asked = 0;
        var lost = 0;
        foreach (var (read, streams) in _reads)
        {
            if ((streams & wanted) == 0)
            {
                continue;
            }

            asked++;
            var answer = _answer.AsSpan(0, read.Bytes);
            var outcome = read.Command.Length > 0 ? chip.Transfer(read.Command, []) : I2cOutcome.Done;
            if (outcome == I2cOutcome.Done)
            {
                if (!chip.Wait(read.Wait))
                {
                    return 0;
                }

                outcome = chip.Transfer(read.Register, answer);
            }

            if (outcome == I2cOutcome.Done)
            {
                present |= Decode(chip, read, streams & wanted, answer, values);
            }
            else if (outcome == I2cOutcome.ArbitrationLost)
            {
                lost++;
            }
            else
            {
                throw chip.Fault(outcome);
            }
        }

        return lost > 0 && lost == asked ? throw chip.Fault(I2cOutcome.ArbitrationLost) : present;
    }

    private ulong Decode(I2cChip chip, RegisterRead read, ulong streams, ReadOnlySpan<byte> answer, Span<double> values)
    {
        var bad = read.Crc?.BadWords(answer) ?? 0;
        for (var i = BitOperations.PopCount(bad); i > 0; i--)
        {
            chip.Count("crc");
        }

        ulong present = 0;
        for (var rest = streams; rest != 0; rest &= rest - 1)
        {
            var i = BitOperations.TrailingZeroCount(rest);
            var stream = _streams[i];
            if (read.Crc is { } crc && ((bad >> crc.WordOf(stream.Field.At)) & 1) != 0)
            {
                continue;
            }

            var value = Value(stream, _conversions[i], stream.Field.Read(answer));
            if (double.IsFinite(value))
            {
                values[i] = value;
                present |= 1UL << i;
            }
            else
            {
                chip.Count("no-number");
            }
        }

        return present;
    }

    private static double Value(RegisterStream stream, in StepConversion conversion, double number)
    {
        if (stream.Polynomial.Length == 0)
        {
            return conversion.Convert(number);
        }

        var x = (number * stream.Scale) + stream.Offset;
        var value = 0.0;
        for (var i = stream.Polynomial.Length - 1; i >= 0; i--)
        {
            value = (value * x) + stream.Polynomial[i];
        }

        return stream.Step > 0 ? Math.Round(value / stream.Step) * stream.Step : value;
    }
}
