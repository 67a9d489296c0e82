using System.Security.Cryptography;
using System.Text;
using FieldAgent.Core;

namespace FieldAgent.Privacy.Tests;

/// <summary>What an export is made from, without a store: as many blocks as a test asks for, none of them held in memory.</summary>
internal static class MadeUpExport
{
    public static ExportSources Sources(DeviceSigner signer, int blocks)
    {
        var at = new Stamp(Guid.NewGuid(), 1, 1_800_000_000_000_000_000, ClockQuality.Ntp);
        return new ExportSources
        {
            Held = new MadeUpView(blocks),
            Policy = Policy.Shipped(),
            Consents = [new ConsentEvent(1, ConsentAction.Grant, "fleet-location", "location.position", "1km", "subject", "cli", "1", "h", at)],
            Deliveries = [new DeliveryRecord("vendor", "telemetry", "instrument.measurement", 1, 9, 9, 90, 1, 2, "operation", LegalBasis.Contract,
                Precision.Exact, TimeSpan.FromDays(30), 0, "1", "h")],
            Possible = [new PossibleDelivery("vendor", "telemetry", "instrument.measurement", 10, 12, 0, 1, 2, 3, 4)],
            Requests = [new SubjectRequest(1, RequestKind.Copy, RequestState.Refused, "r", "", "", "again", "console", at) { Ground = "repetitive", Verification = "operator" }],
            Corrections = [],
            Audit = [],
            Signer = signer,
            At = at,
            AgentVersion = "1.0.0",
        };
    }

    public sealed class Keys : IKeyStore
    {
        public Guid InstallationId { get; } = Guid.NewGuid();

        public void DeriveKey(string purpose, Span<byte> key) => HKDF.Expand(HashAlgorithmName.SHA256, new byte[32], key, Encoding.UTF8.GetBytes(purpose));
    }

    /// <summary>Blocks of five rows, an expired block, and a picture.</summary>
    private sealed class MadeUpView(int blocks) : ISpoolView
    {
        private readonly BlockRows _rows = new(new StreamSet(
            "env", "instrument.measurement", [new StreamInfo("temperature", "Cel", 0.1), new StreamInfo("pressure", "Pa", 1)], 1_000_000_000));
        private int _next;

        public bool TryRead(SpoolItem item, out HeldItem held)
        {
            held = new HeldItem("", LegalBasis.Contract, Precision.Exact, TimeSpan.FromDays(30), "h", ["vendor"], 1_800_000_000_000_000_000);
            item.Function = "telemetry";
            item.Field = "instrument.measurement";
            item.PolicyVersion = "1";
            item.Kind = SpoolItemKind.Block;
            item.Sequence = _next;
            item.Image = null;
            if (_rows.Columns.Count == 0)
            {
                for (var i = 0; i < 5; i++)
                {
                    _rows.Columns.Append(i * 1_000_000_000L, [20.5 + i, 100_000 + i], 3);
                }
            }

            item.Sets = [_rows];
            if (_next == blocks)
            {
                held = held with { Unreadable = "its retention term is over" };
            }
            else if (_next == blocks + 1)
            {
                item.Kind = SpoolItemKind.Image;
                item.Function = "photo";
                item.Image = new SpoolImage(new string('a', 32), "camera", 5, "hash", 1, null, new string('b', 32));
            }

            return _next++ < blocks + 2;
        }

        public int ReadImage(SpoolImage image, long offset, Span<byte> buffer)
        {
            byte[] content = [0xff, 0xd8, 1, 2, 3];
            var count = Math.Min(2, Math.Min(buffer.Length, content.Length - (int)offset));
            content.AsSpan((int)offset, count).CopyTo(buffer);
            return count;
        }

        public IReadOnlyList<HeldSummary> Summarize() => [];

        public void Dispose()
        {
        }
    }
}
