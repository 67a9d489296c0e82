using System.Globalization;
using System.Text;
using FieldAgent.Core;
using FieldAgent.Devices.Linux;

namespace FieldAgent.Devices;

/// <summary>A ribbon-cable camera as the system's camera program lists it.</summary>
/// <param name="Index">Its number, for the option <c>index</c>.</param>
/// <param name="Model">Its image sensor: <c>imx219</c>.</param>
public sealed record CameraFound(int Index, string Model);

/// <summary>Asks the system's camera program which ribbon-cable cameras there are. Takes no picture.</summary>
public static class CameraSurvey
{
    // Two cameras in all their modes are some 2 kB.
    private const int ListBytesMax = 64 << 10;
    private const int ModelCharsMax = 32;

    // A Zero 2 W needs two seconds to load the library and look.
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(15);

    /// <summary>The cameras. Blocks until the program ends, 15 s at most.</summary>
    /// <param name="program">Path of <c>rpicam-still</c> or <c>libcamera-still</c>.</param>
    /// <returns>What it lists; null when it cannot be run or says neither of a camera nor that there is none.</returns>
    public static IReadOnlyList<CameraFound>? Look(string program)
    {
        try
        {
            var result = OneShot.Run(new ChildPlan(program, ["--list-cameras"]), ListBytesMax, Within, CancellationToken.None);
            result.Remains?.Dispose();

            // Some versions list on standard output, some on standard error, among words of the library.
            return Read(Encoding.Latin1.GetString(result.Output.Span) + "\n" + result.Errors);
        }
        catch (SensorFault)
        {
            return null;
        }
    }

    // "0 : imx219 [3280x2464 10-bit RGGB] (/base/soc/i2c0mux/i2c@1/imx219@10)"
    private static List<CameraFound>? Read(string said)
    {
        var found = new List<CameraFound>();
        foreach (var line in said.AsSpan().EnumerateLines())
        {
            var colon = line.IndexOf(" : ", StringComparison.Ordinal);
            if (colon > 0 && int.TryParse(line[..colon], NumberStyles.None, CultureInfo.InvariantCulture, out var index)
                && line[(colon + 3)..] is var rest && rest.IndexOf(" [", StringComparison.Ordinal) is > 0 and <= ModelCharsMax and var end)
            {
                found.Add(new CameraFound(index, rest[..end].ToString()));
            }
        }

        return found.Count > 0 || said.Contains("no cameras available", StringComparison.OrdinalIgnoreCase) ? found : null;
    }
}
