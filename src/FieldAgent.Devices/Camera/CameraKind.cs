using FieldAgent.Core;
using FieldAgent.Core.Configuration;
using FieldAgent.Devices.Gpio;

namespace FieldAgent.Devices;

/// <summary>Photographs: of a ribbon-cable camera (CSI), of a USB camera, or from a folder of JPEG files.</summary>
public sealed class CameraKind : ISensorKind
{
    internal static readonly Option<string> Source = Opt.Choice(
        "source", "folder: JPEG files stand for shots; csi: rpicam-still or libcamera-still; usb: ffmpeg on Video4Linux.",
        "folder", false, "folder", "csi", "usb");

    internal static readonly Option<string> Use = Opt.Choice(
        "use", "photo: pictures are handed on; scan: their bar codes and QR codes are, and the pictures are forgotten.", "photo", false, "photo", "scan");

    internal static readonly Option<string> Folder = Opt.File(
        "folder", "Source folder: the JPEG files, taken in name order, again from the first after the last.");

    internal static readonly Option<long> Index = Opt.Integer(
        "index", "Source csi: which camera, as 'rpicam-still --list-cameras' numbers them.", 0, 0, 7);

    internal static readonly Option<string> Device = Opt.Text(
        "device", "Source usb: the camera, best as /dev/v4l/by-id/…-video-index0, which stays the same over reboots; or /dev/videoN.", lengthMax: 255);

    internal static readonly Option<long> Width = Opt.Integer("width", "Pixels across that the camera is asked for; 0: its own choice.", 0, 0, 16_384);

    internal static readonly Option<long> Height = Opt.Integer("height", "Pixels down that the camera is asked for; 0: its own choice.", 0, 0, 16_384);

    internal static readonly Option<TimeSpan> WarmUp = Opt.Duration(
        "warmUp", "Time between opening the camera and the shot, in which it finds exposure and colour.",
        TimeSpan.FromSeconds(1), TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(30));

    internal static readonly Option<TimeSpan> Timeout = Opt.Duration(
        "timeout", "Longest time for one shot, warm-up included; then the camera's program is killed.",
        TimeSpan.FromSeconds(8), TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(2));

    internal static readonly Option<TimeSpan> Interval = Opt.Duration(
        "interval", "Time between shots; without it a shot is taken only on command.", TimeSpan.Zero, TimeSpan.FromSeconds(1), TimeSpan.FromDays(30));

    internal static readonly Option<long> WidthMax = Opt.Integer(
        "widthMax", "A wider picture is scaled down in eighths until it is not, before it is stored; 0: never.", 0, 0, 16_384);

    internal static readonly Option<double> Left = Opt.Number("left", "From the picture's left edge, per cent of its width.", 0, 0, 100, required: true);

    internal static readonly Option<double> Top = Opt.Number("top", "From the picture's upper edge, per cent of its height.", 0, 0, 100, required: true);

    internal static readonly Option<double> MaskWidth = Opt.Number("width", "Per cent of the picture's width.", 0, 0.1, 100, required: true);

    internal static readonly Option<double> MaskHeight = Opt.Number("height", "Per cent of the picture's height.", 0, 0.1, 100, required: true);

    internal static readonly Option<IReadOnlyList<ConfigSection>> Masks = Opt.Sections(
        "masks", "Rectangles that are blackened before a picture is stored, rounded up to whole pixels. A masked picture has no metadata and no preview in it.",
        new ConfigShape("One rectangle.", Left, Top, MaskWidth, MaskHeight), 32);

    internal static readonly Option<ConfigSection?> Trigger = Opt.Section(
        "trigger", "A GPIO line whose edges each take a picture: a button, a light barrier, a limit switch.",
        new ConfigShape("A GPIO line.", GpioOptions.Chip, GpioOptions.Line, GpioOptions.ActiveLow, GpioOptions.Bias, GpioOptions.ContactDebounce, GpioOptions.Edge));

    /// <inheritdoc/>
    public string Kind => "camera";

    /// <inheritdoc/>
    public ConfigShape Shape { get; } = new(
        "Photographs on a schedule, on an edge of a GPIO line and on command. The camera is not open between two shots.",
        Use, Source, Folder, Index, Device, Width, Height, WarmUp, Timeout, Interval, Trigger, WidthMax, Masks);

    /// <inheritdoc/>
    public ISensor Create(SensorSetup setup)
    {
        Check(setup.Options);
        var masks = setup.Options.Get(Masks).Select(static mask => new PictureMask(
            mask.Get(Left) / 100, mask.Get(Top) / 100, mask.Get(MaskWidth) / 100, mask.Get(MaskHeight) / 100));
        return new CameraSensor(
            setup.Name, SourceOf(setup), new PictureWork([.. masks], (int)setup.Options.Get(WidthMax)), setup.Options.Get(Interval),
            setup.Options.Get(Use) == "scan", setup.Options.Get(Trigger) is { } trigger ? new EdgeTrigger(trigger, DeviceStack.OpenGpio(setup.DevicePath("/dev"))) : null);
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> PackagesFor(ConfigSection options)
    {
        var isScan = options.Get(Use) == "scan";
        return
        [
            .. options.Get(Source) == "usb" ? ["ffmpeg"] : Array.Empty<string>(),
            .. isScan || options.Get(Masks).Count > 0 || options.Get(WidthMax) > 0 ? ["libturbojpeg0"] : Array.Empty<string>(),
            .. isScan ? ["libzbar0"] : Array.Empty<string>(),
        ];
    }

    private static IShotSource SourceOf(SensorSetup setup) => setup.Options.Get(Source) switch
    {
        "csi" => new ProgramShots(new CsiCamera(setup), setup.Options.Get(Timeout), setup.Indicator),
        "usb" => new ProgramShots(new UsbCamera(setup), setup.Options.Get(Timeout), setup.Indicator),
        _ => new FolderShots(setup.FilePath(setup.Options.Get(Folder))),
    };

    private static void Check(ConfigSection options)
    {
        var source = options.Get(Source);
        if (source == "folder" && options.Get(Folder).Length == 0)
        {
            options.Errors.Add(options.Node, $"'{Folder.Name}' is missing: {Folder.Doc}");
        }

        if (source == "usb" && (!options.Get(Device).StartsWith("/dev/", StringComparison.Ordinal) || options.Get(Device).Contains("..", StringComparison.Ordinal)))
        {
            options.Errors.Add(options.NodeOf(Device), "must be the camera's path below /dev/: see 'ls -l /dev/v4l/by-id'");
        }

        if (options.Get(Width) == 0 != (options.Get(Height) == 0))
        {
            options.Errors.Add(options.NodeOf(options.Has(Width) ? Width : Height), "give both 'width' and 'height', or neither");
        }

        if (options.Get(WarmUp) >= options.Get(Timeout))
        {
            options.Errors.Add(options.NodeOf(options.Has(WarmUp) ? WarmUp : Timeout), "'warmUp' must be shorter than 'timeout'");
        }

        foreach (var mask in options.Get(Masks))
        {
            if (mask.Get(Left) + mask.Get(MaskWidth) > 100 || mask.Get(Top) + mask.Get(MaskHeight) > 100)
            {
                options.Errors.Add(mask.Node, "reaches beyond the picture: left + width and top + height may be 100 at most");
            }
        }
    }
}
