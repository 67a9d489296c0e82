namespace FieldAgent.Board.Tests;

/// <summary>What the chips of the board's I2C bus hold, and the lines of bash that put it there and bind the kernel's drivers.</summary>
internal static class BusChips
{
    /// <summary><c>put ADDRESS REGISTER BYTES</c>; a chip with registers of two bytes has register n at 2n.</summary>
    public const string Put = """
        put() { printf "$(echo "$3" | tr -d ' ' | sed 's/../\\x&/g')" | dd of=/sys/kernel/debug/fieldagent-i2c/$1 bs=1 seek=$(($2)) conv=notrunc status=none; }
        """;

    /// <summary><c>fault NAME VALUE</c>: a fault of the bus.</summary>
    public const string Fault = "fault() { echo $2 >/sys/module/fieldagent_i2c/parameters/$1; }\n";

    /// <summary>The chips' registers.</summary>
    /// <remarks>
    /// BME280 (0x76): calibration and raw values of the BMP280's data sheet (BST-BMP280-DS001, 3.12), which give 25.08 °C and 100,653 Pa, and a
    /// made-up calibration of the humidity in every register of BST-BME280-DS002, 4.2.2.
    /// LM75B (0x48): 0x1960 = 203 steps of 0.125 °C. ADS1015 (0x49): code 1,200 of 2,048 for 2.048 V (SBAS473).
    /// INA219 (0x40): 15 mV of shunt voltage in steps of 10 µV, 12 V in steps of 4 mV above three flags, 18 W and 1.5 A behind 10 mΩ (SBOS448).
    /// </remarks>
    public const string Content = Put + """

        put 76 0xd0 60
        put 76 0x88 '706b4367 18fc7d8e 43d6d00b 270b8c00 f9ff8c3c f8c67017'
        put 76 0xa1 4b
        put 76 0xe1 '6a0100 132903 1e'
        put 76 0xf7 '655ac0 7eed00 6e80'
        put 48 0 1960
        put 49 0 4b00
        put 40 2 '05dc 5dc0 0384 05dc'

        """;

    /// <summary>Binds the drivers.</summary>
    public const string Drivers = """
        bus=$(readlink /run/i2c-bus)
        number=${bus##*-}
        modprobe -a bmp280-i2c lm75 ti-ads1015 ina2xx-adc
        new() { echo $1 $2 >/sys/bus/i2c/devices/i2c-$number/new_device; }
        new bme280 0x76
        new lm75b 0x48
        new ads1015 0x49
        new ina219 0x40
        # as the service's udev rules do
        awake() { for chip in /sys/bus/i2c/devices/$number-00*; do echo $1 >$chip/power/control; done; }
        awake on

        """;
}
