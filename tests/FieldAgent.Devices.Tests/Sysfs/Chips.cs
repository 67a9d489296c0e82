namespace FieldAgent.Devices.Tests;

/// <summary>Kernel trees as their drivers lay them out.</summary>
internal static class Chips
{
    private const string Iio = "sys/bus/iio/devices/";
    private const string Hwmon = "sys/class/hwmon/";

    /// <summary>bmp280-i2c driving a BME280, with the datasheet's sample values (Bosch BST-BME280-DS002, section 4.2.3).</summary>
    public static string Bme280(this TempFolder root, int number = 0, string? label = null)
    {
        var folder = $"{Iio}iio:device{number}/";
        root.Write(folder + "name", "bme280\n");
        root.Write(folder + "in_temp_input", "25080\n");
        root.Write(folder + "in_pressure_input", "100.653270000\n");
        root.Write(folder + "in_humidityrelative_input", "46875\n");
        root.Write(folder + "in_temp_oversampling_ratio", "2\n");
        root.Write(folder + "in_temp_oversampling_ratio_available", "1 2 4 8 16\n");
        root.Write(folder + "uevent", "DEVTYPE=iio_device\n");
        root.Write(folder + "buffer/enable", "0\n");
        if (label is not null)
        {
            root.Write(folder + "label", label + "\n");
        }

        return root.File(folder);
    }

    /// <summary>ti-ads1015: raw counts, one scale file a gain setting, differential channels.</summary>
    public static string Ads1015(this TempFolder root, int number = 1)
    {
        var folder = $"{Iio}iio:device{number}/";
        root.Write(folder + "name", "ads1015\n");
        root.Write(folder + "in_voltage0_raw", "1234\n");
        root.Write(folder + "in_voltage0_scale", "1.000000\n");
        root.Write(folder + "in_voltage1_raw", "-7\n");
        root.Write(folder + "in_voltage0-voltage1_raw", "100\n");
        root.Write(folder + "in_voltage-voltage_scale", "0.125000000\n");
        root.Write(folder + "in_voltage_scale", "2.000000\n");
        root.Write(folder + "in_voltage_scale_available", "3.000000 2.000000 1.000000\n");
        root.Write(folder + "sampling_frequency", "1600\n");
        return root.File(folder);
    }

    public static string Lm75(this TempFolder root, int number = 0, string milliCelsius = "23500")
    {
        var folder = $"{Hwmon}hwmon{number}/";
        root.Write(folder + "name", "lm75\n");
        root.Write(folder + "temp1_input", milliCelsius + "\n");
        root.Write(folder + "temp1_max", "80000\n");
        root.Write(folder + "temp1_max_hyst", "75000\n");
        root.Write(folder + "update_interval", "100\n");
        return root.File(folder);
    }

    public static string Coretemp(this TempFolder root, int number = 1)
    {
        var folder = $"{Hwmon}hwmon{number}/";
        root.Write(folder + "name", "coretemp\n");
        for (var i = 1; i <= 10; i++)
        {
            root.Write($"{folder}temp{i}_input", $"{40000 + i}\n");
            root.Write($"{folder}temp{i}_label", i == 1 ? "Package id 0\n" : $"Core {i - 2}\n");
            root.Write($"{folder}temp{i}_crit_alarm", "0\n");
        }

        return root.File(folder);
    }
}
