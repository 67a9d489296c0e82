using System.Buffers.Binary;
using System.Globalization;
using System.Net.Sockets;
using System.Security.Cryptography;
using FieldAgent.Core;

namespace FieldAgent.Devices;

/// <summary>Who is at the other end, as the kernel says (SO_PEERCRED, unix(7)).</summary>
/// <param name="Process">Process id.</param>
/// <param name="User">User id.</param>
internal readonly record struct UplinkPeer(int Process, uint User)
{
    private const int SolSocket = 1;
    private const int SoPeerCred = 17;

    /// <summary>Asks the kernel; the credentials are those of the moment when the peer connected.</summary>
    public static UplinkPeer Of(Socket socket)
    {
        Span<byte> credentials = stackalloc byte[12];
        socket.GetRawSocketOption(SolSocket, SoPeerCred, credentials);
        return new UplinkPeer(
            BinaryPrimitives.ReadInt32LittleEndian(credentials), BinaryPrimitives.ReadUInt32LittleEndian(credentials[4..]));
    }

    /// <summary>Says why this peer is not <paramref name="source"/>, or null when it is. Reads the executable when its hash is asked for.</summary>
    public string? WhyNot(UplinkSource source, SensorSetup setup)
    {
        if (UserId(source.User, setup) != User)
        {
            return "this user may not speak for that source";
        }

        if (source.Program is null)
        {
            return null;
        }

        var exe = setup.DevicePath(string.Create(CultureInfo.InvariantCulture, $"/proc/{Process}/exe"));
        try
        {
            // A deleted or replaced executable reads as "path (deleted)" and does not match.
            if (new FileInfo(exe).LinkTarget != source.Program)
            {
                return "this program may not speak for that source";
            }

            if (source.Sha256 is not null)
            {
                using var file = File.OpenRead(exe);
                if (file.Length > SharedUplinkLimits.ProgramBytesMax || Convert.ToHexStringLower(SHA256.HashData(file)) != source.Sha256)
                {
                    return "the program is not the one that was admitted: its hash differs";
                }
            }

            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "the program cannot be looked at: run it as the agent's user, or leave 'program' out";
        }
    }

    private static uint? UserId(string user, SensorSetup setup)
    {
        if (uint.TryParse(user, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return number;
        }

        try
        {
            foreach (var line in File.ReadLines(setup.DevicePath("/etc/passwd")))
            {
                if (line.Split(':') is [var name, _, var id, ..] && name == user
                    && uint.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out number))
                {
                    return number;
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Nobody of that name.
        }

        return null;
    }
}
