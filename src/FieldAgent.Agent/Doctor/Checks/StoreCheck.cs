namespace FieldAgent.Agent.Doctor.Checks;

/// <summary>Whether what is stored is whole.</summary>
internal sealed class StoreCheck : ICheck
{
    /// <inheritdoc/>
    public string Group => "store";

    /// <inheritdoc/>
    public IEnumerable<Finding> Look(DoctorView view)
    {
        if (view.Config is not { } config)
        {
            yield break;
        }

        var place = config.StateDirectory;
        if (view.Status is { } status)
        {
            yield return status.Store.Trouble.Length > 0
                ? Finding.Fail("store.trouble", place, status.Store.Trouble, "see the findings of 'disk', and the kernel log for errors of the card")
                : Finding.Ok("store.open", place, status.Store.Opened);
            if (status.Account is { ChainTrouble: { Length: > 0 } broken })
            {
                yield return Finding.Fail("store.audit", "audit log", broken, "fieldagent audit verify, and find out who changed it");
            }

            foreach (var incident in status.Account?.Incidents ?? [])
            {
                yield return Finding.Fail("store.incident", $"incident {incident.Id}", incident.Situation, incident.Remedy);
            }

            yield break;
        }

        if (view.IsAgentStopped)
        {
            var look = view.Store;
            yield return look.Damage.Length > 0
                    ? Finding.Fail("store.damaged", place, $"the database is damaged: {look.Damage}", "start the agent: it sets it aside and begins a new one; replace the card if it happens again")
                : look.Trouble.Length > 0
                    ? Finding.Fail("store.closed", place, look.Trouble, "put right what it names")
                : look.NeedsService
                    ? Finding.Warn("store.sealed", place, "whole; its root key comes with the service, so nothing more can be seen", "systemctl start fieldagent, and look again")
                : Finding.Ok("store.whole", place, look.Exists ? "the database is whole" : "nothing is stored yet");
        }
    }
}
