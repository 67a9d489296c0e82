using FieldAgent.Agent.Cli;
using FieldAgent.Agent.Control;

namespace FieldAgent.Agent.Tests;

/// <summary>What <c>status --follow</c> says of an agent that does not answer.</summary>
public sealed class StatusFollowTests
{
    [Fact]
    public void Each_reason_for_no_answer_is_said_once_also_when_one_follows_the_other()
    {
        // An agent that ends while it is asked, and then is not there.
        ControlReply[] answers = [ControlReply.No("no answer"), ControlReply.No("no answer"), ControlReply.No("nobody there"), ControlReply.No("nobody there")];
        var asked = 0;
        using var stop = new CancellationTokenSource();
        using var output = new MemoryStream();
        using var errors = new StringWriter(System.Globalization.CultureInfo.InvariantCulture) { NewLine = "\n" };
        var follow = new StatusFollow(
            () =>
            {
                var answer = answers[asked++];
                if (asked == answers.Length)
                {
                    stop.Cancel();
                }

                return answer;
            },
            output, FollowForm.Changes, errors);
        Assert.Equal("nobody there", follow.Run(ControlReply.No("no answer"), new LeapingClock(), stop.Token).Message);
        Assert.Equal("fieldagent: no answer\nfieldagent: nobody there\n", errors.ToString());
        Assert.Equal(0, output.Length);
    }
}
