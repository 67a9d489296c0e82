using FieldAgent.Agent.Control;
using FieldAgent.Agent.Hosting;
using FieldAgent.Core;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.DataProtection;

/// <summary>Carries out by itself what a person has asked for over MQTT with a verified signature, where that needs nobody's judgement and nobody's
/// presence (R99, R100): to freeze, to end everything, to delete pictures and what rests on a consent that has ended, to attach a
/// statement. What is to be handed over is handed over at the board, and a deletion that needs a listed reason waits for the operator: those
/// requests stay open with their deadline. A power cut or a fault of the store only delays; each act can be repeated. One thread.</summary>
internal sealed class RequestErrands(RequestDesk desk, IRequestLedger ledger, PrivacyRights rights, PrivacyScopes scopes, Gate gate, Counters counters)
    : IDisposable
{
    // After a fault of the store.
    private static readonly TimeSpan LookAgain = TimeSpan.FromMinutes(10);

    private readonly WakeSignal _wake = new();

    /// <summary>Carries out what is verified, until stopped. Blocks.</summary>
    public void Run(CancellationToken stop)
    {
        desk.Verified += _wake.Set;
        try
        {
            do
            {
                try
                {
                    CarryOut();
                }
                catch (StoreFault)
                {
                    counters.Add("requests.delayed");
                }
            }
            while (_wake.Wait(LookAgain, stop));
        }
        finally
        {
            desk.Verified -= _wake.Set;
        }
    }

    /// <summary>Carries out what is verified now.</summary>
    /// <exception cref="StoreFault">Something is not finished; call again.</exception>
    public void CarryOut()
    {
        foreach (var request in ledger.Requests().Where(static r => r is { State: RequestState.Verified, Verification: RequestDesk.BySignature }).Reverse())
        {
            if (IsAutomatic(request) && Act(request) is { Ok: true } done)
            {
                desk.Complete(request.Id, done.Message.Length > RequestDesk.TextMax ? done.Message[..RequestDesk.TextMax] : done.Message);
                counters.Add("requests.carried-out");
            }
        }
    }

    /// <summary>True when the board carries it out by itself.</summary>
    /// <exception cref="StoreFault">The store cannot be read.</exception>
    public bool IsAutomatic(SubjectRequest request) => request.Kind switch
    {
        RequestKind.Restriction => Pairs(request).Count > 0,
        RequestKind.Closure => true,
        RequestKind.Deletion => Reason(Pairs(request)) is not null,
        RequestKind.Correction => request.Function.Length > 0 && request.Field.Length > 0 && request.Text.Length > 0,
        _ => false,
    };

    /// <inheritdoc/>
    public void Dispose() => _wake.Dispose();

    private ControlReply Act(SubjectRequest request) => request.Kind switch
    {
        RequestKind.Restriction => rights.Restrict(true, Named(request.Function), Named(request.Field), ConsentBy.Subject),
        RequestKind.Closure => rights.Close(ConsentBy.Subject),
        RequestKind.Deletion => rights.Delete(Pairs(request), long.MaxValue, Reason(Pairs(request))!, ConsentBy.Subject),
        _ => rights.Correct(request.Function, request.Field, long.MinValue, long.MaxValue, request.Text),
    };

    private IReadOnlyList<ConsentPair> Pairs(SubjectRequest request) => scopes.Of(Named(request.Function), Named(request.Field));

    // Pictures need no reason; the end of the consent that something rests on is one.
    private string? Reason(IReadOnlyList<ConsentPair> pairs) =>
        pairs.Count == 0 ? null
        : pairs.All(static pair => pair.Field.StartsWith(Vocabulary.ImageNamespace, StringComparison.Ordinal)) ? "images"
        : pairs.All(pair => gate.Policy.Rule(pair.Function, pair.Field) is { Basis: LegalBasis.Consent }
            && !gate.Decide(Stage.Collect, pair.Function, pair.Field).Keeps) ? "withdrawn"
        : null;

    private static string? Named(string word) => word.Length == 0 ? null : word;
}
