namespace FieldAgent.Agent.Configuration;

/// <summary>What the service's unit (systemd/fieldagent.service) keeps from the agent, whatever the mode of a file.</summary>
internal static class ServiceSandbox
{
    // ProtectHome=, PrivateTmp=
    private static readonly string[] Hidden = ["/home", "/root", "/run/user", "/tmp", "/var/tmp"];

    /// <summary>The folder above a file that the service does not see; null when it sees it.</summary>
    public static string? Hides(string path) => Hidden.FirstOrDefault(folder => path.StartsWith(folder + "/", StringComparison.Ordinal));
}
