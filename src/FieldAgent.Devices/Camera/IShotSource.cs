using FieldAgent.Core;

namespace FieldAgent.Devices;

/// <summary>Where a camera's pictures come from. One thread. Nothing of it is open between two calls.</summary>
internal interface IShotSource
{
    /// <summary>Longest time that <see cref="Take"/> blocks by its own time-out; zero: it never blocks long.</summary>
    TimeSpan ShotLimit => TimeSpan.Zero;

    /// <summary>Looks whether a shot could be taken, without opening the camera.</summary>
    /// <exception cref="SensorFault">No camera, no program for it, no permission.</exception>
    void Check();

    /// <summary>Takes one shot; blocks.</summary>
    /// <param name="host">For time and skips.</param>
    /// <param name="stop">Ends it at once.</param>
    /// <returns>The picture, or null when it was stopped.</returns>
    /// <exception cref="SensorFault">There is no picture, and why.</exception>
    Shot? Take(ISensorHost host, CancellationToken stop);
}

/// <summary>A picture as the camera gave it.</summary>
/// <param name="Jpeg">A JPEG file, by its first and last bytes.</param>
/// <param name="Captured">When.</param>
internal sealed record Shot(ReadOnlyMemory<byte> Jpeg, Stamp Captured);

/// <summary>Tells a JPEG file by its frame: ITU-T T.81, annex B.</summary>
internal static class JpegFrame
{
    /// <summary>True when it begins as a JPEG: start of image, then the first marker.</summary>
    public static bool Begins(ReadOnlySpan<byte> file) => file.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]);

    /// <summary>True when it ends as a JPEG. Some cameras pad with zeros.</summary>
    public static bool Ends(ReadOnlySpan<byte> file) => file.TrimEnd((byte)0).EndsWith((ReadOnlySpan<byte>)[0xFF, 0xD9]);
}
