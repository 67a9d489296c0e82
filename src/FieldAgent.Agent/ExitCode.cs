namespace FieldAgent.Agent;

/// <summary>Exit codes, as in sysexits.h where it has one.</summary>
internal static class ExitCode
{
    /// <summary>All went well.</summary>
    public const int Ok = 0;

    /// <summary>A fault.</summary>
    public const int Fault = 1;

    /// <summary>The command line is wrong (EX_USAGE).</summary>
    public const int Usage = 64;

    /// <summary>The broker cannot be reached (EX_UNAVAILABLE).</summary>
    public const int BrokerUnreachable = 69;

    /// <summary>The configuration is wrong (EX_CONFIG).</summary>
    public const int BadConfiguration = 78;
}
