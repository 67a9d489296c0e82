using FieldAgent.Core;
using Microsoft.Extensions.Logging;

namespace FieldAgent.Store.Spooling;

/// <summary>Says what was given up: at once when it begins, then the total now and then. A full disk loses something with every
/// flush, and its log must not fill the disk too. Under the write lock.</summary>
internal sealed class LossReport(ILogger logger, IClock clock, long intervalNs)
{
    private readonly Dictionary<string, Loss> _losses = new(StringComparer.Ordinal);

    /// <summary>Notes a loss.</summary>
    /// <param name="reason">Why, as it is said.</param>
    /// <param name="blocks">Blocks or pictures.</param>
    /// <param name="readings">Readings in them.</param>
    public void Note(string reason, long blocks, long readings)
    {
        if (!_losses.TryGetValue(reason, out var loss))
        {
            loss = new Loss { SaidNs = clock.BootNs - intervalNs };
            _losses.Add(reason, loss);
        }

        loss.Blocks += blocks;
        loss.Readings += readings;
        Say(reason, loss);
    }

    /// <summary>Says what is due; with every flush.</summary>
    public void Tick()
    {
        foreach (var (reason, loss) in _losses)
        {
            Say(reason, loss);
        }
    }

    private void Say(string reason, Loss loss)
    {
        var now = clock.BootNs;
        if (loss.Blocks == 0 || now - loss.SaidNs < intervalNs)
        {
            return;
        }

        StoreLog.Evicted(logger, reason, loss.Blocks, loss.Readings);
        loss.SaidNs = now;
        loss.Blocks = 0;
        loss.Readings = 0;
    }

    private sealed class Loss
    {
        public long SaidNs { get; set; }

        public long Blocks { get; set; }

        public long Readings { get; set; }
    }
}
