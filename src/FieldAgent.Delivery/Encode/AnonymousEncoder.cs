using FieldAgent.Core;

namespace FieldAgent.Delivery;

/// <summary>Writes anonymous windows: <c>contract/anonymous.schema.json</c>. It takes nothing else. Pure.</summary>
public static class AnonymousEncoder
{
    /// <summary>The message, UTF-8.</summary>
    /// <param name="window">The window.</param>
    /// <param name="id">A random name of this one message: 26 characters of a–z and 2–7.</param>
    public static byte[] Encode(AnonymousWindow window, string id)
    {
        var buffer = new PayloadBuffer();
        buffer.Raw("{\"v\":1,\"id\":"u8);
        buffer.Text(id);
        buffer.Raw(",\"function\":"u8);
        buffer.Text(window.Function);
        buffer.Raw(",\"purposes\":["u8);
        buffer.Text(window.Purpose);
        buffer.Raw("],\"policy\":"u8);
        buffer.Text(window.PolicyVersion);
        buffer.Raw(",\"from\":"u8);
        buffer.Number(window.FromUnixS);
        buffer.Raw(",\"to\":"u8);
        buffer.Number(window.ToUnixS);
        buffer.Raw(",\"field\":"u8);
        buffer.Text(window.Field);
        buffer.Raw(",\"stream\":"u8);
        buffer.Text(window.Stream);
        buffer.Raw(",\"unit\":"u8);
        buffer.Text(window.Unit);
        var figures = window.Figures;
        buffer.Raw(",\"count\":"u8);
        buffer.Number(figures.Count);
        Value(buffer, ",\"min\":"u8, figures.Min);
        Value(buffer, ",\"mean\":"u8, figures.Mean);
        Value(buffer, ",\"max\":"u8, figures.Max);
        Value(buffer, ",\"p05\":"u8, figures.P05);
        Value(buffer, ",\"p50\":"u8, figures.P50);
        Value(buffer, ",\"p95\":"u8, figures.P95);
        buffer.Raw((byte)'}');
        return buffer.Written.ToArray();
    }

    private static void Value(PayloadBuffer buffer, ReadOnlySpan<byte> name, double value)
    {
        buffer.Raw(name);
        buffer.Advance(NumberWriter.Write(value, NumberWriter.DecimalsOf(0, value), buffer.Room(NumberWriter.BytesMax)));
    }
}
