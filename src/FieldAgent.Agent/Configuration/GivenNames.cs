using FieldAgent.Core.Configuration;

namespace FieldAgent.Agent.Configuration;

/// <summary>The names that the members of a list have so far, those of faulty members too: a second one is said in the same run as what else is wrong.</summary>
/// <param name="what">What is named: <c>sensor</c>.</param>
/// <param name="option">The member's option that names it.</param>
/// <param name="errors">Where a second one goes.</param>
internal sealed class GivenNames(string what, Option<string> option, ConfigErrors errors)
{
    private readonly HashSet<string> _given = new(StringComparer.Ordinal);

    /// <summary>Notes the name of <paramref name="member"/>; one without a name is somebody else's error.</summary>
    public void Note(ConfigNode member)
    {
        if (member.Members.TryGetValue(option.Name, out var name) && name.Kind == ConfigNodeKind.Text && !_given.Add(name.Text))
        {
            errors.Add(name, $"there is another {what} called '{name.Text}'");
        }
    }
}
