namespace FieldAgent.Privacy.Tests;

/// <summary>Runs alone: the heap is the whole process's, and tests beside it would be counted with it.</summary>
[CollectionDefinition(nameof(ExportMemoryTests), DisableParallelization = true)]
[Collection(nameof(ExportMemoryTests))]
public class ExportMemoryTests
{
    [Fact]
    public void However_much_is_held_memory_stays_bounded()
    {
        using var signer = new DeviceSigner(new MadeUpExport.Keys(), DeviceSigner.Board);
        var stream = new MeasuringStream();
        PersonExport.Write(stream, MadeUpExport.Sources(signer, blocks: 20));
        stream.Restart();
        PersonExport.Write(stream, MadeUpExport.Sources(signer, blocks: 20_000));
        Assert.True(stream.Bytes > 30 << 20, $"{stream.Bytes} bytes");
        Assert.True(stream.HeldBytes < 8 << 20, $"{stream.HeldBytes >> 10} KiB are held while {stream.Bytes >> 20} MiB go out");
    }

    /// <summary>Keeps nothing; looks now and then at what cannot be collected.</summary>
    private sealed class MeasuringStream : MemoryStream
    {
        private const int BytesBetweenLooks = 1 << 20;
        private long _before;
        private long _next;

        public long Bytes { get; private set; }

        /// <summary>The most that was live at a look, above what was live at <see cref="Restart"/>, in bytes.</summary>
        public long HeldBytes { get; private set; }

        public void Restart()
        {
            _before = GC.GetTotalMemory(forceFullCollection: true);
            (Bytes, HeldBytes, _next) = (0, 0, BytesBetweenLooks);
        }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            Bytes += buffer.Length;
            if (Bytes >= _next)
            {
                _next = Bytes + BytesBetweenLooks;
                HeldBytes = Math.Max(HeldBytes, GC.GetTotalMemory(forceFullCollection: true) - _before);
            }
        }
    }
}
