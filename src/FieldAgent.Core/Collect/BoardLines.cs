namespace FieldAgent.Core;

/// <summary>A GPIO line that a part of the configuration takes for itself.</summary>
/// <param name="Chip">Label, name or path of its chip; empty where the line's name says enough.</param>
/// <param name="Line">Its name (<c>GPIO17</c>), or its number on the chip.</param>
public readonly record struct BoardLine(string Chip, string Line)
{
    /// <summary>True when both name one line; a chip that is not given may be any.</summary>
    public bool Clashes(BoardLine other) => Line == other.Line && (Chip == other.Chip || Chip.Length == 0 || other.Chip.Length == 0);
}

/// <summary>A lamp that shows people that a camera is open (R59, R60). Any thread.</summary>
public interface IIndicator
{
    /// <summary>Lights the lamp; to be called before the camera is opened. Several may hold it lit at once. Does not block on anything but
    /// the line.</summary>
    /// <returns>The lamp stays lit until it is disposed, after the camera was closed.</returns>
    /// <exception cref="SensorFault">The lamp cannot be lit: the camera must not be opened. Worth a retry.</exception>
    ILitIndicator Light();
}

/// <summary>A lamp that is lit for one use of a camera. Disposing puts it out, unless another use holds it.</summary>
public interface ILitIndicator : IDisposable
{
    /// <summary>Cancelled when the lamp went out by itself, as with its chip unplugged: the camera must be closed at once.</summary>
    CancellationToken Lost { get; }
}
