using FieldAgent.Core;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Devices;

/// <summary>Photographs. For now they come from a folder of JPEG files, one a shot.</summary>
public sealed class CameraKind : ISensorKind
{
    internal static readonly Option<string> Folder = Opt.File(
        "folder", "Folder of JPEG files that stand for shots: taken in name order, again from the first after the last.", required: true);

    internal static readonly Option<TimeSpan> Interval = Opt.Duration(
        "interval", "Time between shots; without it a shot is taken only on command.", TimeSpan.Zero, TimeSpan.FromSeconds(1), TimeSpan.FromDays(30));

    /// <inheritdoc/>
    public string Kind => "camera";

    /// <inheritdoc/>
    public ConfigShape Shape { get; } = new(
        "Photographs on a schedule and on command. Nothing is open between two shots.", Folder, Interval);

    /// <inheritdoc/>
    public ISensor Create(SensorSetup setup) => new FolderCamera(
        setup.Name, setup.FilePath(setup.Options.Get(Folder)), setup.Options.Get(Interval));
}
