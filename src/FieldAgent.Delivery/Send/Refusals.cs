namespace FieldAgent.Delivery;

/// <summary>What to do with a message that the broker refused.</summary>
internal enum RefusalVerdict
{
    /// <summary>The broker has no room: nothing is sent for a while, then it is tried again. Never given up: it is not the message's fault.</summary>
    Throttle,

    /// <summary>The broker does not let us write this topic: its function waits until an administrator changes that.</summary>
    Hold,

    /// <summary>No reason named: this message waits, and is given up after a bounded number of attempts.</summary>
    Retry,

    /// <summary>The message itself is wrong and always will be.</summary>
    GiveUp,
}

/// <summary>Reason codes of PUBACK (MQTT 5, table 3-4).</summary>
internal static class Refusals
{
    /// <summary>What reason <paramref name="code"/> (0x80 and above) means for the message.</summary>
    public static RefusalVerdict Judge(int code) => code switch
    {
        0x87 => RefusalVerdict.Hold,
        0x90 or 0x95 or 0x99 => RefusalVerdict.GiveUp,
        0x97 => RefusalVerdict.Throttle,
        _ => RefusalVerdict.Retry,
    };

    /// <summary>The code in a technician's words.</summary>
    public static string Describe(int code) => code switch
    {
        0x80 => "unspecified error",
        0x83 => "implementation specific error",
        0x87 => "not authorized: allow this client to publish there in the broker's access rules",
        0x90 => "topic name invalid",
        0x91 => "packet identifier in use",
        0x95 => "packet too large",
        0x97 => "quota exceeded: the broker has no room",
        0x99 => "payload format invalid",
        _ => "refused",
    };
}
