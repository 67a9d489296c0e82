namespace FieldAgent.Devices;

/// <summary>How a number becomes a value: <c>(number + Offset) × Gain + Add</c>, in the stream's unit.</summary>
/// <param name="Offset">Added to the number first (IIO's <c>_offset</c>).</param>
/// <param name="Gain">The chip's scale, times the conversion to the unit, times the configured factor.</param>
/// <param name="Add">Shift, in the unit.</param>
internal readonly record struct LinearConversion(double Offset, double Gain, double Add);

/// <summary>A conversion that puts values on the grid of their step, so that they are stored as whole numbers.</summary>
internal readonly struct StepConversion
{
    /// <summary>Decimals of a number that lies on no grid.</summary>
    public const int Unknown = -1;

    private readonly LinearConversion _conversion;
    private readonly bool _isWholeSteps;

    /// <summary>A conversion.</summary>
    /// <param name="conversion">Number to value.</param>
    /// <param name="step">The configured step, or 0 to find it out.</param>
    /// <param name="decimals">Digits behind the point of the numbers; <see cref="Unknown"/>: values stay as they are without a step.</param>
    public StepConversion(in LinearConversion conversion, double step, int decimals)
    {
        var unitStep = decimals == Unknown ? 0
            : Math.Abs(conversion.Gain) * Math.Pow(10, -Math.Min(decimals, DeviceLimits.SysfsDecimalsMax));

        // A whole number plus a whole offset is a whole number of steps: stored as that number. Else the values do not lie on the
        // converter's grid, and a decimal grid at least ten times as fine stands in for it.
        _isWholeSteps = step == 0 && decimals == 0 && conversion.Add == 0 && double.IsInteger(conversion.Offset);
        Step = step > 0 ? step
            : _isWholeSteps || (conversion.Add == 0 && conversion.Offset == 0) ? unitStep
            : unitStep > 0 ? Math.Pow(10, Math.Floor(Math.Log10(unitStep / 10)))
            : 0;
        _conversion = _isWholeSteps ? conversion with { Gain = Math.Sign(conversion.Gain) } : conversion;
    }

    /// <summary>The step of the values; 0 when there is none.</summary>
    public double Step { get; }

    /// <summary>The value of a number; no allocation.</summary>
    public double Convert(double number)
    {
        var exact = ((number + _conversion.Offset) * _conversion.Gain) + _conversion.Add;
        return _isWholeSteps ? exact * Step : Step > 0 ? Math.Round(exact / Step) * Step : exact;
    }
}
