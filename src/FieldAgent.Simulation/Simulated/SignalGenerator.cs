namespace FieldAgent.Simulation;

/// <summary>The values of one simulated stream, row by row. The same plan, seed and rows give the same values; rows may be left out, and
/// the later ones stay what they would have been. One thread; no allocation.</summary>
internal sealed class SignalGenerator
{
    private const int ForNoise = 0;
    private const int ForDropout = 1;
    private const int ForStuck = 2;
    private const int ForSpike = 3;
    private const int ForStep = 4;

    /// <summary>Part of a walk's distance that each step gives back, so that it stays within some 16 steps of its offset.</summary>
    private const double WalkReturn = 0.002;

    private readonly SignalPlan _plan;
    private readonly Chance _chance;
    private readonly long _intervalNs;
    private readonly long _stuckRows;
    private readonly bool _hasFaults;
    private double _walk;
    private long _row = -1;
    private long _stuckUntilRow;
    private double _stuckValue;

    public SignalGenerator(SignalPlan plan, long seed, int stream, long intervalNs)
    {
        _plan = plan;
        _chance = new Chance(seed, stream);
        _intervalNs = intervalNs;
        _stuckRows = Math.Max(1, plan.StuckNs / intervalNs);
        _hasFaults = plan.Dropout > 0 || plan.Stuck > 0 || plan.Spike > 0;
    }

    /// <summary>The value of row <paramref name="row"/>, which must be above the one asked for before.</summary>
    /// <returns>False when it is absent.</returns>
    public bool Next(long row, out double value)
    {
        if (!_hasFaults && _plan.Waveform != Waveform.Walk)
        {
            _row = row;
            value = Healthy(row);
            return true;
        }

        // A walk and a stuck value depend on the rows before: go through those left out as well.
        while (_row < row - 1)
        {
            Step(_row + 1, out _);
        }

        return Step(row, out value);
    }

    private bool Step(long row, out double value)
    {
        _row = row;
        if (_plan.Waveform == Waveform.Walk)
        {
            _walk += (_plan.Amplitude * _chance.Normal(row, ForStep)) - (WalkReturn * _walk);
        }

        if (row < _stuckUntilRow)
        {
            value = _stuckValue;
        }
        else
        {
            value = Healthy(row);
            if (_plan.Stuck > 0 && _chance.Even(row, ForStuck) < _plan.Stuck)
            {
                _stuckValue = value;
                _stuckUntilRow = row + _stuckRows;
            }
            else if (_plan.Spike > 0 && _chance.Even(row, ForSpike) is var draw && draw < _plan.Spike)
            {
                value = Round(value + (draw < _plan.Spike / 2 ? _plan.SpikeSize : -_plan.SpikeSize));
            }
        }

        return _plan.Dropout <= 0 || _chance.Even(row, ForDropout) >= _plan.Dropout;
    }

    private double Healthy(long row)
    {
        var elapsedNs = row * _intervalNs;
        var phase = (double)(elapsedNs % _plan.PeriodNs) / _plan.PeriodNs;
        var value = _plan.Waveform switch
        {
            Waveform.Sine => _plan.Offset + (_plan.Amplitude * Math.Sin(Math.Tau * phase)),
            Waveform.Ramp => _plan.Offset + (_plan.Amplitude * phase),
            Waveform.Walk => _plan.Offset + _walk,
            Waveform.Steps => _plan.Offset + (_plan.Amplitude * ((2 * _chance.Even(elapsedNs / _plan.PeriodNs, ForStep)) - 1)),
            Waveform.Pulses => phase < 0.1 ? _plan.Offset + _plan.Amplitude : _plan.Offset,
            _ => _plan.Offset,
        };
        return Round(_plan.Noise > 0 ? value + (_plan.Noise * _chance.Normal(row, ForNoise)) : value);
    }

    private double Round(double value) => _plan.Info.Scale > 0 ? Math.Round(value / _plan.Info.Scale) * _plan.Info.Scale : value;
}
