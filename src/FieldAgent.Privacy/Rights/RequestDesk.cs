using System.Globalization;
using System.Security.Cryptography;
using FieldAgent.Core;

namespace FieldAgent.Privacy;

/// <summary>What became of a step.</summary>
/// <param name="Done">True when it was carried out.</param>
/// <param name="Message">In plain words: what was done, or why not and what is possible instead.</param>
/// <param name="Request">The request after it; null when there is none.</param>
public sealed record RequestOutcome(bool Done, string Message, SubjectRequest? Request = null);

/// <summary>A request with its deadline.</summary>
/// <param name="Request">The request.</param>
/// <param name="DeadlineWallUnixNs">When it must be answered; null before it is verified and after it is answered.</param>
/// <param name="Overdue">True when that has passed.</param>
public sealed record RequestLine(SubjectRequest Request, long? DeadlineWallUnixNs, bool Overdue);

/// <summary>Requests of persons from receipt to answer (R95–R100). Never asks for money (R97): there is no such state. Any thread; one step at a
/// time.</summary>
/// <param name="ledger">Where they are kept.</param>
/// <param name="clock">For stamps and deadlines.</param>
/// <param name="audit">Gets an entry for each step; null where there is none.</param>
/// <param name="presence">A button at the board; null where there is none.</param>
public sealed class RequestDesk(IRequestLedger ledger, IClock clock, IAuditLog? audit, IPresence? presence = null)
{
    /// <summary>Characters of what a person says, or is told, at most.</summary>
    public const int TextMax = 2000;

    /// <summary>Verified by an operator who knows the person, at the console.</summary>
    public const string ByOperator = "operator";

    /// <summary>Verified by a button pressed at the board.</summary>
    public const string ByPresence = "presence";

    /// <summary>Verified by the signature of a registered key.</summary>
    public const string BySignature = "signature";

    private const long NsPerDay = 86_400 * ClockExtensions.NsPerSecond;
    private static readonly TimeSpan PresenceWithin = TimeSpan.FromMinutes(2);
    private readonly Lock _lock = new();

    /// <summary>Raised when a request is verified. Any thread.</summary>
    public event Action? Verified;

    /// <summary>All requests: overdue ones first, then by deadline, then those not verified, then the answered ones, newest first.</summary>
    /// <exception cref="StoreFault">The ledger cannot be read.</exception>
    public IReadOnlyList<RequestLine> Show()
    {
        var now = clock.Now();
        return [.. ledger.Requests().Select(request => Line(request, now))
            .OrderBy(static line => line.Overdue ? 0 : line.DeadlineWallUnixNs is not null ? 1 : line.Request.State == RequestState.Received ? 2 : 3)
            .ThenBy(static line => line.DeadlineWallUnixNs ?? 0).ThenByDescending(static line => line.Request.Id)];
    }

    /// <summary>Requests whose deadline has passed.</summary>
    public int Overdue => Show().Count(static line => line.Overdue);

    /// <summary>Notes a request.</summary>
    /// <param name="kind">What is asked for.</param>
    /// <param name="function">The function it is about; empty: all.</param>
    /// <param name="field">The field; empty: all.</param>
    /// <param name="text">What the person says.</param>
    /// <param name="channel">How it came.</param>
    /// <param name="reference">Its name towards the person; null: a new one.</param>
    /// <exception cref="StoreFault">It could not be stored; repeat.</exception>
    public RequestOutcome New(RequestKind kind, string function, string field, string text, string channel, string? reference = null)
    {
        if (text.Length > TextMax)
        {
            return new RequestOutcome(false, string.Create(CultureInfo.InvariantCulture, $"at most {TextMax} characters are kept of what is said"));
        }

        lock (_lock)
        {
            var request = ledger.Add(new SubjectRequest(
                0, kind, RequestState.Received, reference ?? NewReference(), function, field, text, channel, clock.Now()));
            Note("received", request);
            return new RequestOutcome(true, string.Create(CultureInfo.InvariantCulture,
                $"request {request.Id} ({kind.Word()}) is noted under {request.Reference}; the {RightsLists.AnswerWithinDays} days begin when it is verified who asks"), request);
        }
    }

    /// <summary>Notes that it is verified who asks: from now on the days run.</summary>
    /// <param name="id">The request.</param>
    /// <param name="how">How: <see cref="ByOperator"/>, <see cref="ByPresence"/>, <see cref="BySignature"/>.</param>
    /// <exception cref="StoreFault">It could not be stored; repeat.</exception>
    public RequestOutcome Verify(long id, string how)
    {
        var outcome = VerifyNow(id, how);
        if (outcome.Done)
        {
            Verified?.Invoke();
        }

        return outcome;
    }

