using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using FieldAgent.Agent.Configuration;
using Microsoft.Extensions.Logging;

namespace FieldAgent.Agent.Control;

/// <summary>Which role a caller of the control socket has. Root and the agent's own user are administrators; others have what the
/// configuration gives to their user or to one of their groups, the higher role where there are two. Immutable.</summary>
internal sealed partial class ControlAccess
{
    /// <summary>Bytes of /etc/passwd and /etc/group that are read; a board has a few kilobytes.</summary>
    private const int NamesBytesMax = 1 << 20;

    private readonly uint _own;
    private readonly Dictionary<uint, ControlRole> _users = [];
    private readonly Dictionary<uint, ControlRole> _groups = [];

    /// <summary>Reads who is meant.</summary>
    /// <param name="operators">Names of users and groups, or numbers of users.</param>
    /// <param name="viewers">The same.</param>
    /// <param name="own">The agent's own user.</param>
    /// <param name="passwd">Path of the list of users, passwd(5).</param>
    /// <param name="group">Path of the list of groups, group(5).</param>
    public ControlAccess(IReadOnlyList<string> operators, IReadOnlyList<string> viewers, uint own, string passwd = "/etc/passwd", string group = "/etc/group")
    {
        _own = own;
        if (operators.Count + viewers.Count == 0)
        {
            return;
        }

        var users = Names(passwd);
        var groups = Names(group);
        // The viewers first: who is both is an operator.
        foreach (var (names, role) in new[] { (viewers, ControlRole.Viewer), (operators, ControlRole.Operator) })
        {
            foreach (var name in names)
            {
                var isUser = users.TryGetValue(name, out var user)
                    || uint.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out user);
                if (isUser)
                {
                    _users[user] = role;
                }

                if (groups.TryGetValue(name, out var id))
                {
                    _groups[id] = role;
                }
                else if (!isUser)
                {
                    Unknown.Add(name);
                }
            }
        }
    }

    /// <summary>Names that are neither a user nor a group of this board: they let nobody in.</summary>
    public List<string> Unknown { get; } = [];

    /// <summary>Says who is at the other end; replaced in tests.</summary>
    public Func<Socket, ControlPeer> PeerOf { get; init; } = ControlPeer.Of;

    /// <summary>What a configuration gives, on this board; says in the log which names are unknown here.</summary>
    public static ControlAccess Of(AgentConfig config, ILogger log)
    {
        var access = new ControlAccess(config.ControlOperators, config.ControlViewers, GetEffectiveUserId());
        if (access.Unknown.Count > 0)
        {
            LogUnknown(log, string.Join(", ", access.Unknown));
        }

        return access;
    }

    /// <summary>The role of a caller; null when it has none.</summary>
    public ControlRole? RoleOf(ControlPeer peer)
    {
        if (peer.User == 0 || peer.User == _own)
        {
            return ControlRole.Administrator;
        }

        ControlRole? role = _users.TryGetValue(peer.User, out var given) ? given : null;
        foreach (var group in peer.Groups)
        {
            if (_groups.TryGetValue(group, out given) && (role is null || given > role))
            {
                role = given;
            }
        }

        return role;
    }

    /// <summary>Gives the socket at <paramref name="path"/> the narrowest mode with which all who have a role can connect: the owner alone, one
    /// group, or everybody (whom <see cref="RoleOf"/> then tells apart). Its folder lets them pass.</summary>
    public void Protect(string path)
    {
        const UnixFileMode owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        const UnixFileMode group = UnixFileMode.GroupRead | UnixFileMode.GroupWrite;
        const UnixFileMode all = UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
        File.SetUnixFileMode(path, owner);
        if (_users.Count + _groups.Count == 0)
        {
            return;
        }

        var folder = Path.GetDirectoryName(path)!;
        try
        {
            File.SetUnixFileMode(folder, File.GetUnixFileMode(folder) | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        }
        catch (UnauthorizedAccessException)
        {
            // Not the agent's own folder: whoever made it says who may pass.
        }

        const uint unchanged = uint.MaxValue;
        var isOneGroup = _users.Count == 0 && _groups.Count == 1 && ChangeOwner(path, unchanged, _groups.Keys.Single()) == 0;
        File.SetUnixFileMode(path, isOneGroup ? owner | group : owner | group | all);
    }

    // passwd(5) and group(5): name, password, number.
    private static Dictionary<string, uint> Names(string path)
    {
        var found = new Dictionary<string, uint>(StringComparer.Ordinal);
        try
        {
            using var file = File.OpenRead(path);
            var bytes = new byte[Math.Min(file.Length, NamesBytesMax)];
            file.ReadExactly(bytes);
            foreach (var line in System.Text.Encoding.UTF8.GetString(bytes).Split('\n'))
            {
                var parts = line.Split(':', 4);
                if (parts.Length >= 3 && uint.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out var id))
                {
                    found.TryAdd(parts[0], id);
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // No names then; they are reported as unknown.
        }

        return found;
    }

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint GetEffectiveUserId();

    [LibraryImport("libc", EntryPoint = "chown", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ChangeOwner(string path, uint user, uint group);

    [LoggerMessage(Level = LogLevel.Warning, Message = "control: there is no user or group called {Names} on this board, so nobody is let in by it: "
        + "make it (groupadd), or correct 'control' in the configuration")]
    private static partial void LogUnknown(ILogger log, string names);
}
