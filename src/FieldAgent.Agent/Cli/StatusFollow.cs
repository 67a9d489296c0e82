using System.Text;
using System.Text.Json;
using FieldAgent.Agent.Control;
using FieldAgent.Agent.Status;
using FieldAgent.Core;

namespace FieldAgent.Agent.Cli;

/// <summary>How a status that is followed is shown.</summary>
internal enum FollowForm
{
    /// <summary>One JSON object a line and second.</summary>
    Json,

    /// <summary>The whole status, drawn anew on a terminal.</summary>
    Screen,

    /// <summary>A line for each change.</summary>
    Changes,
}

/// <summary><c>fieldagent status --follow</c>: asks once a second until it is stopped, or until nobody reads any more. An agent that does not
/// answer is said once, and waited for: it may be started again. One thread.</summary>
/// <param name="ask">Asks the agent once.</param>
/// <param name="output">Where the status goes.</param>
/// <param name="form">How.</param>
/// <param name="errors">Where is said that no agent answers.</param>
internal sealed class StatusFollow(Func<ControlReply> ask, Stream output, FollowForm form, TextWriter errors)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    // Home, then erase to the end (ECMA-48): without a flicker, and what was longer before is gone.
    private const string Home = "\u001b[H\u001b[J";

    private readonly StatusChanges _changes = new();
    private string _said = "";

    /// <summary>Follows, beginning with the answer that is there already.</summary>
    /// <returns>The last answer.</returns>
    public ControlReply Run(ControlReply first, IClock clock, CancellationToken stop)
    {
        var reply = first;
        var grid = new SamplingGrid(clock.BootNs, Interval.ToNs());
        try
        {
            while (true)
            {
                Show(reply);
                grid.Arrive(clock.BootNs);
                grid.Advance();
                if (!clock.WaitUntil(grid.NextBootNs, stop))
                {
                    return reply;
                }

                reply = ask();
            }
        }
        catch (IOException)
        {
            // Whoever read it has ended.
            return reply;
        }
    }

    private void Show(ControlReply reply)
    {
        if (reply.Status is not { } status)
        {
            // An agent that ends in the middle of its answer is gone the next time: two things to know.
            if (_said != reply.Message)
            {
                errors.WriteLine($"fieldagent: {reply.Message}");
            }

            _said = reply.Message;
            return;
        }

        _said = "";
        using var text = new StringWriter(System.Globalization.CultureInfo.InvariantCulture);
        switch (form)
        {
            case FollowForm.Json:
                text.WriteLine(JsonSerializer.Serialize(status, AgentJson.Default.StatusReport));
                break;
            case FollowForm.Screen:
                text.Write(Home);
                StatusText.Write(status, text);
                break;
            default:
                foreach (var line in _changes.Since(status))
                {
                    text.WriteLine(line);
                }

                break;
        }

        if (text.GetStringBuilder().Length > 0)
        {
            output.Write(Encoding.UTF8.GetBytes(text.ToString()));
        }
    }
}
