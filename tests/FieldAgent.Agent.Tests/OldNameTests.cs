using FieldAgent.Core;

namespace FieldAgent.Agent.Tests;

/// <summary>A name whose permission has ended, while a courier is slow to let go of it.</summary>
public sealed class OldNameTests
{
    [Fact]
    [Promise("R22", "R25")]
    public void A_name_that_a_slow_courier_kept_from_ending_ends_as_soon_as_that_is_tried_again()
    {
        using var bench = new PartsBench(NamedByConsent());
        bench.Ok("consent-grant", ("function", "identity"));
        var name = bench.Parts.Identity.Board.NameAt("vendor")!;
        bench.Store.Epochs.Using("vendor", name);
        using var stop = new CancellationTokenSource();
        using (var round = bench.Parts.Identity.Enter(stop.Token)!)
        {
            var withdrawal = new Thread(() => bench.Ok("consent-withdraw", ("function", "identity"))) { IsBackground = true };
            withdrawal.Start();
            Eventually.True(
                () =>
                {
                    bench.Clock.Advance(TimeSpan.FromSeconds(1));
                    return !withdrawal.IsAlive;
                },
                "the withdrawal does not wait for ever");
            Assert.True(round.IsCancellationRequested);
        }

        // It holds, and the old name is still there.
        Assert.NotEqual("", bench.Parts.Identity.WhyIdle);
        Assert.Equal((0, 1), (bench.Store.Epochs.Epoch, bench.Counters["identity.rotation-failed"]));

        bench.Parts.Identity.Leave();
        bench.Parts.Identity.PutRight();
        Assert.Equal(1, bench.Store.Epochs.Epoch);
        Assert.Equal(name, Assert.Single(bench.Store.Epochs.Farewells).Name);

        // and once is enough
        bench.Parts.Identity.PutRight();
        Assert.Equal(1, bench.Store.Epochs.Epoch);
    }

    // The shipped policy, but for the name: it needs a consent.
    private static string NamedByConsent()
    {
        var policy = PartsBench.Shipped.Replace(
            "\"name\": \"identity\", \"tier\": \"basic\", \"switch\": \"on\"", "\"name\": \"identity\", \"tier\": \"extended\", \"switch\": \"off\"", StringComparison.Ordinal);
        var rule = policy.IndexOf("\"function\": \"identity\"", StringComparison.Ordinal);
        var basis = policy.IndexOf("\"contract\"", rule, StringComparison.Ordinal);
        return policy[..basis] + "\"consent\"" + policy[(basis + "\"contract\"".Length)..];
    }
}
