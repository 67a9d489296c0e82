using FieldAgent.Agent.Configuration;
using FieldAgent.Agent.Control;
using FieldAgent.Agent.Hosting;
using FieldAgent.Core;
using FieldAgent.Devices;
using FieldAgent.Privacy;
using FieldAgent.Store;
using Microsoft.Extensions.Logging.Abstractions;

namespace FieldAgent.Agent.Cli;

/// <summary>Consents while no agent runs: the same desk, on the store itself.</summary>
internal static class OfflineConsents
{
    /// <summary>Opens the store, carries out <paramref name="request"/>, closes it.</summary>
    public static ControlReply Handle(AgentConfig config, ControlRequest request)
    {
        try
        {
            var counters = new Counters();
            var clock = new LinuxClock();
            using var store = StateStore.Open(AgentParts.StoreOptionsOf(config), clock, counters, NullLogger.Instance);
            var gate = new Gate(AgentParts.LoadPolicy(config), store.Consents, counters);
            return new ConsentService(new ConsentDesk(gate, store.Consents, clock), gate, store.Spool).Handle(request);
        }
        catch (StoreFault fault)
        {
            return ControlReply.No(fault.Message);
        }
    }
}
