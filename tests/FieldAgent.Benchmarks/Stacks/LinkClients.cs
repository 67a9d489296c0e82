using FieldAgent.Core;
using FieldAgent.Delivery;

namespace FieldAgent.Benchmarks.Stacks;

/// <summary>The MQTT clients that are built in.</summary>
internal static class LinkClients
{
    /// <summary>Name and factory of each.</summary>
    public static IReadOnlyList<(string Name, Func<ILinkFactory> Make)> All { get; } = [("libmosquitto", static () => new MosquittoLinkFactory())];
}
