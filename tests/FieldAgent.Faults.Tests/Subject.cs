using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using FieldAgent.Core;
using FieldAgent.Devices;
using FieldAgent.Privacy;

namespace FieldAgent.Faults.Tests;

/// <summary>A person with a key, who asks over MQTT.</summary>
internal sealed class Subject : IDeviceSigner, IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public string Pem => _key.ExportSubjectPublicKeyInfoPem();

    public string KeyId => DeviceSigner.KeyIdOf(_key.ExportSubjectPublicKeyInfo());

    public ReadOnlyMemory<byte> PublicKey => _key.ExportSubjectPublicKeyInfo();

    public byte[] Sign(ReadOnlySpan<byte> data) => _key.SignData(data, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);

    /// <summary>A signed request inside the command that carries it.</summary>
    public string Command(string id, string device, string nonce, string kind = "access", string? function = null, string? field = null, string? text = null)
    {
        var document = new JsonObject
        {
            ["type"] = "privacy-request",
            ["kind"] = kind,
            ["device"] = device,
            ["nonce"] = nonce,
            ["expires"] = ClockExtensions.ToDate(new LinuxClock().Now().WallUnixNs + (86_400L * 1_000_000_000)).ToString("O", CultureInfo.InvariantCulture),
        };
        foreach (var (name, value) in new[] { ("function", function), ("field", field), ("text", text) })
        {
            if (value is not null)
            {
                document[name] = value;
            }
        }

        return Command(id, Encoding.UTF8.GetString(SignedDocument.Sign(this, document)));
    }

    /// <summary>A command that carries anything.</summary>
    public static string Command(string id, string document) =>
        new JsonObject { ["id"] = id, ["expires"] = "2100-01-01T00:00:00Z", ["document"] = document }.ToJsonString();

    public void Dispose() => _key.Dispose();
}
