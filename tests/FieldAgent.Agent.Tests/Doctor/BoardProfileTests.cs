using FieldAgent.Agent.Boards;
using FieldAgent.Devices;

namespace FieldAgent.Agent.Tests;

/// <summary>The profiles are read with every member required and no unknown one allowed; here is held what that cannot say.</summary>
public sealed class BoardProfileTests
{
    [Fact]
    public void Every_profile_is_sound()
    {
        var files = Directory.GetFiles(Path.Join(Places.Repository, "hardware/boards/profiles"), "*.json").Select(Path.GetFileNameWithoutExtension).Order(StringComparer.Ordinal);
        Assert.Equal(files, BoardProfiles.All.Select(static board => board.Name));
        Assert.All(BoardProfiles.All, static board =>
        {
            Assert.NotEmpty(board.Models);
            Assert.NotEmpty(board.Sources);
            var pins = board.Header.Select(static pin => pin.Pin).ToList();
            Assert.Equal(pins.Distinct(), pins);
            Assert.All(board.I2c, bus => Assert.All(new[] { bus.Sda, bus.Scl }, pin => Assert.Contains(pin, pins)));
            Assert.All(board.Serial, line => Assert.All(new[] { line.Tx, line.Rx }, pin => Assert.Contains(pin, pins)));
            // what switches an interface on is said in one way
            Assert.All(board.Serial.Where(static line => line.Enable.Length > 0).Take(1), line => Assert.Equal(line.Enable, board.Overlays["serial"]));
            Assert.All(board.I2c.Where(static bus => bus.Enable.Length > 0).Take(1), bus => Assert.Equal(bus.Enable, board.Overlays["i2c"]));
            var labels = board.Gpio.Select(static gpio => gpio.Label).ToList();
            var lines = board.Header.Where(static pin => pin.Offset is not null).ToList();
            Assert.All(lines, pin => Assert.True(labels.Count == 1 ? pin.Chip.Length == 0 : labels.Contains(pin.Chip), pin.Pin));
            Assert.Equal(lines.Count, lines.Select(static pin => (pin.Chip, pin.Offset)).Distinct().Count());
            Assert.All(board.Header.Where(static pin => pin.Offset is null), static pin => Assert.Contains(pin.Name, new[] { "3V3", "5V", "GND" }));
            Assert.All(board.Overlays.Keys, static key => Assert.True(
                key is "i2c" or "serial" or "w1" || I2cSurvey.IsKnown(key) || key is "tmp102" or "lm75", $"{key} is neither a chip nor an interface"));
        });
    }

    [Theory]
    [InlineData("Raspberry Pi 3 Model B Rev 1.2", "raspberry-pi-3")]
    [InlineData("Raspberry Pi 3 Model B Plus Rev 1.3", "raspberry-pi-3")]
    [InlineData("Raspberry Pi 4 Model B Rev 1.4", "raspberry-pi-4")]
    [InlineData("Raspberry Pi 5 Model B Rev 1.0", "raspberry-pi-5")]
    [InlineData("Raspberry Pi Zero 2 W Rev 1.0", "raspberry-pi-zero-2-w")]
    [InlineData("OrangePi Zero3", "orange-pi-zero-3")]
    [InlineData("TI AM335x BeagleBone Black", "beaglebone-black")]
    [InlineData("Raspberry Pi Compute Module 4 Rev 1.0", null)]
    [InlineData("", null)]
    public void The_device_tree_tells_the_board(string model, string? name)
    {
        using var folder = new TempFolder();
        folder.Write("proc/device-tree/model", model + "\0");
        Assert.Equal(name, BoardProfiles.Of(BoardProfiles.ModelOf(folder.Path))?.Name);
        Assert.True(BoardProfiles.All.Count(board => board.Models.Any(known => model.StartsWith(known, StringComparison.Ordinal))) <= 1);
    }

    [Fact]
    public void The_command_lists_and_shows_them()
    {
        var (code, text, _) = AgentProcess.Run("boards");
        Assert.Equal(0, code);
        Assert.All(BoardProfiles.All, board => Assert.Contains(board.Name, text, StringComparison.Ordinal));
        (code, text, _) = AgentProcess.Run("boards", "show", "raspberry-pi-5");
        Assert.Equal(0, code);
        Assert.Contains("pinctrl-rp1", text, StringComparison.Ordinal);
        Assert.Contains("GPIO17", text, StringComparison.Ordinal);
        Assert.Equal(64, AgentProcess.Run("boards", "show", "toaster").ExitCode);
    }
}
