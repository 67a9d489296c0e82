using System.Globalization;
using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <summary>What the gate and the broker answered, and what is held back.</summary>
internal sealed partial class ItemSender
{
    private readonly Backoff _throttle;
    private readonly Dictionary<long, (int Refusals, long RetryAtNs)> _itemHolds = [];
    private readonly Dictionary<string, (int Refusals, long RetryAtNs)> _functionHolds = new(StringComparer.Ordinal);
    private long _resumeAtNs;
    private bool _paused;
    private long _rewindAtNs = long.MaxValue;
    private bool _gateHolds;
    private bool _throttled;

    /// <summary>The gate's mind may have changed: asks again about what it held back.</summary>
    public void GateChanged()
    {
        if (_gateHolds)
        {
            Rewind();
        }
    }

    /// <summary>The broker answered a message of the spool: below 0x80 it has it.</summary>
    public void Answered(in Sent sent, int code)
    {
        _status.InFlight = _table.Count;
        if (code >= 0x80)
        {
            Refused(sent, code);
            return;
        }

        if (_throttled)
        {
            _throttled = false;
            _throttle.Reset();
            _status.Detail = "";
        }

        switch (sent.Kind)
        {
            case SentKind.Item:
                Acknowledge(sent.ItemId, sent.Function);
                break;
            case SentKind.Part:
                var parts = (PartTransfer)sent.Reference!;
                if (--parts.Outstanding == 0 && parts.AllSent && !parts.Aborted)
                {
                    Acknowledge(sent.ItemId, sent.Function);
                }

                break;
            case SentKind.Manifest or SentKind.Chunk:
                AnsweredImage(sent);
                break;
        }
    }

    // What a consent let in goes out only while that very consent stands: one that was withdrawn and granted again lets in new data,
    // and does not bring back the old. The gate counts its refusals.
    private Decision Ask(string function, string field, long consentId, long capturedWallNs)
    {
        var now = _clock.Now();
        return _gate.Decide(new Question(Stage.Send, function, field, now.WallUnixNs, now.Quality)
        {
            Recipient = _recipient,
            Region = _settings.Recipient.Region,
            AdmittedUnder = consentId,
            CapturedWallUnixNs = capturedWallNs,
        });
    }

    // When the oldest reading was taken; 0 when that boot's wall time is not known.
    private static long Captured(SpoolItem item)
    {
        if (item.Quality == ClockQuality.Unsynced)
        {
            return 0;
        }

        if (item.Image is { } image)
        {
            return image.CapturedBootNs + item.WallOffsetNs;
        }

        var oldest = long.MaxValue;
        for (var i = 0; i < item.Sets.Count; i++)
        {
            if (item.Sets[i].Columns.BootNs is [var first, ..])
            {
                oldest = Math.Min(oldest, first);
            }
        }

        return oldest == long.MaxValue ? 0 : oldest + item.WallOffsetNs;
    }

    private bool IsBacklog()
    {
        if (_item.Backlog || _item.BootId != _clock.BootId)
        {
            return true;
        }

        if (_item.Image is { } image)
        {
            return image.CapturedBootNs < _connectedBootNs;
        }

        var sets = _item.Sets;
        for (var i = 0; i < sets.Count; i++)
        {
            if (sets[i].Columns.BootNs is [.., var last] && last >= _connectedBootNs)
            {
                return false;
            }
        }

        return true;
    }

    private void AnsweredImage(in Sent sent)
    {
        var transfer = (ImageTransfer)sent.Reference!;
        if (sent.Kind == SentKind.Manifest)
        {
            transfer.ManifestAcknowledged = true;
        }
        else
        {
            transfer.Acknowledge(sent.Index);
        }

        if (transfer.IsComplete && _images.Remove(transfer.ItemId))
        {
            transfer.Active = false;
            Acknowledge(transfer.ItemId, transfer.Function);
        }
    }

    private void Acknowledge(long itemId, string function)
    {
        _reader.Acknowledge(itemId);
        _table.RemoveItem(itemId);
        _status.CountAcknowledged();
        if (_itemHolds.Count > 0)
        {
            _itemHolds.Remove(itemId);
        }

        if (_functionHolds.Count > 0 && _functionHolds.Remove(function) && _functionHolds.Count == 0)
        {
            _status.Detail = "";
        }
    }

