using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using FieldAgent.Core;
using FieldAgent.Simulation;

namespace FieldAgent.Privacy.Tests;

public class RequestTests
{
    private const string Device = "abcdefghijklmnopqrstuvwxyz";
    private const long Start = 1_800_000_000_000_000_000;

    private readonly SimulatedClock _clock = new();
    private readonly MemoryRequests _ledger = new();
    private readonly Counters _counters = new();
    private readonly RequestDesk _desk;
    private readonly SignedRequests _signed;

    public RequestTests()
    {
        _clock.SetWall(Start, ClockQuality.Ntp);
        _desk = new RequestDesk(_ledger, _clock, audit: null);
        _signed = new SignedRequests(_desk, _ledger, _clock, _counters);
    }

    [Fact]
    [Promise("R95")]
    public void A_verified_request_is_due_in_fifteen_days_and_overdue_ones_come_first()
    {
        var late = New(RequestKind.Access);
        Assert.Null(Assert.Single(_desk.Show()).DeadlineWallUnixNs);
        Assert.True(_desk.Verify(late, RequestDesk.ByOperator).Done);
        var deadline = Assert.Single(_desk.Show()).DeadlineWallUnixNs!.Value;
        Assert.Equal(TimeSpan.FromDays(15), TimeSpan.FromTicks((deadline - _clock.Now().WallUnixNs) / 100));
        _clock.Advance(TimeSpan.FromDays(14));
        var fresh = New(RequestKind.Deletion);
        _desk.Verify(fresh, RequestDesk.ByOperator);
        Assert.Equal(0, _desk.Overdue);
        _clock.Advance(TimeSpan.FromDays(1) + TimeSpan.FromSeconds(1));
        Assert.Equal(1, _desk.Overdue);
        Assert.Equal([late, fresh], _desk.Show().Select(static line => line.Request.Id));
        Assert.True(_desk.Complete(late, "handed over").Done);
        Assert.Equal([fresh, late], _desk.Show().Select(static line => line.Request.Id));
        Assert.Equal(0, _desk.Overdue);
    }

    [Fact]
    [Promise("R95")]
    public void Days_run_on_although_the_clock_was_set_only_later()
    {
        var clock = new SimulatedClock();
        var desk = new RequestDesk(_ledger, clock, audit: null);
        var id = desk.New(RequestKind.Access, "", "", "", "console").Request!.Id;
        desk.Verify(id, RequestDesk.ByOperator);
        clock.Advance(TimeSpan.FromDays(10));
        clock.SetWall(Start, ClockQuality.Ntp);
        clock.Advance(TimeSpan.FromDays(5) + TimeSpan.FromSeconds(1));
        Assert.Equal(1, desk.Overdue);
    }

    [Fact]
    [Promise("R98")]
    public void A_request_is_refused_on_a_listed_ground_only()
    {
        var id = New(RequestKind.Deletion);
        Assert.False(_desk.Refuse(id, "repetitive", "").Done);
        _desk.Verify(id, RequestDesk.ByOperator);
        var made_up = _desk.Refuse(id, "too-much-work", "no");
        Assert.False(made_up.Done);
        Assert.Contains("trade-secret", made_up.Message);
        Assert.True(_desk.Refuse(id, "legal-obligation", "kept for the tax office").Done);
        Assert.Equal((RequestState.Refused, "legal-obligation"), (_ledger.Requests()[0].State, _ledger.Requests()[0].Ground));
        Assert.False(_desk.Complete(id, "").Done);
    }

    [Fact]
    [Promise("R97")]
    public void No_request_asks_for_money_or_waits_for_anything_but_who_asks()
    {
        foreach (var kind in Enum.GetValues<RequestKind>())
        {
            var id = New(kind);
            Assert.True(_desk.Verify(id, RequestDesk.ByOperator).Done);
            Assert.True(_desk.Complete(id, "").Done);
        }
    }

    [Fact]
    [Promise("R96")]
    public void A_button_verifies_when_there_is_one_and_it_was_pressed()
    {
        var button = new Button();
        var desk = new RequestDesk(_ledger, _clock, audit: null, button);
        var id = New(RequestKind.Closure);
        Assert.False(_desk.Verify(id, RequestDesk.ByPresence).Done);
        Assert.False(desk.Verify(id, RequestDesk.ByPresence).Done);
        Assert.False(desk.Verify(id, "trust me").Done);
        button.Pressed = true;
        Assert.True(desk.Verify(id, RequestDesk.ByPresence).Done);
    }

