using FieldAgent.Core;

namespace FieldAgent.Delivery.Tests;

/// <summary>What is counted of the whole process here, no other test may change meanwhile.</summary>
[CollectionDefinition(nameof(AloneInTheProcess), DisableParallelization = true)]
public sealed class AloneInTheProcess;

/// <summary>What a link leaves behind, whatever library it is made of.</summary>
[Collection(nameof(AloneInTheProcess))]
public sealed class DescriptorTests
{
    [Fact]
    public void Hundreds_of_connections_leave_no_descriptor_behind()
    {
        using var broker = new MosquittoBroker();
        Once();
        var before = Descriptors();
        for (var i = 0; i < 200; i++)
        {
            Once();
        }

        // What the runtime itself closes late.
        Eventually.True(() => Descriptors() < before + 20, "no descriptor is left behind");

        void Once()
        {
            using var link = LinkLibrary.CreateFactory().Create();
            Assert.Equal(LinkFaultKind.None, link.Connect(broker.Options("a"), new RecordingEvents(), out _).Kind);
        }

        static int Descriptors() => Directory.GetFileSystemEntries("/proc/self/fd").Length;
    }
}
