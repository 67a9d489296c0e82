using System.CommandLine;
using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using FieldAgent.Agent.Configuration;
using FieldAgent.Agent.Control;
using FieldAgent.Agent.DataProtection;
using FieldAgent.Core;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.Cli;

/// <summary><c>fieldagent privacy export|open</c>: all that the board holds, as a folder, an archive, or an archive that one key opens. Files are
/// the caller's own, mode 0600.</summary>
internal static class PrivacyExportCommand
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const int KeyBytesMax = 16 << 10;

    public static Command Export()
    {
        var place = new ControlPlace();
        var target = new Option<string>("--out")
        {
            Description = "A folder that does not exist yet, or a file ending in .tar.gz; with --to a file.", HelpName = "DIR|FILE.tar.gz", Required = true,
        };
        var to = new Option<string?>("--to") { Description = "Seal it for the owner of this public key (PEM; EC P-256 or RSA).", HelpName = "KEY.pem" };
        var ground = new Option<string?>("--ground")
        {
            Description = "It is for somebody else than the person concerned, on this listed ground; it goes into the audit. Needs --case.",
            HelpName = string.Join('|', ClosedLists.DisclosureGrounds.Words),
        };
        var reference = new Option<string?>("--case") { Description = "With --ground: a name for the case, such as claim-17; names nobody.", HelpName = "NAME" };
        var command = new Command("export", "Hands over all that this board holds: readings, photographs, consents, who was given what, and a signed list of it.")
        {
            target, to, ground, reference,
        };
        ground.AcceptOnlyFromAmong([.. ClosedLists.DisclosureGrounds.Words]);
        place.AddTo(command);
        command.Validators.Add(result =>
        {
            if (result.GetValue(ground) is null != result.GetValue(reference) is null)
            {
                result.AddError("--ground and --case belong together: give both or neither");
            }
        });
        command.SetAction(parsed => place.Load(parsed) is { } config
            ? Guarded(() => Export(config, parsed.GetRequiredValue(target), parsed.GetValue(to), parsed.GetValue(ground), parsed.GetValue(reference)))
            : ExitCode.BadConfiguration);
        return command;
    }

    public static Command Open()
    {
        var file = new Argument<string>("file") { Description = "A sealed export." };
        var key = new Option<string>("--key") { Description = "The private key, PEM without a password.", HelpName = "KEY.pem", Required = true };
        var target = new Option<string>("--out") { Description = "A folder that does not exist yet, or a file ending in .tar.gz.", HelpName = "DIR|FILE.tar.gz", Required = true };
        var command = new Command("open", "Opens an export that was sealed with --to; on any machine.") { file, key, target };
        command.SetAction(parsed => Guarded(() => Open(parsed.GetRequiredValue(file), parsed.GetRequiredValue(key), parsed.GetRequiredValue(target))));
        return command;
    }

    private static int Export(AgentConfig config, string target, string? keyFile, string? ground, string? reference)
    {
        if (Exists(target))
        {
            return CommandLine.Fail(ExitCode.Usage, $"{target} exists already; name a new one");
        }

        var key = keyFile is null ? null : ReadKey(keyFile);
        if (key is null && !IsArchive(target))
        {
            Unpack(target, to => Fetch(config, to, ground, reference));
        }
        else
        {
            WriteFile(target, file =>
            {
                using var sealing = key is null ? null : SealedStream.For(file, key);
                using (var zip = new GZipStream((Stream?)sealing ?? file, CompressionLevel.Optimal, leaveOpen: true))
                {
                    Fetch(config, zip, ground, reference);
                }

                sealing?.Finish();
            });
        }

        Console.Out.WriteLine(key is null
            ? $"all that this board holds is in {target}; manifest.json lists it ('fieldagent verify' checks its signature). It is not encrypted: keep it safe"
            : $"all that this board holds is in {target}, sealed: 'fieldagent privacy open {target} --key PRIVATE.pem --out DIR' opens it");
        return ExitCode.Ok;
    }

    private static int Open(string file, string keyFile, string target)
    {
        if (Exists(target))
        {
            return CommandLine.Fail(ExitCode.Usage, $"{target} exists already; name a new one");
        }

        var key = ReadKey(keyFile);
        using var source = new FileStream(file, FileMode.Open, FileAccess.Read);
        if (IsArchive(target))
        {
            WriteFile(target, to => SealedStream.Open(source, to, key));
        }
        else
        {
            // first as a whole: what was changed on its way must not be unpacked
            var whole = target + ".tar.gz.part";
            try
            {
                WriteFile(whole, to => SealedStream.Open(source, to, key));
                using var zip = new GZipStream(File.OpenRead(whole), CompressionMode.Decompress);
                Unpack(target, to => zip.CopyTo(to));
            }
            finally
            {
                File.Delete(whole);
            }
        }

        Console.Out.WriteLine($"opened into {target}");
        return ExitCode.Ok;
    }

    // From the running agent piece by piece; where none runs, from the store.
    private static void Fetch(AgentConfig config, Stream to, string? ground, string? reference)
    {
        var begun = ControlClient.Call(config.ControlSocket, ControlRequest.Of("privacy-export", ("ground", ground), ("case", reference)));
        if (begun.NobodyThere)
        {
            ControlCalls.WithStore(config, parts =>
            {
                if (ground is not null && parts.Export.Disclose(ground, reference) is { } refused)
                {
                    throw new IOException(refused);
                }

                return parts.Export.WriteTo(to);
            });
            return;
        }

        for (var reply = begun; ;)
        {
            if (!reply.Ok)
            {
                throw new IOException(reply.Message);
            }

            reply = ControlClient.Call(config.ControlSocket, new ControlRequest("privacy-export-fetch"));
            if (reply is { Ok: true, Json: [var piece] })
            {
                if (piece.Length == 0)
                {
                    return;
                }

                to.Write(Convert.FromBase64String(piece));
            }
        }
    }

    // A tar archive that is written by one thread is unpacked by another: nothing of it lies anywhere else.
    private static void Unpack(string folder, Action<Stream> write)
    {
        var pipe = new ExportPipe();
        Exception? fault = null;
        var writer = new Thread(() =>
        {
            try
            {
                write(pipe);
                pipe.End("");
            }
            catch (Exception e) when (e is IOException or StoreFault or CryptographicException or InvalidDataException)
            {
                fault = e;
                pipe.End(e.Message);
            }
        })
        {
            IsBackground = true,
        };
        writer.Start();
        try
        {
            Directory.CreateDirectory(folder, Private | UnixFileMode.UserExecute);
            using var tar = new TarReader(new PipeReadStream(pipe));
            while (tar.GetNextEntry() is { } entry)
            {
                var path = Path.GetFullPath(Path.Join(folder, entry.Name));
                if (!path.StartsWith(Path.GetFullPath(folder) + Path.DirectorySeparatorChar, StringComparison.Ordinal))
                {
                    throw new InvalidDataException($"'{entry.Name}' points out of the folder");
                }

                Directory.CreateDirectory(Path.GetDirectoryName(path)!, Private | UnixFileMode.UserExecute);
                WriteFile(path, to => entry.DataStream?.CopyTo(to));
            }
        }
        finally
        {
            pipe.Abandon();
            writer.Join();
        }

        if (fault is not null)
        {
            throw new IOException(fault.Message, fault);
        }
    }

    private static void WriteFile(string path, Action<Stream> write)
    {
        var whole = false;
        try
        {
            using (var file = new FileStream(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = Private }))
            {
                write(file);
                file.Flush(flushToDisk: true);
            }

            whole = true;
        }
        finally
        {
            if (!whole)
            {
                File.Delete(path);
            }
        }
    }

    private static string ReadKey(string file)
    {
        if (new FileInfo(file).Length > KeyBytesMax)
        {
            throw new IOException($"{file} is too large for a key");
        }

        return File.ReadAllText(file);
    }

    private static bool IsArchive(string target) =>
        target.EndsWith(".tar.gz", StringComparison.Ordinal) || target.EndsWith(".tgz", StringComparison.Ordinal);

    private static bool Exists(string path) => File.Exists(path) || Directory.Exists(path);

    private static int Guarded(Func<int> run)
    {
        try
        {
            return run();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or StoreFault or CryptographicException or InvalidDataException)
        {
            return CommandLine.Fail(ExitCode.Fault, e.Message);
        }
    }

    /// <summary>Reads a pipe as a stream.</summary>
    private sealed class PipeReadStream(ExportPipe pipe) : Stream
    {
        private byte[] _piece = [];
        private int _at;
        private bool _ended;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            while (_at == _piece.Length && !_ended)
            {
                if (pipe.Fetch() is { } piece)
                {
                    _piece = piece;
                    _at = 0;
                    _ended = piece.Length == 0;
                }
            }

            var n = Math.Min(buffer.Length, _piece.Length - _at);
            _piece.AsSpan(_at, n).CopyTo(buffer);
            _at += n;
            return n;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
