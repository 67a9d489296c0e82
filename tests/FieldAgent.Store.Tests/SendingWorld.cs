using FieldAgent.Core;
using FieldAgent.Simulation;

namespace FieldAgent.Store.Tests;

/// <summary>A store with two recipients, couriers reduced to what they tell it, and the memory of all that was ever sent.</summary>
internal sealed class SendingWorld : IDisposable
{
    private static readonly string[] s_recipients = ["vendor", "partner"];
    private static readonly string[] s_fields = ["device.model", "os.name"];
    private static readonly Permit[] s_permits =
    [
        Admit.Permit("telemetry", "instrument.measurement", recipients: s_recipients),
        Admit.Permit("fleet-location", "location.position", recipients: ["vendor"]),
    ];

    private readonly Random _random;
    private readonly TempFolder _folder = new();
    private readonly Courier[] _couriers = [new(), new()];
    private readonly HashSet<(string Recipient, string Function, long Sequence)> _sent = [];
    private readonly HashSet<(string Recipient, string Function, long Sequence)> _taken = [];
    private readonly HashSet<(string Recipient, string Field, long Id)> _factsSent = [];
    private readonly HashSet<(string Recipient, string Field, long Id)> _factsTaken = [];
    private Bench _bench;
    private int _folders;

    public SendingWorld(int seed)
    {
        _random = new Random(seed);
        _bench = Open(_folder.File("state"), null);
    }

    public void Step()
    {
        var recipient = _random.Next(s_recipients.Length);
        switch (_random.Next(22))
        {
            case < 4:
                var permit = s_permits[_random.Next(s_permits.Length)];
                _bench.Fill(Bench.Set(field: permit.Field), _random.Next(1, 4), 1, permit);
                break;
            case < 9:
                Send(recipient);
                break;
            case < 12:
                Answer(recipient);
                break;
            case 12:
                Break(recipient);
                break;
            case 13:
                Erase();
                break;
            case 14:
                Cut();
                break;
            case 15:
                Restart();
                break;
            case 16 or 17:
                _bench.Store.Outbox.Put(FactSendingTests.Facts(s_recipients[recipient], s_fields[.._random.Next(1, 3)]));
                break;
            case 18 or 19:
                SendFacts(recipient);
                break;
            case 20:
                AnswerFacts(recipient);
                break;
            default:
                DropFacts(recipient);
                break;
        }
    }

    /// <summary>Nothing that was sent is unaccounted for, and of no rule more than was sent of it.</summary>
    public void Check()
    {
        var (delivered, possible) = (_bench.Store.Deliveries.All(), _bench.Store.Deliveries.Possible());
        foreach (var (recipient, function, sequence) in _sent)
        {
            Assert.True(
                delivered.Any(run => run.Recipient == recipient && run.Function == function && run.Holds(sequence))
                    || possible.Any(one => one.Recipient == recipient && one.Function == function && one.MayHold(sequence)),
                $"{recipient} may have {function} {sequence}, and nobody knows");
        }

        Assert.All(possible.Where(static one => !one.IsFacts), one => Assert.Contains(_sent, sent => sent.Recipient == one.Recipient && sent.Function == one.Function));
        foreach (var (recipient, field, id) in _factsSent)
        {
            Assert.True(
                delivered.Any(run => run.IsFacts && run.Recipient == recipient && run.Field == field && run.Holds(id))
                    || possible.Any(one => one.IsFacts && one.Recipient == recipient && one.Field == field && one.MayHold(id)),
                $"{recipient} may have {field} in document {id}, and nobody knows");
        }

        Assert.All(possible.Where(static one => one.IsFacts), one => Assert.Contains(_factsSent, sent => sent.Recipient == one.Recipient && sent.Field == one.Field));
        Assert.All(delivered.Where(static run => run.IsFacts), run => Assert.Contains(_factsSent, sent => sent.Recipient == run.Recipient && sent.Field == run.Field));
    }

    /// <summary>Everything is sent and acknowledged: possible is only what was taken away before.</summary>
    public void Finish()
    {
        for (var recipient = 0; recipient < s_recipients.Length; recipient++)
        {
            Break(recipient);
            while (Send(recipient))
            {
                Answer(recipient, all: true);
            }

            _couriers[recipient].Reader!.Settle();
            SendFacts(recipient);
            AnswerFacts(recipient, all: true);
        }

        CheckLeft();
        Restart();
        CheckLeft();
    }

    private void CheckLeft()
    {
        Check();
        Assert.All(_bench.Store.Deliveries.Possible(), one => Assert.True(one.IsFacts
            ? _factsTaken.Any(taken => taken.Recipient == one.Recipient && taken.Field == one.Field)
            : _taken.Any(taken => taken.Recipient == one.Recipient && taken.Function == one.Function)));
    }

    public void Dispose()
    {
        Close();
        _bench.Dispose();
        _folder.Dispose();
    }

