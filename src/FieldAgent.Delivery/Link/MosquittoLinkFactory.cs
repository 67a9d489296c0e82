using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <summary>Links over libmosquitto (Debian package <c>libmosquitto1</c>), which speaks MQTT 5 and 3.1.1. Thread-safe.</summary>
public sealed class MosquittoLinkFactory : ILinkFactory
{
    private readonly LinkLimits _limits;

    /// <summary>A factory with the usual limits.</summary>
    public MosquittoLinkFactory()
        : this(LinkLimits.Default)
    {
    }

    /// <summary>A factory with limits of its own.</summary>
    /// <param name="limits">Limits of every link it makes.</param>
    public MosquittoLinkFactory(LinkLimits limits) => _limits = limits;

    /// <inheritdoc/>
    public string Library =>
        LibMosquitto.Loaded.Version is { } version ? $"libmosquitto {version}" : $"libmosquitto: {LibMosquitto.Loaded.Problem}";

    /// <inheritdoc/>
    /// <remarks>Never fails for want of the library: the link's <see cref="ILink.Connect"/> says so.</remarks>
    public ILink Create() => new MosquittoLink(_limits);
}