    private void Refused(in Sent sent, int code)
    {
        _counters.Add(string.Create(CultureInfo.InvariantCulture, $"delivery.refused.0x{code:x2}"));
        // One refusal is enough for a message of several; the others' answers change nothing.
        if (sent.Reference is PartTransfer parts ? parts.Aborted : !_table.HasItem(sent.ItemId))
        {
            return;
        }

        Abort(sent);
        var now = _clock.BootNs;
        switch (Refusals.Judge(code))
        {
            case RefusalVerdict.GiveUp:
                GiveUp(sent.ItemId, GapReason.Rejected, "rejected");
                Tell(code, sent.Function);
                break;
            case RefusalVerdict.Throttle:
                _throttled = true;
                _resumeAtNs = Math.Max(_resumeAtNs, now + _throttle.Next(LinkFaultKind.Refused).ToNs());
                RewindAt(_resumeAtNs);
                Tell(code, sent.Function);
                break;
            case RefusalVerdict.Hold:
                var held = _functionHolds.GetValueOrDefault(sent.Function).Refusals;
                if (!_functionHolds.TryGetValue(sent.Function, out var hold) || hold.RetryAtNs <= now)
                {
                    _functionHolds[sent.Function] = (held + 1, now + Delay(_limits.BackoffRefused, held));
                }

                RewindAt(_functionHolds[sent.Function].RetryAtNs);
                Tell(code, sent.Function);
                break;
            default:
                var refusals = _itemHolds.GetValueOrDefault(sent.ItemId).Refusals + 1;
                if (refusals >= _limits.UnnamedRefusalsMax)
                {
                    GiveUp(sent.ItemId, GapReason.Rejected, "rejected");
                    break;
                }

                _itemHolds[sent.ItemId] = (refusals, now + Delay(_limits.BackoffMin, refusals - 1));
                RewindAt(_itemHolds[sent.ItemId].RetryAtNs);
                Tell(code, sent.Function);
                break;
        }
    }

    private void Abort(in Sent sent)
    {
        _table.RemoveItem(sent.ItemId);
        if (sent.Reference is ImageTransfer transfer)
        {
            transfer.Restart();
        }
        else if (sent.Reference is PartTransfer parts)
        {
            // Never complete: the block is sent anew, as a whole.
            parts.Aborted = true;
            if (_parts == parts)
            {
                _hasItem = false;
                _parts = null;
            }
        }
    }

    private void Tell(int code, string function) =>
        _status.Detail = string.Create(
            CultureInfo.InvariantCulture, $"the broker refuses messages of function {function} (0x{code:x2}, {Refusals.Describe(code)})");

    // Equal jitter: half of it is sure, or a hold would not be one.
    private long Delay(TimeSpan first, int doublings)
    {
        var ceiling = Math.Min(first.ToNs() * Math.Pow(2, Math.Min(doublings, 20)), _limits.BackoffMax.ToNs());
        return (long)(ceiling * (0.5 + (0.5 * _random.NextDouble())));
    }

    private bool IsHeld(SpoolItem item)
    {
        if (_functionHolds.Count == 0 && _itemHolds.Count == 0)
        {
            return false;
        }

        var now = _clock.BootNs;
        var until = _itemHolds.GetValueOrDefault(item.Id).RetryAtNs;
        if (item.Kind != SpoolItemKind.Gap)
        {
            until = Math.Max(until, _functionHolds.GetValueOrDefault(item.Function).RetryAtNs);
        }

        if (until <= now)
        {
            return false;
        }

        RewindAt(until);
        return true;
    }

    private void Denied(DenyReason reason, long itemId, string function, string field)
    {
        if (reason is DenyReason.Withdrawn or DenyReason.Expired && IsHeld(function, field))
        {
            // It may not be sent, and a legal hold keeps it from being erased.
            _gateHolds = true;
            return;
        }

        switch (reason)
        {
            case DenyReason.Withdrawn:
                GiveUp(itemId, GapReason.ConsentWithdrawn, "withdrawn");
                break;
            case DenyReason.Expired:
                GiveUp(itemId, GapReason.TermOver, "expired");
                break;
            default:
                _gateHolds = true;
                break;
        }
    }

    // By a clock that is not trusted no hold has ended.
    private bool IsHeld(string function, string field)
    {
        var now = _clock.Now();
        return _gate.IsHeld(function, field, now.Quality == ClockQuality.Unsynced ? long.MinValue : now.WallUnixNs);
    }

    private void GiveUp(long itemId, GapReason reason, string counter)
    {
        _counters.Add("delivery.given-up." + counter);
        _reader.GiveUp(itemId, reason);
        _table.RemoveItem(itemId);
        _itemHolds.Remove(itemId);
        if (_images.Remove(itemId, out var transfer))
        {
            transfer.Active = false;
        }
    }

    private void RewindAt(long bootNs) => _rewindAtNs = Math.Min(_rewindAtNs, bootNs);

    private void Rewind()
    {
        _reader.Rewind();
        _rewindAtNs = long.MaxValue;
        _gateHolds = false;
        _hasItem = false;
        _parts = null;
        _readableImage = 0;
        _readsWait = false;
        _rereads = _sending is not null;
    }
}
