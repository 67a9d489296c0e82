using FieldAgent.Core;
using FieldAgent.Devices.Linux;

namespace FieldAgent.Devices;

/// <summary>A camera's program that was killed and hangs inside the driver, with the camera open: the lamp stays lit until it is gone. Waits on a
/// thread of its own.</summary>
internal sealed class HangingCamera
{
    private const int StackBytes = 64 * 1024;

    private readonly ChildRemains _remains;
    private readonly ILitIndicator? _lit;
    private volatile bool _isGone;

    /// <summary>Takes both over.</summary>
    public HangingCamera(ChildRemains remains, ILitIndicator? lit)
    {
        (_remains, _lit) = (remains, lit);
        new Thread(Wait, StackBytes) { IsBackground = true, Name = "hanging camera" }.Start();
    }

    /// <summary>True when it is gone, and the lamp out.</summary>
    public bool IsGone => _isGone;

    private void Wait()
    {
        _remains.WaitGone(-1);
        _remains.Dispose();
        _lit?.Dispose();
        _isGone = true;
    }
}