    [Fact]
    [Promise("R99")]
    public void A_request_signed_with_a_registered_key_is_verified_by_that()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Assert.True(_signed.Register(key.ExportSubjectPublicKeyInfoPem(), "tablet").Done);
        var outcome = _signed.Take(Signed(key, "deletion", "nonce-number-one"), Device);
        Assert.True(outcome.Done, outcome.Message);
        var request = Assert.Single(_ledger.Requests());
        Assert.Equal((RequestKind.Deletion, RequestState.Verified, "signature", "mqtt"),
            (request.Kind, request.State, request.Verification, request.Channel));
    }

    [Fact]
    [Promise("R96")]
    public void Whatever_is_wrong_with_a_signed_request_the_answer_is_the_same_and_nothing_is_noted()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var stranger = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        _signed.Register(key.ExportSubjectPublicKeyInfoPem(), "tablet");
        var good = Signed(key, "access", "nonce-of-the-good-one");
        Assert.True(_signed.Take(good, Device).Done);
        byte[][] bad =
        [
            good,                                                                      // once more
            Signed(stranger, "access", "nonce-of-a-stranger"),                         // not registered
            Signed(key, "everything", "nonce-of-no-such-kind"),
            Signed(key, "access", "short"),
            Signed(key, "access", "nonce-of-another-board", device: "zzzzzzzzzzzzzzzzzzzzzzzzzz"),
            Signed(key, "access", "nonce-of-yesterday", expires: Start - 1),
            Signed(key, "access", "nonce-of-next-year", expires: Start + (400L * 86_400 * 1_000_000_000)),
            Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(Signed(key, "access", "nonce-that-was-changed")).Replace("access", "copy", StringComparison.Ordinal)),
            "{}"u8.ToArray(),
            new byte[SignedRequests.BytesMax + 1],
        ];
        foreach (var one in bad)
        {
            var outcome = _signed.Take(one, Device);
            Assert.Equal(new RequestOutcome(false, SignedRequests.NotVerified), outcome);
        }

        Assert.Single(_ledger.Requests());
        Assert.Equal(bad.Length, _counters["denied.request.not-verified"]);

        // and now not even a good one is looked at, for an hour
        Assert.False(_signed.Take(Signed(key, "access", "nonce-after-too-many"), Device).Done);
        _clock.Advance(TimeSpan.FromMinutes(61));
        Assert.True(_signed.Take(Signed(key, "access", "nonce-an-hour-later"), Device).Done);
    }

    [Fact]
    public void A_key_of_another_kind_is_not_registered()
    {
        using var rsa = RSA.Create(2048);
        using var large = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        foreach (var pem in new[] { rsa.ExportSubjectPublicKeyInfoPem(), large.ExportSubjectPublicKeyInfoPem(), "no key", "" })
        {
            Assert.False(_signed.Register(pem, "x").Done);
        }

        Assert.Empty(_ledger.Keys());
    }

    private long New(RequestKind kind) => _desk.New(kind, "", "", "please", "console").Request!.Id;

    private byte[] Signed(ECDsa key, string kind, string nonce, string device = Device, long? expires = null) => SignedDocument.Sign(new KeySigner(key), new JsonObject
    {
        ["type"] = "privacy-request",
        ["kind"] = kind,
        ["device"] = device,
        ["nonce"] = nonce,
        ["expires"] = ClockExtensions.ToDate(expires ?? _clock.Now().WallUnixNs + (86_400L * 1_000_000_000)).ToString("O", System.Globalization.CultureInfo.InvariantCulture),
    });

    private sealed class Button : IPresence
    {
        public bool Pressed { get; set; }

        public bool TryUse(TimeSpan span) => Pressed;
    }

    private sealed class KeySigner(ECDsa key) : IDeviceSigner
    {
        public string KeyId => DeviceSigner.KeyIdOf(key.ExportSubjectPublicKeyInfo());

        public ReadOnlyMemory<byte> PublicKey => key.ExportSubjectPublicKeyInfo();

        public byte[] Sign(ReadOnlySpan<byte> data) => key.SignData(data, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
    }
}

/// <summary>A ledger of requests in memory.</summary>
internal sealed class MemoryRequests : IRequestLedger
{
    private readonly List<SubjectRequest> _requests = [];
    private readonly List<Correction> _corrections = [];
    private readonly List<SubjectKey> _keys = [];

    public SubjectRequest Add(SubjectRequest request)
    {
        _requests.Add(request with { Id = _requests.Count + 1 });
        return _requests[^1];
    }

    public void Update(SubjectRequest request) => _requests[(int)request.Id - 1] = request;

    public IReadOnlyList<SubjectRequest> Requests() => [.. _requests];

    public Correction Add(Correction correction)
    {
        _corrections.Add(correction with { Id = _corrections.Count + 1 });
        return _corrections[^1];
    }

    public IReadOnlyList<Correction> Corrections() => [.. _corrections];

    public void Add(SubjectKey key) => _keys.Add(key);

    public bool RemoveKey(string keyId) => _keys.RemoveAll(key => key.KeyId == keyId) > 0;

    public IReadOnlyList<SubjectKey> Keys() => [.. _keys];

    public void EraseTexts() => _corrections.Clear();
}
