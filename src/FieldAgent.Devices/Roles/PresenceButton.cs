using FieldAgent.Core;

namespace FieldAgent.Devices;

/// <summary>A button at the board: that it was pressed proves that somebody stands there (R96). Any thread.</summary>
/// <param name="clock">For the time of a press.</param>
public sealed class PresenceButton(IClock clock) : IPresence
{
    private const long Never = long.MinValue;

    private readonly Lock _lock = new();
    private long _pressedBootNs = Never;

    /// <summary>Follows the button's line. A button that is found pressed, or jams, proves nothing: only pressing it does.</summary>
    public void Follow(ContactLevel now, ContactLevel before)
    {
        if (now == ContactLevel.Active && before == ContactLevel.Inactive)
        {
            lock (_lock)
            {
                _pressedBootNs = clock.BootNs;
            }
        }
    }

    /// <inheritdoc/>
    public bool TryUse(TimeSpan span)
    {
        lock (_lock)
        {
            var isFresh = _pressedBootNs != Never && clock.BootNs - _pressedBootNs <= span.ToNs();
            _pressedBootNs = Never;
            return isFresh;
        }
    }
}
