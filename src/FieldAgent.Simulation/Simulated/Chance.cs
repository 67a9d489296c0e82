namespace FieldAgent.Simulation;

/// <summary>Random numbers as a pure function of (seed, stream, row, purpose): any row can be made without those before it, and the same
/// row is always the same.</summary>
/// <param name="seed">Seed.</param>
/// <param name="stream">Number of the stream.</param>
internal readonly struct Chance(long seed, int stream)
{
    private readonly ulong _key = Mix((ulong)seed + (0x9E3779B97F4A7C15 * ((ulong)stream + 1)));

    /// <summary>Evenly spread in [0, 1).</summary>
    public double Even(long row, int purpose) => (Bits(row, purpose) >> 11) * (1.0 / (1UL << 53));

    /// <summary>Nearly normal with mean 0 and standard deviation 1, never beyond ±3.5: a sum of four evenly spread numbers.</summary>
    public double Normal(long row, int purpose)
    {
        var bits = Bits(row, purpose);
        var sum = (int)(bits & 0xFFFF) + (int)((bits >> 16) & 0xFFFF) + (int)((bits >> 32) & 0xFFFF) + (int)(bits >> 48);

        // Four numbers in 0…65535: mean 2 × 65535, variance 4 × 65536² / 12.
        return (sum - (2 * 65535)) * (1.7320508075688772 / 65536);
    }

    private ulong Bits(long row, int purpose) => Mix(_key + (0xD1B54A32D192ED03 * (((ulong)row << 3) + (ulong)purpose)));

    // The finaliser of SplitMix64 (Steele, Lea, Flood, 2014).
    private static ulong Mix(ulong x)
    {
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }
}
