using Microsoft.Extensions.Logging;

namespace FieldAgent.Devices;

/// <content>What is said: each change once, and nothing more of a sensor that keeps coming and going until it has been stable.</content>
public sealed partial class SensorSupervisor
{
    /// <summary>Short runs after which changes are no longer said one by one.</summary>
    private const int UnstableRunsSaid = 3;

    /// <summary>Says that the sensor is now in <paramref name="state"/>, unless that was the last thing said.</summary>
    /// <param name="state">The state.</param>
    /// <param name="cause">Tells two causes of the same state apart; holds nothing that changes from try to try.</param>
    /// <param name="bug">An exception that no sensor should throw, for its stack.</param>
    private void Say(SensorState state, string cause, Exception? bug = null)
    {
        var say = $"{state} {cause}";
        if (say == _said || _unstableRuns > UnstableRunsSaid)
        {
            return;
        }

        _said = say;
        if (_unstableRuns == UnstableRunsSaid)
        {
            _unstableRuns++;
            LogUnstable(Name, _detail);
            return;
        }

        switch (state)
        {
            case SensorState.Running:
                LogRunning(Name);
                break;
            case SensorState.Absent:
                LogAbsent(Name, _detail);
                break;
            case SensorState.Stopped:
                LogStopped(Name, _detail);
                break;
            case SensorState.Refused or SensorState.Failed or SensorState.Stalled when bug is null:
                LogTrouble(Name, state, _detail);
                break;
            default:
                LogBug(bug, Name);
                break;
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Sensor {Sensor} is running.")]
    private partial void LogRunning(string sensor);

    [LoggerMessage(Level = LogLevel.Information, Message = "Sensor {Sensor} is absent: {Detail}")]
    private partial void LogAbsent(string sensor, string detail);

    [LoggerMessage(Level = LogLevel.Information, Message = "Sensor {Sensor} has ended: {Detail}")]
    private partial void LogStopped(string sensor, string detail);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Sensor {Sensor}: {State}: {Detail} It is tried again by itself.")]
    private partial void LogTrouble(string sensor, SensorState state, string detail);

    [LoggerMessage(Level = LogLevel.Error, Message = "Sensor {Sensor} failed in a way that it should not; it is tried again by itself.")]
    private partial void LogBug(Exception? exception, string sensor);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "Sensor {Sensor} keeps failing shortly after it started: {Detail} Its further changes are not said until it has been stable.")]
    private partial void LogUnstable(string sensor, string detail);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "Sensor {Sensor} did not end when asked: its thread hangs in a call and was left behind; nothing more is taken from it.")]
    private partial void LogAbandoned(string sensor);
}
