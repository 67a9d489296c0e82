using System.Globalization;

namespace FieldAgent.Agent.Doctor;

/// <summary>A user of the board and its groups, from passwd(5) and group(5).</summary>
/// <param name="Name">Name.</param>
/// <param name="Id">Number; null when the board has no such user.</param>
/// <param name="Groups">Numbers of its groups.</param>
/// <param name="GroupNames">Names of the board's groups by number.</param>
internal sealed record BoardUser(string Name, uint? Id, IReadOnlySet<uint> Groups, IReadOnlyDictionary<uint, string> GroupNames)
{
    /// <summary>The service's user.</summary>
    public const string Service = "fieldagent";

    private const int BytesMax = 1 << 20;

    /// <summary>The user of that name; where none is named the service's, or whoever runs this where the board has none.</summary>
    public static BoardUser Of(string root, string? name)
    {
        var users = Lines(Path.Join(root, "etc/passwd"));
        var groups = Lines(Path.Join(root, "etc/group"));
        var wanted = name ?? (users.Any(static u => u[0] == Service) ? Service : Environment.UserName);
        var user = users.FirstOrDefault(u => u[0] == wanted && u.Length >= 4);
        var names = new Dictionary<uint, string>();
        var member = new HashSet<uint>();
        foreach (var group in groups)
        {
            if (group.Length >= 4 && TryId(group[2], out var id))
            {
                names.TryAdd(id, group[0]);
                if (group[3].Split(',').Contains(wanted))
                {
                    member.Add(id);
                }
            }
        }

        if (user is not null && TryId(user[3], out var own))
        {
            member.Add(own);
        }

        return new BoardUser(wanted, user is not null && TryId(user[2], out var number) ? number : null, member, names);
    }

    private static bool TryId(string text, out uint id) => uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out id);

    private static List<string[]> Lines(string path)
    {
        try
        {
            return new FileInfo(path).Length > BytesMax ? [] : [.. File.ReadLines(path).Select(static line => line.Split(':'))];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
