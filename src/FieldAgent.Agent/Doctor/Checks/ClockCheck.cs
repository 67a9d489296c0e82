using FieldAgent.Core;

namespace FieldAgent.Agent.Doctor.Checks;

/// <summary>Whether the clock is right, and who sets it.</summary>
internal sealed class ClockCheck : ICheck
{
    /// <inheritdoc/>
    public string Group => "clock";

    /// <inheritdoc/>
    public IEnumerable<Finding> Look(DoctorView view)
    {
        var quality = view.Status?.Clock.Quality ?? view.Ports.Clock.Quality;
        var rtc = Path.Join(view.Root, "sys/class/rtc");
        var hasRtc = Directory.Exists(rtc) && Directory.EnumerateFileSystemEntries(rtc).Any();
        yield return quality switch
        {
            ClockQuality.Ntp => Finding.Ok("clock.source", "clock", "set by NTP"),
            ClockQuality.Gnss => Finding.Ok("clock.source", "clock", "set by the GNSS receiver"),
            ClockQuality.Rtc => Finding.Warn("clock.rtc", "clock", "set by the battery-backed clock alone, which drifts", "connect the board to a time server ('timedatectl'), or grant the GNSS receiver"),
            _ => Finding.Fail("clock.unsynced", "clock", "nobody has set the clock since this boot: certificates may seem expired, and readings get their time later",
                "check 'timedatectl' and UDP port 123 to the time server, or fit a DS3231"),
        };
        if (!hasRtc)
        {
            yield return Finding.Ok("clock.no-rtc", "clock", "no battery-backed clock: after a power cut without network the time is unknown for a while");
        }
    }
}
