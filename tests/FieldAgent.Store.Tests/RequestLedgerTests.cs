using System.Text;
using FieldAgent.Core;

namespace FieldAgent.Store.Tests;

public class RequestLedgerTests
{
    [Fact]
    [Promise("R95")]
    public void Requests_corrections_and_keys_outlive_a_restart_and_what_people_say_is_not_to_be_read_in_any_file()
    {
        using var bench = new Bench();
        var ledger = bench.Store.Requests;
        var request = ledger.Add(new SubjectRequest(
            0, RequestKind.Deletion, RequestState.Received, "ref-1", "photo", "image.photo", "CANARY-what-I-say", "console", bench.Clock.Now()));
        request = request with { State = RequestState.Refused, Ground = "repetitive", Answer = "CANARY-what-I-was-told", AnsweredAt = bench.Clock.Now() };
        ledger.Update(request);
        var correction = ledger.Add(new Correction(
            0, "telemetry", "instrument.measurement", long.MinValue, long.MaxValue, "CANARY-it-was-wrong", "ref-2", bench.Clock.Now()));
        ledger.Add(new SubjectKey("0123456789abcdef", "tablet", new byte[] { 1, 2, 3 }, bench.Clock.Now()));
        bench.Reopen();
        ledger = bench.Store.Requests;
        Assert.Equal(request, Assert.Single(ledger.Requests()));
        Assert.Equal(correction, Assert.Single(ledger.Corrections()));
        Assert.Equal([1, 2, 3], Assert.Single(ledger.Keys()).PublicKey.ToArray());
        ledger.EraseTexts();
        Assert.Equal(("", ""), (ledger.Requests()[0].Text, ledger.Requests()[0].Answer));
        Assert.Empty(ledger.Corrections());
        Assert.True(ledger.RemoveKey("0123456789abcdef"));
        Assert.False(ledger.RemoveKey("0123456789abcdef"));
        bench.Store.Dispose();
        foreach (var file in Directory.GetFiles(bench.Options.Directory))
        {
            Assert.True(File.ReadAllBytes(file).AsSpan().IndexOf(Encoding.UTF8.GetBytes("CANARY")) < 0, file);
        }
    }

    [Fact]
    public void It_is_bounded_and_an_open_request_is_never_forgotten()
    {
        using var bench = new Bench(static o => o with { Limits = o.Limits with { RequestsMax = 3 } });
        var ledger = bench.Store.Requests;
        for (var i = 0; i < 3; i++)
        {
            ledger.Add(New($"ref-{i}", bench.Clock.Now()));
        }

        Assert.Equal(StoreFaultKind.Refused, Assert.Throws<StoreFault>(() => ledger.Add(New("ref-4", bench.Clock.Now()))).Kind);
        ledger.Update(ledger.Requests()[1] with { State = RequestState.Done });
        Assert.Equal(4, ledger.Add(New("ref-5", bench.Clock.Now())).Id);
        Assert.Equal([1L, 3, 4], ledger.Requests().Select(static r => r.Id));
    }

    private static SubjectRequest New(string reference, Stamp at) =>
        new(0, RequestKind.Access, RequestState.Received, reference, "", "", "", "console", at);
}
