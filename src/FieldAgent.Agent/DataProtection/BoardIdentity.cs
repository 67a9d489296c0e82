using FieldAgent.Agent.Configuration;
using FieldAgent.Core;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.DataProtection;

/// <summary>The board's names at its recipients: made when they are needed and the policy allows them (R25). Any thread.</summary>
internal sealed class BoardIdentity(AgentConfig config, IKeyStore keys, Gate gate)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, string> _read = new(StringComparer.Ordinal);
    private string? _machineId;

    /// <summary>The supplements that are configured and permitted: one that is refused is left out, and the board has a name all the
    /// same. A refusal for now changes no name: with another one the board would be another device (R21).</summary>
    public IReadOnlyList<string> Supplements =>
        [.. config.Supplements.Where(name => gate.Decide(Stage.Collect, Vocabulary.SupplementFunction, "device." + name).Keeps)];

    /// <summary>The name at <paramref name="recipient"/> in the present epoch; null while a supplement cannot be read.</summary>
    public string? NameAt(string recipient) => Pseudonym(out _)?.For(recipient);

    /// <summary>The key that hides internal ids from <paramref name="recipient"/> in the present epoch.</summary>
    public byte[] TagKey(string recipient) => Privacy.Pseudonym.TagKey(keys, recipient);

    /// <summary>Why there is no name, in a technician's words; empty when there is one.</summary>
    public string Trouble
    {
        get
        {
            _ = Pseudonym(out var why);
            return why;
        }
    }

    private Pseudonym? Pseudonym(out string why)
    {
        why = "";
        lock (_lock)
        {
            if (Supplements is not { Count: > 0 } names)
            {
                return new Pseudonym(keys, _machineId ??= Privacy.Supplements.MachineId(config.DevicesRoot));
            }

            // Read once a start: a name must not change because a plug was pulled.
            foreach (var name in names.Where(name => !_read.ContainsKey(name)))
            {
                if (Privacy.Supplements.All.First(s => s.Name == name).Read(config.DevicesRoot) is not { } value)
                {
                    why = $"the identity's supplement '{name}' cannot be read on this board; connect the hardware, or take it out of "
                        + "identity.supplements";
                    return null;
                }

                _read.Add(name, value);
            }

            return new Pseudonym(keys, [.. names.Select(name => new KeyValuePair<string, string>(name, _read[name]))]);
        }
    }
}
