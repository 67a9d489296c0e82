using System.Buffers;

namespace FieldAgent.Devices.Gnss;

/// <summary>Decodes recorded NMEA 0183, such as <c>fieldagent sample --nmea FILE --json</c> shows.</summary>
public static class NmeaRecording
{
    /// <summary>Writes one line of JSON for each fix: <c>time</c> (ISO 8601 UTC, ms), <c>mode</c> (1 none, 2, 3), <c>lat</c>, <c>lon</c>
    /// (degrees, nine decimals), <c>alt</c> (m above mean sea level), <c>speed</c> (m/s), <c>track</c> (degrees true), <c>satellites</c>, <c>hdop</c>; keys
    /// are absent when not known. An epoch without a fix has mode 1, no position, and <c>age</c>: seconds since the last fix.
    /// An epoch in which a sentence corrects another's position has a line for each.</summary>
    /// <param name="nmea">The recording, of any size and content; read to its end, blocking. Lines that begin with <c>#</c> are notes.</param>
    /// <param name="json">Gets UTF-8 lines, each as soon as its epoch is over.</param>
    /// <param name="stop">Ends the reading between two blocks.</param>
    /// <returns>What the recording held.</returns>
    /// <exception cref="IOException">Either stream fails. Bytes that are no NMEA are never an error: they are skipped and counted.</exception>
    public static NmeaRecordingCounts WriteFixes(Stream nmea, Stream json, CancellationToken stop = default)
    {
        var lines = new ArrayBufferWriter<byte>(GnssLimits.ReadBytes);
        var decoder = new NmeaDecoder();
        var buffer = new byte[GnssLimits.ReadBytes];
        long fixes = 0;
        long lost = 0;
        int read;
        while (!stop.IsCancellationRequested && (read = nmea.Read(buffer)) > 0)
        {
            var data = (ReadOnlySpan<byte>)buffer.AsSpan(0, read);
            while (decoder.TryRead(ref data, out var fix))
            {
                Write(fix);
            }

            json.Write(lines.WrittenSpan);
            lines.ResetWrittenCount();
        }

        while (decoder.TryFinish(out var fix))
        {
            Write(fix);
        }

        json.Write(lines.WrittenSpan);
        json.Flush();
        var counts = decoder.Counts;
        return new NmeaRecordingCounts(fixes, lost, counts.Good, counts.Foreign, counts.Checksum, counts.Malformed, counts.Garbage, counts.Overlong);

        void Write(in GnssFix fix)
        {
            FixJson.Write(fix, lines);
            fixes += fix.HasPosition ? 1 : 0;
            lost += fix.HasPosition ? 0 : 1;
        }
    }
}

/// <summary>What a recording held.</summary>
/// <param name="Fixes">Lines written with a position.</param>
/// <param name="Lost">Lines written without one: epochs in which the receiver had no fix.</param>
/// <param name="Sentences">Good sentences.</param>
/// <param name="Foreign">Proprietary and AIS sentences, passed over.</param>
/// <param name="Checksum">Sentences skipped because their checksum is wrong.</param>
/// <param name="Malformed">Sentences skipped because they are cut off or are none.</param>
/// <param name="Garbage">Runs of bytes outside any sentence.</param>
/// <param name="Overlong">Sentences skipped because they are too long.</param>
public readonly record struct NmeaRecordingCounts(
    long Fixes, long Lost, long Sentences, long Foreign, long Checksum, long Malformed, long Garbage, long Overlong);
