using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FieldAgent.Agent.Hosting;

/// <summary>A hosted service that is one thread with one loop. A loop that throws ends the agent with exit code 1, so that
/// systemd starts it anew.</summary>
internal sealed partial class WorkerThread(
    string name, Action<CancellationToken> loop, IHostApplicationLifetime lifetime, ILogger log, Action<Exception>? failed = null)
    : IHostedService, IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private volatile bool _isOver;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task StartAsync(CancellationToken cancellationToken)
    {
        new Thread(Run) { Name = name, IsBackground = true }.Start();
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stop.CancelAsync();
        try
        {
            await _ended.Task.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            LogStuck(name);
        }
    }

    public void Dispose()
    {
        _isOver = true;
        _stop.Dispose();
    }

    private void Run()
    {
        try
        {
            loop(_stop.Token);
        }
        catch (Exception) when (_isOver)
        {
            // It did not end in time, which was said, and finds what it works with closed: no crash of its own.
        }
        catch (Exception e)
        {
            LogFailed(name, e);
            failed?.Invoke(e);
            Environment.ExitCode = ExitCode.Fault;
            lifetime.StopApplication();
        }
        finally
        {
            _ended.TrySetResult();
        }
    }

    [LoggerMessage(Level = LogLevel.Critical, Message = "{Name} failed; the agent ends so that it can be started anew.")]
    private partial void LogFailed(string name, Exception fault);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Name} did not end in time.")]
    private partial void LogStuck(string name);
}

/// <summary>Several threads that start and stop together.</summary>
internal sealed class WorkerGroup(IReadOnlyList<WorkerThread> workers) : IHostedService, IDisposable
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var worker in workers)
        {
            await worker.StartAsync(cancellationToken);
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(workers.Select(worker => worker.StopAsync(cancellationToken)));

    public void Dispose()
    {
        foreach (var worker in workers)
        {
            worker.Dispose();
        }
    }
}
