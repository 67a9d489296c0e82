using System.Globalization;
using System.Security.Cryptography;
using FieldAgent.Core;
using FieldAgent.Delivery;

namespace FieldAgent.Agent.DataProtection;

/// <summary>A window as it waits for one recipient.</summary>
/// <param name="Name">Its name in the store.</param>
/// <param name="Function">The function: the last level of its topic.</param>
/// <param name="Json">The message, UTF-8.</param>
internal sealed record WaitingWindow(string Name, string Function, byte[] Json);

/// <summary>Anonymous windows on their way out, one sealed value a window and recipient, apart from all that has a pseudonym. What goes in is
/// an <see cref="AnonymousWindow"/> and nothing else. Thread-safe.</summary>
internal sealed class AnonymousOutbox : IAnonymousOutbox
{
    /// <summary>Windows that are kept at most: 16 streams through two and a half days without a broker, in half a megabyte.</summary>
    public const int WindowsMax = 1024;

    private const string Prefix = "anonymous/";
    private const string Letters = "abcdefghijklmnopqrstuvwxyz234567";

    private readonly ISealedValues _values;
    private readonly IReadOnlyList<string> _known;
    private readonly Counters _counters;
    private readonly Lock _lock = new();
    private long _next;
    private volatile bool _isPaused;

    /// <summary>An outbox in <paramref name="values"/>, for the recipients that are configured.</summary>
    public AnonymousOutbox(ISealedValues values, IReadOnlyList<string> known, Counters counters)
    {
        _known = known;
        _values = values;
        _counters = counters;
        _next = values.Names(Prefix) is [.., var last]
            ? long.Parse(last.AsSpan(Prefix.Length, 16), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture) + 1
            : 1;
    }

    /// <summary>Raised after a window was put in, or a pause has ended. Any thread.</summary>
    public event Action? Added;

    /// <summary>While true nothing waits for anybody: it is kept, because its permission is refused for now alone. Any thread.</summary>
    public bool IsPaused
    {
        get => _isPaused;
        set
        {
            var ends = _isPaused && !value;
            _isPaused = value;
            if (ends)
            {
                Added?.Invoke();
            }
        }
    }

    /// <summary>A name that nobody else has and that says nothing.</summary>
    public static string RandomName() => RandomNumberGenerator.GetString(Letters, 26);

    /// <inheritdoc/>
    public void Put(AnonymousWindow window, IReadOnlyList<string> recipients)
    {
        lock (_lock)
        {
            foreach (var recipient in recipients.Where(_known.Contains))
            {
                var names = _values.Names(Prefix);
                if (names.Count >= WindowsMax)
                {
                    _values.Remove(names[0]);
                    _counters.Add("dropped.anonymous-windows");
                }

                _values.Set(
                    string.Create(CultureInfo.InvariantCulture, $"{Prefix}{_next++:x16}/{window.Function}/{recipient}"),
                    AnonymousEncoder.Encode(window, RandomName()));
            }
        }

        Added?.Invoke();
    }

    /// <summary>What waits for <paramref name="recipient"/>, in no order that tells which board the windows are from.</summary>
    public IReadOnlyList<WaitingWindow> Waiting(string recipient, int max)
    {
        if (_isPaused)
        {
            return [];
        }

        var waiting = _values.Names(Prefix).Select(static name => (Name: name, Parts: name.Split('/')))
            .Where(one => one.Parts[3] == recipient).Take(max)
            .Select(one => new WaitingWindow(one.Name, one.Parts[2], _values.Get(one.Name) ?? [])).ToArray();
        RandomNumberGenerator.Shuffle(waiting.AsSpan());
        return waiting;
    }

    /// <summary>The broker has it, or never will.</summary>
    /// <exception cref="StoreFault">It could not be noted: it is sent once more, under the same id.</exception>
    public void Done(WaitingWindow window) => _values.Remove(window.Name);

    /// <summary>Erases all that waits: its consent has ended.</summary>
    /// <returns>How many windows.</returns>
    public int Clear()
    {
        lock (_lock)
        {
            var names = _values.Names(Prefix);
            foreach (var name in names)
            {
                _values.Remove(name);
            }

            return names.Count;
        }
    }
}
