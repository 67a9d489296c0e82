using FieldAgent.Core;
using FieldAgent.Devices;
using FieldAgent.Simulation;

namespace FieldAgent.Agent.Configuration;

/// <summary>Every kind of sensor the agent knows: the boards' and the simulated one.</summary>
internal static class SensorKinds
{
    /// <summary>The kinds, in the order they are documented.</summary>
    public static IReadOnlyList<ISensorKind> All { get; } = [.. DeviceCatalogue.Kinds, new SimulatedKind()];
}
