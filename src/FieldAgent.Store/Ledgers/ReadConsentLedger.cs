using FieldAgent.Core;

namespace FieldAgent.Store.Ledgers;

/// <summary>Consents as they stood when they were read.</summary>
internal sealed class ReadConsentLedger(IReadOnlyList<ConsentEvent> events) : IConsentLedger
{
    /// <inheritdoc/>
    public ConsentEvent Append(ConsentEvent consent) =>
        throw new StoreFault(StoreFaultKind.Refused, "the consents were only read; use 'fieldagent consent'", retry: false);

    /// <inheritdoc/>
    public IReadOnlyList<ConsentEvent> All() => events;
}
