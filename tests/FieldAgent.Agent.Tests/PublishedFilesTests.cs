using System.Text;
using FieldAgent.Agent.Cli;
using FieldAgent.Agent.Configuration;
using FieldAgent.Core.Configuration;

namespace FieldAgent.Agent.Tests;

/// <summary>What is written in the repository is what the program says.</summary>
public sealed class PublishedFilesTests
{
    private static string Readme => File.ReadAllText(Path.Join(Places.Repository, "README.md"));

    [Fact]
    public void The_published_schemas_are_the_ones_the_program_prints()
    {
        Published.Is("src/FieldAgent.Agent/contract/config.schema.json", SchemaCommand.Text());
        Published.Is("src/FieldAgent.Privacy/contract/policy.schema.json", SchemaCommand.Text(Privacy.Policy.Shape, "FieldAgent policy"));
    }

    [Fact]
    public void The_simulated_board_is_a_good_configuration()
    {
        var errors = new ConfigErrors();
        ConfigLoader.Load(Path.Join(Places.Repository, "hardware/boards/simulated.json"), new ConfigOverrides(), errors);
        Assert.Empty(errors.All);
    }

    [Fact]
    public void The_smallest_configuration_in_the_readme_is_good_but_for_its_missing_certificates()
    {
        var errors = new ConfigErrors();
        ConfigLoader.Load(Encoding.UTF8.GetBytes(Between("<!-- smallest-config -->\n```json\n", "```")), "/nowhere/config.json", new ConfigOverrides(), errors);
        Assert.All(errors.All, static e => Assert.Contains("there is no file", e.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void The_readmes_account_of_what_leaves_the_device_is_the_policys() =>
        Published.IsBetween("README.md", "<!-- generated: policy -->\n", "<!-- end generated -->", PolicyText.Markdown(Privacy.Policy.Shipped()));

    [Fact]
    public void Every_file_and_folder_the_readme_names_exists()
    {
        foreach (var word in Readme.Split('`', ' ', '\n', '(', ')', ','))
        {
            if (word.StartsWith("src/", StringComparison.Ordinal) || word.StartsWith("hardware/", StringComparison.Ordinal))
            {
                var path = Path.Join(Places.Repository, word.TrimEnd('.', ':', ';'));
                Assert.True(Path.Exists(path), $"README.md names {word}, which does not exist");
            }
        }
    }

    private static string Between(string from, string to)
    {
        var text = Readme;
        var start = text.IndexOf(from, StringComparison.Ordinal);
        Assert.True(start >= 0, $"README.md lacks: {from}");
        start += from.Length;
        return text[start..text.IndexOf(to, start, StringComparison.Ordinal)];
    }
}
