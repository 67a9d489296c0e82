using FieldAgent.Core;
using FieldAgent.Store.Erasure;
using FieldAgent.Store.Spooling;

namespace FieldAgent.Store;

/// <summary>What is in the store.</summary>
public sealed partial class StateStore
{
    /// <summary>Readings and pictures waiting for their recipients.</summary>
    public ISpool Spool => _spool;

    /// <summary>Consents.</summary>
    public IConsentLedger Consents => _consents;

    /// <summary>What sensors keep over restarts.</summary>
    public SensorMemory Memory => _context.Memory;

    /// <summary>Commands seen.</summary>
    public ICommandLedger Commands => _commands;

    /// <summary>Requests of persons.</summary>
    public IRequestLedger Requests => _requests;

    /// <summary>What was delivered to whom.</summary>
    public IDeliveryLedger Deliveries => _spool.Deliveries;

    /// <summary>Looks at all that is held now, without touching its delivery. Any thread; the caller disposes it.</summary>
    public ISpoolView OpenView() => new SpoolView(_spool);

    /// <summary>Receipts and other documents that are kept for those whom they are about.</summary>
    public IDocumentShelf Documents => _documents;

    /// <summary>Documents waiting for their recipients.</summary>
    public IOutbox Outbox => _outbox;

    /// <summary>Erases stored data for good.</summary>
    public IEraser Eraser => _eraser;

    /// <summary>Erases what is past its term.</summary>
    public Sweeper Sweeper { get; }

    /// <summary>Legal holds that keep data from being erased; none until set.</summary>
    public IHolds Holds
    {
        get => _eraser.Holds;
        set => _eraser.Holds = value;
    }

    /// <summary>Bytes that were sent, by recipient and day.</summary>
    public IBudgetLedger Budget { get; }

    /// <summary>What recipients were told of facts.</summary>
    public IFactLedger Facts { get; }

    /// <summary>The installation's identity.</summary>
    public IKeyStore Keys => _context.Identity;

    /// <summary>The epoch of the identity.</summary>
    public IIdentityStore Epochs => _identity;

    /// <summary>Small values that outlive a restart.</summary>
    public ISealedValues Values => _values;

    /// <summary>How opening went.</summary>
    public OpenOutcome OpenOutcome { get; }
}
