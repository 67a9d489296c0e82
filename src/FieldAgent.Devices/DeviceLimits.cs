namespace FieldAgent.Devices;

/// <summary>The limits of what is read from devices and files, each with the reason for it.</summary>
public static class DeviceLimits
{
    /// <summary>Largest photograph, bytes: a 64-megapixel camera's JPEG stays below; a larger file would cost more memory than a
    /// small board has to spare.</summary>
    public const int PhotoBytesMax = 16 << 20;

    /// <summary>Most pixels of a picture that is decoded to be masked: at three bytes each, 48 MiB, a quarter of what the service may use.</summary>
    public const int DecodedPixelsMax = 16 << 20;

    /// <summary>Files looked at in a folder of photographs; a folder with more is not one of photographs for a demonstration.</summary>
    public const int PhotoFilesMax = 10_000;

    /// <summary>Longest line of a replayed file, bytes: time, a name of 40 characters and a number need less than 100.</summary>
    public const int ReplayLineBytesMax = 1_024;

    /// <summary>Lines searched for stream names when none are declared: a stream that first appears later must be declared.</summary>
    public const int ReplayDiscoverLinesMax = 200_000;

    /// <summary>Malformed lines that are named by number; the rest is only counted.</summary>
    public const int ReplayLinesNamedMax = 5;

    /// <summary>Longest text of one sysfs value, bytes: the kernel prints numbers of at most about 30 characters.</summary>
    public const int SysfsValueBytesMax = 128;

    /// <summary>Entries looked at in one sysfs folder; a chip with more channels does not exist.</summary>
    public const int SysfsEntriesMax = 4_096;

    /// <summary>Decimals kept of a value that the kernel has scaled already: it prints up to nine, sensors resolve fewer, and each
    /// costs 3.3 bits a reading.</summary>
    public const int SysfsDecimalsMax = 6;

    /// <summary>Longest line of a technician's own program, bytes: a reading with every member needs less than 200.</summary>
    public const int ExecLineBytesMax = 1_024;

    /// <summary>Largest program of a technician's own, bytes: it is hashed at each start, which takes a small board a second then.</summary>
    public const int ExecProgramBytesMax = 64 << 20;

    /// <summary>Bytes read of a file with a fact; <c>os-release</c> has less than one kilobyte.</summary>
    public const int FactBytesMax = 16 << 10;

    /// <summary>Characters kept of a fact: the longest model's name of a Raspberry Pi has 40.</summary>
    public const int FactLengthMax = 128;

    /// <summary>Time to find the address of an instrument's name: a name server of the same network answers within milliseconds, and the resolver
    /// asks again after five seconds.</summary>
    public static readonly TimeSpan NameLookUpMax = TimeSpan.FromSeconds(6);

    /// <summary>Bytes read of a text of /proc for one number; <c>meminfo</c> has less than 2 KiB.</summary>
    public const int ProcBytesMax = 4096;
}
