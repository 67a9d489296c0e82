using FieldAgent.Agent.DataProtection;
using FieldAgent.Core;
using FieldAgent.Delivery;
using Microsoft.Extensions.Logging;

namespace FieldAgent.Agent.Hosting;

/// <summary>Keeps one courier at work for a recipient: a new one under each pseudonym, and none while the policy permits no identifier.
/// One thread calls <see cref="Run"/>; <see cref="State"/> may be read from any.</summary>
internal sealed partial class CourierLoop(
    Recipient recipient, Func<bool> isAnonymous, IdentityService identity, Func<string, Courier> hire, IClock clock, ILogger log)
{
    private const string AnonymousOnly = "gets anonymous windows only, in visits of their own; nothing with a pseudonym";

    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(5);

    private volatile Courier? _courier;
    private volatile string _trouble = "";

    /// <summary>What it is doing now.</summary>
    public CourierState State => _courier?.State
        ?? new CourierState(recipient.Name, "waiting", isAnonymous() ? AnonymousOnly : identity.WhyIdle is { Length: > 0 } why ? why : _trouble, 0, 0, 0, 0, "");

    /// <summary>What of a function and field is on its way at this moment; see <see cref="Courier.UnderWay"/>.</summary>
    public IReadOnlyList<ItemUnderWay> UnderWay(string function, string field) => _courier?.UnderWay(function, field) ?? [];

    /// <summary>Delivers until <paramref name="stop"/> is set; blocks.</summary>
    public void Run(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            if (isAnonymous())
            {
                // R71: whom the policy lets have nothing but anonymous data never sees a session of the board.
                stop.WaitHandle.WaitOne(Retry);
                continue;
            }

            if (identity.WhyIdle is { Length: > 0 } why)
            {
                LogIdle(recipient.Name, why);
            }

            if (identity.Enter(stop) is not { } round)
            {
                return;
            }

            try
            {
                using (round)
                {
                    if (!isAnonymous())
                    {
                        Work(round.Token);
                    }
                }
            }
            finally
            {
                if (!stop.IsCancellationRequested)
                {
                    _courier = null;
                }

                identity.Leave();
            }
        }
    }

    private void Work(CancellationToken round)
    {
        if (identity.Board.NameAt(recipient.Name) is not { } name)
        {
            return;
        }

        try
        {
            identity.Store.Using(recipient.Name, name);
        }
        catch (StoreFault fault)
        {
            // A name that is not noted as used would not be cleared when it ends.
            var trouble = $"the use of the pseudonym cannot be noted: {fault.Message}";
            if (_trouble != trouble)
            {
                _trouble = trouble;
                LogNotNoted(recipient.Name, trouble);
            }

            clock.Wait(Retry, round);
            return;
        }

        _trouble = "";

        var courier = hire(name);
        _courier = courier;
        courier.Run(round);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Recipient}: {Why}")]
    private partial void LogIdle(string recipient, string why);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Recipient}: {Why}")]
    private partial void LogNotNoted(string recipient, string why);
}
