using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using FieldAgent.Agent.Boards;
using FieldAgent.Agent.Status;

namespace FieldAgent.Agent.Cli;

/// <summary><c>fieldagent boards [show NAME]</c>: the boards that are known, and their pins.</summary>
internal static class BoardsCommand
{
    public static Command Create()
    {
        var root = new Option<string>("--root") { Description = "Prefix of /proc, to detect the board.", HelpName = "DIR", DefaultValueFactory = static _ => "/" };
        var json = CommonOptions.Json();
        var command = new Command("boards", "Lists the boards that are known, and which one this is.") { root, json, Show() };
        command.SetAction(parsed =>
        {
            var here = BoardProfiles.Of(BoardProfiles.ModelOf(parsed.GetRequiredValue(root)));
            if (parsed.GetValue(json))
            {
                foreach (var board in BoardProfiles.All)
                {
                    Console.Out.WriteLine(JsonSerializer.Serialize(board, BoardJson.Default.BoardProfile));
                }

                return ExitCode.Ok;
            }

            TextTable.Write(Console.Out, [.. BoardProfiles.All.Select(board => new[]
            {
                board == here ? "*" : "", board.Name, board.Title, string.Join(", ", board.Gpio.Select(static g => g.Label)),
                string.Join(", ", board.I2c.Select(static bus => bus.Bus)), string.Join(", ", board.Serial.Select(static line => line.Device)),
            })], indent: 0);
            Console.Out.WriteLine(here is null ? "this board is none of them; 'fieldagent doctor' looks at it all the same" : "* this board");
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command Show()
    {
        var name = new Argument<string>("name") { Description = "The board's name." };
        var json = CommonOptions.Json();
        var show = new Command("show", "Shows one board: buses, overlay lines, and the header pin by pin.") { name, json };
        show.SetAction(parsed =>
        {
            var wanted = parsed.GetRequiredValue(name);
            if (BoardProfiles.All.FirstOrDefault(one => one.Name == wanted) is not { } board)
            {
                return CommandLine.Fail(ExitCode.Usage, $"'{wanted}' is no known board; there are: {string.Join(", ", BoardProfiles.All.Select(static b => b.Name))}");
            }

            if (parsed.GetValue(json))
            {
                Console.Out.WriteLine(JsonSerializer.Serialize(board, BoardJson.Default.BoardProfile));
            }
            else
            {
                Write(board, Console.Out);
            }

            return ExitCode.Ok;
        });
        return show;
    }

    private static void Write(BoardProfile board, TextWriter output)
    {
        output.WriteLine(board.Title);
        TextTable.Write(output,
        [
            .. board.Gpio.Select(static gpio => new[] { "gpio", gpio.Label, "", "", gpio.About }),
            .. board.I2c.Select(static bus => new[] { "i2c", bus.Bus, $"SDA pin {bus.Sda}, SCL pin {bus.Scl}", bus.Enable, bus.About }),
            .. board.Serial.Select(static line => new[] { "serial", line.Device, $"TX pin {line.Tx}, RX pin {line.Rx}", line.Enable, line.About }),
            ["camera", board.Camera.Command, "", board.Camera.Enable, board.Camera.About],
        ]);
        output.WriteLine($"lines for {board.BootFile}");
        TextTable.Write(output, [.. board.Overlays.Select(static line => new[] { line.Key, line.Value })]);
        output.WriteLine("header");
        TextTable.Write(output,
        [
            ["pin", "name", "line", "number", "chip", "also"],
            .. board.Header.Select(static pin => new[]
            {
                pin.Pin, pin.Name, pin.Line, pin.Offset?.ToString(CultureInfo.InvariantCulture) ?? "", pin.Chip, pin.Also,
            }),
        ]);
    }
}