    private RequestOutcome VerifyNow(long id, string how)
    {
        lock (_lock)
        {
            if (Find(id) is not { State: RequestState.Received } request)
            {
                return NotSo(id, "waits to be verified");
            }

            if (how == ByPresence && !(presence?.TryUse(PresenceWithin) ?? false))
            {
                return new RequestOutcome(false, presence is null
                    ? "this board has no button that could prove presence; verify as operator, or let the person sign the request"
                    : "the button at the board was not pressed within the last two minutes", request);
            }

            if (how is not (ByOperator or ByPresence or BySignature))
            {
                return new RequestOutcome(false, $"'{how}' verifies nothing; it is one of: {ByOperator}, {ByPresence}, {BySignature}", request);
            }

            request = request with { State = RequestState.Verified, Verification = how, VerifiedAt = clock.Now() };
            ledger.Update(request);
            Note("verified", request);
            return new RequestOutcome(true, string.Create(CultureInfo.InvariantCulture,
                $"request {id} is verified ({how}); it is to be answered by {ClockExtensions.ToDate(Deadline(request, clock.Now())!.Value):yyyy-MM-dd HH:mm} UTC"), request);
        }
    }

    /// <summary>Refuses a request, on a listed ground only (R98). The refusal goes into every export.</summary>
    /// <exception cref="StoreFault">It could not be stored; repeat.</exception>
    public RequestOutcome Refuse(long id, string ground, string answer)
    {
        if (ClosedLists.RefusalGrounds.WhyNot(ground) is { } whyNot)
        {
            return new RequestOutcome(false, whyNot);
        }

        return Answer(id, RequestState.Refused, ground, answer);
    }

    /// <summary>Notes that a request is done.</summary>
    /// <exception cref="StoreFault">It could not be stored; repeat.</exception>
    public RequestOutcome Complete(long id, string answer) => Answer(id, RequestState.Done, "", answer);

    /// <summary>When a request must be answered; null before it is verified and after it is answered.</summary>
    public static long? Deadline(SubjectRequest request, Stamp now)
    {
        if (request.State != RequestState.Verified)
        {
            return null;
        }

        // verified before the clock was set: what has passed since then in this boot is known
        var verified = request.VerifiedAt.Quality == ClockQuality.Unsynced && request.VerifiedAt.BootId == now.BootId
            ? now.WallUnixNs - (now.BootNs - request.VerifiedAt.BootNs)
            : request.VerifiedAt.WallUnixNs;
        return verified + (RightsLists.AnswerWithinDays * NsPerDay);
    }

    /// <summary>A name that says nothing: 26 characters of a–z and 2–7.</summary>
    public static string NewReference() => Base32.Encode(RandomNumberGenerator.GetBytes(17), 26);

    private RequestOutcome Answer(long id, RequestState state, string ground, string answer)
    {
        if (answer.Length > TextMax)
        {
            return new RequestOutcome(false, string.Create(CultureInfo.InvariantCulture, $"at most {TextMax} characters are kept of an answer"));
        }

        lock (_lock)
        {
            if (Find(id) is not { State: RequestState.Verified } request)
            {
                return NotSo(id, "waits for an answer");
            }

            request = request with { State = state, Ground = ground, Answer = answer, AnsweredAt = clock.Now() };
            ledger.Update(request);
            Note(state.Word(), request);
            return new RequestOutcome(true, state == RequestState.Done
                ? string.Create(CultureInfo.InvariantCulture, $"request {id} is done")
                : string.Create(CultureInfo.InvariantCulture,
                    $"request {id} is refused: {ClosedLists.RefusalGrounds.Meaning(ground)}. 'privacy export' holds this refusal"), request);
        }
    }

    private RequestOutcome NotSo(long id, string what) => new(false, Find(id) is { } request
        ? string.Create(CultureInfo.InvariantCulture, $"request {id} is {request.State.Word()}; only one that {what} can be")
        : string.Create(CultureInfo.InvariantCulture, $"there is no request {id}; 'privacy requests' lists them"));

    private SubjectRequest? Find(long id) => ledger.Requests().FirstOrDefault(request => request.Id == id);

    private static RequestLine Line(SubjectRequest request, Stamp now)
    {
        var deadline = Deadline(request, now);
        return new RequestLine(request, deadline, deadline < now.WallUnixNs);
    }

    private void Note(string what, SubjectRequest request) => audit?.Append(new AuditEntry(
        AuditKind.Request, what, request.Function, request.Field,
        string.Create(CultureInfo.InvariantCulture, $"request {request.Id} {request.Kind.Word()}{(request.Ground.Length > 0 ? " " + request.Ground : "")}"),
        request.Verification.Length > 0 ? request.Verification == BySignature ? "subject" : "operator" : "agent"));
}