    private static Bench Open(string directory, SimulatedClock? clock) => new(static o => o with { Recipients = [.. s_recipients] }, directory, clock);

    private bool Send(int recipient)
    {
        var courier = _couriers[recipient];
        courier.Reader ??= _bench.Spool.OpenReader(s_recipients[recipient]);
        var item = new SpoolItem();
        if (!courier.Reader.TryRead(item))
        {
            return false;
        }

        if (item.Kind == SpoolItemKind.Gap)
        {
            courier.Reader.Acknowledge(item.Id);
            return true;
        }

        if (courier.Reader.Sending(item.Id))
        {
            _sent.Add((s_recipients[recipient], item.Function, item.Sequence));
            courier.Window.Add((item.Id, item.Function, item.Sequence));
        }

        return true;
    }

    private void Answer(int recipient, bool all = false)
    {
        var courier = _couriers[recipient];
        while (courier.Window.Count > 0)
        {
            var at = _random.Next(courier.Window.Count);
            var (id, function, sequence) = courier.Window[at];
            courier.Window.RemoveAt(at);
            if (!all && _random.Next(8) == 0)
            {
                _taken.Add((s_recipients[recipient], function, sequence));
                courier.Reader!.GiveUp(id, GapReason.Rejected);
            }
            else
            {
                courier.Reader!.Acknowledge(id);
            }

            if (_random.Next(3) == 0)
            {
                courier.Reader.Settle();
            }

            if (!all)
            {
                return;
            }
        }
    }

    // All that waits, as a courier does at each connection.
    private void SendFacts(int recipient)
    {
        foreach (var notice in _bench.Store.Outbox.Waiting(s_recipients[recipient], 0, 100))
        {
            Assert.True(_bench.Store.Outbox.Sending(notice.Id));
            _factsSent.UnionWith(notice.Holds.Select(one => (notice.Recipient, one.Field, notice.Id)));
            _couriers[recipient].Facts.Add(notice);
        }
    }

    // Some of what is on its way in this run, also of what was taken away meanwhile.
    private void AnswerFacts(int recipient, bool all = false)
    {
        _couriers[recipient].Facts.RemoveAll(notice =>
        {
            var answered = all || _random.Next(2) == 0;
            if (answered)
            {
                _bench.Store.Outbox.Sent(notice.Id);
            }

            return answered;
        });
    }

    private void DropFacts(int recipient)
    {
        if (_bench.Store.Outbox.Waiting(s_recipients[recipient], 0, 100) is { Count: > 0 } waiting)
        {
            var notice = waiting[_random.Next(waiting.Count)];
            _factsTaken.UnionWith(notice.Holds.Select(one => (notice.Recipient, one.Field, notice.Id)));
            _bench.Store.Outbox.Drop(notice.Id);
        }
    }

    private void Break(int recipient)
    {
        _couriers[recipient].Window.Clear();
        _couriers[recipient].Reader?.Rewind();
    }

    private void Erase()
    {
        if (_random.Next(2) == 0)
        {
            var field = s_fields[_random.Next(s_fields.Length)];
            _factsTaken.UnionWith(s_recipients.SelectMany(recipient => _bench.Store.Outbox.Waiting(recipient, 0, 100))
                .Where(notice => notice.Holds.Any(one => one.Field == field))
                .SelectMany(static notice => notice.Holds.Select(one => (notice.Recipient, one.Field, notice.Id))));
            _bench.Store.Eraser.Erase([new ErasureScope("compatibility", field)], GapReason.Erased, "request");
            Assert.DoesNotContain(
                s_recipients.SelectMany(recipient => _bench.Store.Outbox.Waiting(recipient, 0, 100)), notice => notice.Holds.Any(one => one.Field == field));
            return;
        }

        var permit = s_permits[_random.Next(s_permits.Length)];
        _taken.UnionWith(_sent.Where(sent => sent.Function == permit.Function));
        _bench.Store.Eraser.Erase([new ErasureScope(permit.Function, permit.Field)], GapReason.Erased, "request");
    }

    // What the card holds at this moment is all that is left.
    private void Cut()
    {
        var cut = _folder.File($"cut-{++_folders}");
        OpenTests.Copy(_bench.Options.Directory, cut);
        Close();
        _bench.Dispose();
        _bench = Open(cut, _bench.Clock);
    }

    private void Restart()
    {
        Close();
        _bench.Reopen();
    }

    private void Close()
    {
        foreach (var courier in _couriers)
        {
            courier.Window.Clear();
            courier.Facts.Clear();
            courier.Reader?.Dispose();
            courier.Reader = null;
        }
    }

    private sealed class Courier
    {
        public ISpoolReader? Reader { get; set; }

        public List<(long Id, string Function, long Sequence)> Window { get; } = [];

        public List<Notice> Facts { get; } = [];
    }
}
