using System.Collections.Immutable;
using FieldAgent.Core;

namespace FieldAgent.Devices.I2c.Maps;

/// <summary>Whether an FRAM answers: it is the key root's memory or an instrument's, and is only looked at.</summary>
/// <remarks>Fujitsu DS501-00017 (MB85RC256V): random read by two address bytes and a repeated start.</remarks>
internal sealed class Mb85rcPresence : II2cInstrument
{
    private readonly byte[] _byte = new byte[1];

    /// <inheritdoc/>
    public ImmutableArray<StreamInfo> Streams { get; } = [new("present", "1", 1)];

    /// <inheritdoc/>
    public ulong Default => 1;

    /// <inheritdoc/>
    public void Start(I2cChip chip)
    {
    }

    /// <inheritdoc/>
    public ulong Poll(I2cChip chip, ulong wanted, Span<double> values)
    {
        var outcome = chip.Transfer([0, 0], _byte);
        values[0] = outcome == I2cOutcome.Done ? 1 : 0;
        return outcome is I2cOutcome.Done or I2cOutcome.NoAnswer ? 1UL : throw chip.Fault(outcome);
    }
}
