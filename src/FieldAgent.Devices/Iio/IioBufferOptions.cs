using FieldAgent.Core.Configuration;

namespace FieldAgent.Devices;

/// <summary>How a chip is captured through the kernel's buffer.</summary>
internal static class IioBufferOptions
{
    public static readonly Option<double> Rate = Opt.Frequency(
        "rate", "Samples a second, such as \"10kHz\": the trigger's where one is named, the chip's own else; as it is when not given.", 0.01, 1e6);

    public static readonly Option<string> Trigger = Opt.Text(
        "trigger", "Name of the trigger, as in /sys/bus/iio/devices/trigger*/name; the chip's own when not given.", lengthMax: 64);

    public static readonly Option<long> Length = Opt.Integer(
        "length", "Samples that the kernel keeps until they are read; two seconds' worth when not given.", 0, 2, 1 << 20);

    public static readonly Option<long> Watermark = Opt.Integer(
        "watermark", "Samples that must wait before the agent is woken; 50 ms' worth when not given.", 0, 1, 1 << 19);

    public static readonly Option<ConfigSection?> Buffer = Opt.Section(
        "buffer", "Capture through the kernel's buffer, for vibration and other fast signals; each row has the kernel's time. 'interval' then means nothing.",
        new ConfigShape("Buffered capture.", Rate, Trigger, Length, Watermark));
}
