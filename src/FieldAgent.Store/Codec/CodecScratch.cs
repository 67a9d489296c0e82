namespace FieldAgent.Store.Codec;

/// <summary>Buffers that one encoder or decoder uses again and again; they grow to the longest column seen. One thread.</summary>
internal sealed class CodecScratch
{
    private long[] _numbers = [];
    private ulong[] _residuals = [];
    private int[] _odd = [];
    private ulong[] _oddBits = [];
    private double[] _values = [];

    public Span<long> Numbers(int length) => Grown(ref _numbers, length);

    public Span<ulong> Residuals(int length) => Grown(ref _residuals, length);

    public Span<int> Odd(int length) => Grown(ref _odd, length);

    public Span<ulong> OddBits(int length) => Grown(ref _oddBits, length);

    public Span<double> Values(int length) => Grown(ref _values, length);

    /// <summary>Overwrites what was coded last: personal data leaves no copy.</summary>
    public void Wipe()
    {
        Array.Clear(_numbers);
        Array.Clear(_residuals);
        Array.Clear(_oddBits);
        Array.Clear(_values);
    }

    private static Span<T> Grown<T>(ref T[] array, int length)
    {
        if (array.Length < length)
        {
            array = new T[Math.Max(length, array.Length * 2)];
        }

        return array.AsSpan(0, length);
    }
}
