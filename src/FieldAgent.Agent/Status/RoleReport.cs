using System.Text.Json.Serialization;
using FieldAgent.Devices;

namespace FieldAgent.Agent.Status;

/// <summary>A line for people at the board.</summary>
/// <param name="Role">What it is for: <c>consentSwitch</c>.</param>
/// <param name="Line">Its name in the configuration.</param>
/// <param name="State">Running, or what is wrong.</param>
/// <param name="Position">In a word: <c>open</c>, <c>closed</c>, <c>lit</c>, <c>dark</c>; empty when it is not known.</param>
/// <param name="Detail">Place and remedy of a fault, or what the position means; may be empty.</param>
internal sealed record RoleReport(string Role, string Line, SensorState State, string Position, string Detail)
{
    /// <summary>False when a technician should look at it.</summary>
    [JsonIgnore]
    public bool IsWell => State is SensorState.Running or SensorState.Opening;

    /// <summary>As it is now.</summary>
    /// <param name="status">The line.</param>
    /// <param name="active">The word for an active line.</param>
    /// <param name="inactive">The word for an inactive one.</param>
    /// <param name="meaning">What the position means, or that it cannot be told.</param>
    public static RoleReport Of(RoleStatus status, string active, string inactive, string meaning = "") => new(
        status.Role, status.Line, status.State, status.IsActive is { } on ? on ? active : inactive : "",
        $"{status.Detail} {meaning}".Trim());
}
