using FieldAgent.Core;

namespace FieldAgent.Devices.Gnss;

/// <summary>Where fixes come from: opens it, publishes until stopped, closes it.</summary>
internal delegate void GnssSource(ISensorHost host, FixPublisher publisher, CancellationToken stop);

/// <summary>A GNSS receiver. Opens nothing before <see cref="Run"/>.</summary>
internal sealed class GnssSensor(string name, GnssSource source, long intervalNs, bool isLive) : ISensor
{
    private readonly FixHistory _history = new();

    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public IReadOnlyList<string> OpensFor { get; } = [GnssKind.PositionField];

    /// <inheritdoc/>
    public void Run(ISensorHost host, CancellationToken stop) =>
        source(host, new FixPublisher(name, host, _history, intervalNs, isLive, stop), stop);
}
