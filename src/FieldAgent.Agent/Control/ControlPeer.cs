using System.Buffers.Binary;
using System.Net.Sockets;

namespace FieldAgent.Agent.Control;

/// <summary>Who is at the other end of a socket.</summary>
/// <param name="User">User id.</param>
/// <param name="Groups">Group ids, the first one included.</param>
internal sealed record ControlPeer(uint User, IReadOnlyList<uint> Groups)
{
    private const int SolSocket = 1;
    private const int SoPeerCred = 17;
    private const int SoPeerGroups = 59;

    /// <summary>A caller with more groups than this is known by its first one only.</summary>
    private const int GroupsMax = 1024;

    /// <summary>Asks the kernel: SO_PEERCRED, and SO_PEERGROUPS (Linux 4.13), see unix(7). Both as they were when the peer connected.</summary>
    public static ControlPeer Of(Socket socket)
    {
        Span<byte> credentials = stackalloc byte[12];
        socket.GetRawSocketOption(SolSocket, SoPeerCred, credentials);
        var groups = new List<uint> { BinaryPrimitives.ReadUInt32LittleEndian(credentials[8..]) };
        var buffer = new byte[GroupsMax * 4];
        try
        {
            var length = socket.GetRawSocketOption(SolSocket, SoPeerGroups, buffer);
            for (var i = 0; i + 4 <= length; i += 4)
            {
                groups.Add(BinaryPrimitives.ReadUInt32LittleEndian(buffer.AsSpan(i)));
            }
        }
        catch (SocketException)
        {
            // An older kernel, or more groups than fit: the first group counts.
        }

        return new ControlPeer(BinaryPrimitives.ReadUInt32LittleEndian(credentials[4..]), groups);
    }
}
