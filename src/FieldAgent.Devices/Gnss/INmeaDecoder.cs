namespace FieldAgent.Devices.Gnss;

/// <summary>From the bytes of NMEA 0183 to fixes. One thread.</summary>
internal interface INmeaDecoder
{
    /// <summary>What came so far.</summary>
    NmeaCounts Counts { get; }

    /// <summary>Sentences of an epoch that had been reported already: the receiver pauses within its epochs.</summary>
    long LateSentences { get; }

    /// <summary>Takes bytes from <paramref name="data"/> until a fix is complete or the bytes are used up.</summary>
    bool TryRead(ref ReadOnlySpan<byte> data, out GnssFix fix);

    /// <summary>The line is quiet: the epoch that waits is complete, if any.</summary>
    bool TryComplete(out GnssFix fix);

    /// <summary>The end of a recording: call until false.</summary>
    bool TryFinish(out GnssFix fix);
}
