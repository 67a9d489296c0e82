namespace FieldAgent.Board.Tests;

/// <summary>Puts the state of an installed agent on a card of its own, which can be made to stop in the middle of a write, and shortens how long
/// systemd looks on. Disposed, the state is back in its place.</summary>
internal sealed class FrozenCard : IDisposable
{
    private readonly ServiceBoard _board;
    private bool _isFrozen;

    public FrozenCard(ServiceBoard board)
    {
        _board = board;
        _board.Must("""
            set -e
            systemctl stop fieldagent.service
            modprobe loop
            truncate -s 128M /root/card
            mkfs.ext4 -q /root/card
            mount -o loop /root/card /mnt
            cp -a /var/lib/fieldagent/. /mnt
            umount /mnt
            mount -o loop /root/card /var/lib/fieldagent
            mkdir -p /run/systemd/system/fieldagent.service.d
            printf '[Service]\nWatchdogSec=15\nTimeoutStopSec=5\nRestartSec=1\n' >/run/systemd/system/fieldagent.service.d/short.conf
            systemctl daemon-reload
            systemctl start fieldagent.service
            """);
    }

    /// <summary>From now on whoever writes waits.</summary>
    public void Freeze()
    {
        _isFrozen = true;
        _board.Must("fsfreeze -f /var/lib/fieldagent");
    }

    /// <summary>The writes go on.</summary>
    public void Thaw()
    {
        _board.Must("fsfreeze -u /var/lib/fieldagent");
        _isFrozen = false;
    }

    public void Dispose()
    {
        if (_isFrozen)
        {
            Thaw();
        }

        _board.Must("""
            set -e
            systemctl stop fieldagent.service
            umount /var/lib/fieldagent
            mount -o loop /root/card /mnt
            rm -rf /mnt/lost+found
            find /var/lib/fieldagent -mindepth 1 -delete
            cp -a /mnt/. /var/lib/fieldagent
            umount /mnt
            rm -rf /root/card /run/systemd/system/fieldagent.service.d
            systemctl daemon-reload
            systemctl start fieldagent.service
            """);
    }
}
