using FieldAgent.Core.Configuration;

namespace FieldAgent.Core;

/// <summary>The options that sensor kinds have in common.</summary>
public static class SensorOptions
{
    /// <summary>Shortest interval between two samplings: a timer on a board without a real-time kernel is no better.</summary>
    public static readonly TimeSpan IntervalMin = TimeSpan.FromMilliseconds(1);

    /// <summary>Longest interval between two samplings.</summary>
    public static readonly TimeSpan IntervalMax = TimeSpan.FromDays(1);

    /// <summary>Time between samplings.</summary>
    public static readonly Option<TimeSpan> Interval = Opt.Duration(
        "interval", "Time between two samplings.", TimeSpan.FromSeconds(1), IntervalMin, IntervalMax);

    /// <summary>The vocabulary's field of the readings.</summary>
    public static readonly Option<string> Field = Opt.Text(
        "field", "The vocabulary's field that the readings belong to; the policy's rules hang on it.", "instrument.measurement", lengthMax: 64);

    /// <summary>What is given up first when the disk is full.</summary>
    public static readonly Option<string> ImportanceOf = Opt.Choice(
        "importance", "When the disk is full, the least important goes first, oldest first.", "normal", false, "low", "normal", "high");

    /// <summary>Store each row at once.</summary>
    public static readonly Option<bool> Urgent = Opt.Flag(
        "urgent", "Store each row at once instead of at the next flush; for alarms, as it costs a disk write a row.");

    /// <summary>The configured importance.</summary>
    public static Importance ReadImportance(this ConfigSection options) => options.Get(ImportanceOf) switch
    {
        "low" => Importance.Low,
        "high" => Importance.High,
        _ => Importance.Normal,
    };
}
