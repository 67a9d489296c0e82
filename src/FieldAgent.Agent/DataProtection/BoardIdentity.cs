using FieldAgent.Agent.Configuration;
using FieldAgent.Core;
using FieldAgent.Privacy;

namespace FieldAgent.Agent.DataProtection;

/// <summary>The board's names at its recipients: made when they are needed and the policy allows them (R25), never written down. Any
/// thread.</summary>
internal sealed class BoardIdentity(AgentConfig config, IKeyStore keys)
{
    private readonly Lock _lock = new();
    private Pseudonym? _pseudonym;

    /// <summary>The name at <paramref name="recipient"/> in <paramref name="epoch"/>; null while a configured supplement cannot be read.</summary>
    public string? NameAt(string recipient, int epoch) => Pseudonym(out _)?.For(recipient, epoch);

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

    // Supplements are read once a start: a name must not change while the agent runs.
    private Pseudonym? Pseudonym(out string why)
    {
        lock (_lock)
        {
            why = "";
            if (_pseudonym is not null)
            {
                return _pseudonym;
            }

            if (config.Supplements.Count == 0)
            {
                return _pseudonym = new Pseudonym(keys, Supplements.MachineId(config.DevicesRoot));
            }

            var read = new List<KeyValuePair<string, string>>();
            foreach (var supplement in Supplements.All.Where(s => config.Supplements.Contains(s.Name)))
            {
                if (supplement.Read(config.DevicesRoot) is not { } value)
                {
                    why = $"the identity's supplement '{supplement.Name}' cannot be read on this board; connect the hardware, or take it out of "
                        + "identity.supplements";
                    return null;
                }

                read.Add(new(supplement.Name, value));
            }

            return _pseudonym = new Pseudonym(keys, read);
        }
    }
}
