using System.Runtime.ExceptionServices;
using FieldAgent.Agent.Configuration;
using FieldAgent.Core;
using FieldAgent.Store;
using Microsoft.Extensions.Hosting;

namespace FieldAgent.Agent.Hosting;

/// <summary>Builds the host beside the reading of the configuration, and gets the libraries ready that opening the store needs: on a
/// board with more than one core the first reading is safe a quarter sooner. Nothing of the board is touched before
/// <see cref="Take"/> has the configuration.</summary>
internal sealed class PreparedHost
{
    private readonly RunOptions _options;
    private readonly Thread _thread;
    private IHost? _host;
    private ExceptionDispatchInfo? _fault;
    private AgentConfig? _config;

    private PreparedHost(RunOptions options)
    {
        _options = options;
        _thread = new Thread(Build) { Name = "start", IsBackground = true };
    }

    /// <summary>Begins, on a thread of its own.</summary>
    public static PreparedHost Begin(RunOptions options)
    {
        var prepared = new PreparedHost(options);
        prepared._thread.Start();
        return prepared;
    }

    /// <summary>Waits for the host, which runs what <paramref name="config"/> says.</summary>
    /// <returns>The host; the caller disposes it.</returns>
    public IHost Take(AgentConfig config)
    {
        _thread.Join();
        _fault?.Throw();
        _config = config;
        return _host!;
    }

    private void Build()
    {
        try
        {
            StateStore.WarmUpSeal();
            _host = AgentHost.Build(_options, () => _config ?? throw new InvalidOperationException("the host was started before it was taken"));
        }
        catch (Exception fault)
        {
            _fault = ExceptionDispatchInfo.Capture(fault);
        }

        // it goes on beside the opening of the store
        new Thread(WarmUpDatabase) { Name = "start-store", IsBackground = true }.Start();
    }

    private static void WarmUpDatabase()
    {
        try
        {
            StateStore.WarmUpDatabase();
        }
        catch (Exception fault) when (fault is StoreFault or DllNotFoundException)
        {
            // opening the store meets it again, and says so
        }
    }
}
