using System.Runtime.InteropServices;

namespace FieldAgent.Devices.Gpio;

/// <summary>The character device of GPIO chips, uAPI version 2: the same layout on 64 and 32 bit.
/// Source: include/uapi/linux/gpio.h, Documentation/userspace-api/gpio/chardev.rst.</summary>
internal static unsafe class GpioUapi
{
    public const nuint GetChipInfo = 0x8044b401;
    public const nuint GetLineInfo = 0xc100b405;
    public const nuint GetLine = 0xc250b407;
    public const nuint GetValues = 0xc010b40e;
    public const nuint SetValues = 0xc010b40f;

    public const ulong FlagUsed = 1 << 0;
    public const ulong FlagActiveLow = 1 << 1;
    public const ulong FlagInput = 1 << 2;
    public const ulong FlagOutput = 1 << 3;
    public const ulong FlagEdgeRising = 1 << 4;
    public const ulong FlagEdgeFalling = 1 << 5;
    public const ulong FlagOpenDrain = 1 << 6;
    public const ulong FlagOpenSource = 1 << 7;
    public const ulong FlagPullUp = 1 << 8;
    public const ulong FlagPullDown = 1 << 9;
    public const ulong FlagNoBias = 1 << 10;

    public const uint AttributeFlags = 1;
    public const uint AttributeOutputValues = 2;
    public const uint AttributeDebounce = 3;
    public const uint EventRising = 1;

    public const int NameBytes = 32;
    public const int LinesMax = 64;
    public const int AttributesMax = 10;

    /// <summary>struct gpiochip_info, 68 bytes.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct ChipInfo
    {
        public fixed byte Name[NameBytes];
        public fixed byte Label[NameBytes];
        public uint Lines;
    }

    /// <summary>struct gpio_v2_line_info, 256 bytes.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct LineInfo
    {
        public fixed byte Name[NameBytes];
        public fixed byte Consumer[NameBytes];
        public uint Offset;
        public uint AttributeCount;
        public ulong Flags;
        public fixed ulong Attributes[AttributesMax * 2];
        public fixed uint Padding[4];
    }

    /// <summary>struct gpio_v2_line_config_attribute, 24 bytes.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct ConfigAttribute
    {
        public uint Id;
        public uint Padding;
        public ulong Value;
        public ulong Mask;
    }

    /// <summary>struct gpio_v2_line_config, 272 bytes.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct LineConfig
    {
        public ulong Flags;
        public uint AttributeCount;
        public fixed uint Padding[5];
        public AttributeArray Attributes;
    }

    /// <summary>Ten attributes.</summary>
    [System.Runtime.CompilerServices.InlineArray(AttributesMax)]
    public struct AttributeArray
    {
        private ConfigAttribute _first;
    }

    /// <summary>struct gpio_v2_line_request, 592 bytes.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct LineRequest
    {
        public fixed uint Offsets[LinesMax];
        public fixed byte Consumer[NameBytes];
        public LineConfig Config;
        public uint LineCount;
        public uint EventBufferSize;
        public fixed uint Padding[5];
        public int Fd;
    }

    /// <summary>struct gpio_v2_line_values, 16 bytes.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct LineValues
    {
        public ulong Bits;
        public ulong Mask;
    }

    /// <summary>struct gpio_v2_line_event, 48 bytes.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct LineEvent
    {
        public ulong TimestampNs;
        public uint Id;
        public uint Offset;
        public uint Sequence;
        public uint LineSequence;
        public fixed uint Padding[6];
    }
}
