using System.Buffers.Binary;
using FieldAgent.Core;
using FieldAgent.Store.Sqlite;

namespace FieldAgent.Store.Erasure;

/// <summary>Erasures in the database: those on their way, and reports of those that are verified. All within the caller's transaction.</summary>
internal static class ErasureLedger
{
    /// <summary>Reports kept: years of a person's requests, and weeks of terms that end by the hour.</summary>
    public const int ReportsMax = 256;

    private const int StampBytes = 16 + 8 + 8 + 1;

    /// <summary>Notes a new job, with its number, and forgets the oldest reports beyond the limit.</summary>
    public static void Insert(Connection writer, ErasureJob job)
    {
        job.Id = writer.Scalar("SELECT ifnull(max(id), 0) + 1 FROM erasures");
        Put(writer, job);
        PutScopes(writer, job);
        using (var put = writer.Once("INSERT INTO erasure_runs(erasure, key, from_item, to_item, whole) VALUES(?1, ?2, ?3, ?4, ?5)"))
        {
            foreach (var run in job.Runs)
            {
                put.Bind(1, job.Id).Bind(2, run.Key).Bind(3, run.From).Bind(4, run.To).Bind(5, run.Whole ? 1L : 0).Run();
            }
        }

        writer.Execute(FormattableString.Invariant(
            $"DELETE FROM erasures WHERE id <= {job.Id - ReportsMax} AND state = {(int)ErasureState.Verified} AND id NOT IN (SELECT erasure FROM erasure_scopes WHERE held = {(int)HeldState.Held})"));
        writer.Execute("DELETE FROM erasure_scopes WHERE erasure NOT IN (SELECT id FROM erasures)");
    }

    /// <summary>Writes what changed in a job; once it is verified its list of keys is of no use any more.</summary>
    public static void Put(Connection writer, ErasureJob job)
    {
        using var put = writer.Once(
            "INSERT OR REPLACE INTO erasures(id, state, reason, ground, blocks, images, readings, keys, unmarked, effaced, files, bytes, "
            + "remains, begun, verified) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)");
        put.Bind(1, job.Id).Bind(2, (long)job.State).Bind(3, (long)job.Reason).Bind(4, job.Ground).Bind(5, job.Blocks).Bind(6, job.Images)
            .Bind(7, job.Readings).Bind(8, job.Keys).Bind(9, job.Unmarked).Bind(10, job.Effaced).Bind(11, job.ScannedFiles)
            .Bind(12, job.ScannedBytes).Bind(13, job.Remains).Bind(14, Write(job.BegunAt)).Bind(15, Write(job.VerifiedAt)).Run();
        if (!job.IsOpen)
        {
            using var forget = writer.Once("DELETE FROM erasure_runs WHERE erasure = ?1");
            forget.Bind(1, job.Id).Run();
        }
    }

    /// <summary>Writes the scopes of a job.</summary>
    public static void PutScopes(Connection writer, ErasureJob job)
    {
        using var put = writer.Once(
            "INSERT OR REPLACE INTO erasure_scopes(erasure, position, function, field, before_ns, images_only, held, to_item) "
            + "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
        for (var i = 0; i < job.Scopes.Count; i++)
        {
            var (scope, held, toItem) = job.Scopes[i];
            put.Bind(1, job.Id).Bind(2, (long)i).Bind(3, scope.Function).Bind(4, scope.Field).Bind(5, scope.BeforeWallUnixNs)
                .Bind(6, scope.ImagesOnly ? 1L : 0).Bind(7, (long)held).Bind(8, toItem).Run();
        }
    }

    /// <summary>All jobs, oldest first.</summary>
    public static List<ErasureJob> Load(Connection connection)
    {
        var jobs = new SortedDictionary<long, ErasureJob>();
        using (var all = connection.Once(
            "SELECT id, state, reason, ground, blocks, images, readings, keys, unmarked, effaced, files, bytes, remains, begun, verified "
            + "FROM erasures"))
        {
            while (all.Step())
            {
                jobs[all.Int(0)] = new ErasureJob
                {
                    Id = all.Int(0), State = (ErasureState)all.Int(1), Reason = (GapReason)all.Int(2), Ground = all.Text(3), Blocks = all.Int(4),
                    Images = all.Int(5), Readings = all.Int(6), Keys = (int)all.Int(7), Unmarked = (int)all.Int(8), Effaced = all.Text(9),
                    ScannedFiles = (int)all.Int(10), ScannedBytes = all.Int(11), Remains = (int)all.Int(12), BegunAt = ReadStamp(all.Blob(13)),
                    VerifiedAt = ReadStamp(all.Blob(14)), IsTold = all.Int(1) == (int)ErasureState.Verified,
                };
            }
        }

        using (var scopes = connection.Once(
            "SELECT erasure, function, field, before_ns, images_only, held, to_item FROM erasure_scopes ORDER BY erasure, position"))
        {
            while (scopes.Step())
            {
                if (jobs.TryGetValue(scopes.Int(0), out var job))
                {
                    job.Scopes.Add(new JobScope(
                        new ErasureScope(scopes.Text(1), scopes.Text(2), scopes.Int(3), scopes.Int(4) != 0), (HeldState)scopes.Int(5), scopes.Int(6)));
                }
            }
        }

        using var runs = connection.Once("SELECT erasure, key, from_item, to_item, whole FROM erasure_runs ORDER BY erasure, key, from_item");
        while (runs.Step())
        {
            if (jobs.TryGetValue(runs.Int(0), out var job))
            {
                job.Runs.Add(new DoomedRun(runs.Int(1), runs.Int(2), runs.Int(3), runs.Int(4) != 0));
            }
        }

        return [.. jobs.Values];
    }

    private static byte[] Write(Stamp at)
    {
        var bytes = new byte[StampBytes];
        at.BootId.TryWriteBytes(bytes);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(16), at.BootNs);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(24), at.WallUnixNs);
        bytes[32] = (byte)at.Quality;
        return bytes;
    }

    private static Stamp ReadStamp(ReadOnlySpan<byte> bytes) =>
        bytes.Length != StampBytes
            ? default
            : new Stamp(new Guid(bytes[..16]), BinaryPrimitives.ReadInt64LittleEndian(bytes[16..]),
                BinaryPrimitives.ReadInt64LittleEndian(bytes[24..]), (ClockQuality)bytes[32]);
}
