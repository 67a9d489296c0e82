using FieldAgent.Core;

namespace FieldAgent.Devices;

/// <summary>A rectangle of a picture that nobody may see, in parts (0 to 1) of its width and height.</summary>
internal readonly record struct PictureMask(double Left, double Top, double Width, double Height);

/// <summary>What is done to each picture before anything else sees it: masks blackened, scaled down. A picture that needs it and cannot get it
/// does not leave here.</summary>
/// <param name="masks">Rectangles to be blackened.</param>
/// <param name="widthMax">Widest picture, pixels; 0: any.</param>
internal sealed class PictureWork(IReadOnlyList<PictureMask> masks, int widthMax)
{
    private const int Quality = 90;
    private const int BytesPerPixel = 3;

    private bool IsNeeded => masks.Count > 0 || widthMax > 0;

    /// <summary>Looks whether the work can be done at all.</summary>
    /// <exception cref="SensorFault">Refused: it is needed, and the library for it is missing.</exception>
    public void Check()
    {
        if (IsNeeded && TurboJpeg.Problem is { } problem)
        {
            throw new SensorFault(SensorFaultKind.Refused, "masks and widthMax", problem);
        }
    }

    /// <summary>Does the work.</summary>
    /// <param name="jpeg">The camera's JPEG.</param>
    /// <returns>The same bytes when there is nothing to do; else a new JPEG without any metadata (a preview would show what is masked).</returns>
    /// <exception cref="SensorFault">It is no picture that can be decoded, or too large.</exception>
    public ReadOnlyMemory<byte> Apply(ReadOnlyMemory<byte> jpeg)
    {
        if (!IsNeeded)
        {
            return jpeg;
        }

        Check();
        using var picture = TurboJpeg.Decode(jpeg.Span, widthMax, DeviceLimits.DecodedPixelsMax);
        foreach (var mask in masks)
        {
            Blacken(picture, mask);
        }

        return TurboJpeg.Encode(picture, Quality);
    }

    private static void Blacken(DecodedPicture picture, PictureMask mask)
    {
        var left = Math.Clamp((int)Math.Floor(mask.Left * picture.Width), 0, picture.Width);
        var right = Math.Clamp((int)Math.Ceiling((mask.Left + mask.Width) * picture.Width), left, picture.Width);
        var top = Math.Clamp((int)Math.Floor(mask.Top * picture.Height), 0, picture.Height);
        var bottom = Math.Clamp((int)Math.Ceiling((mask.Top + mask.Height) * picture.Height), top, picture.Height);
        for (var y = top; y < bottom; y++)
        {
            picture.Pixels.Slice(((y * picture.Width) + left) * BytesPerPixel, (right - left) * BytesPerPixel).Clear();
        }
    }
}
