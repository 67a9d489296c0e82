// SPDX-License-Identifier: GPL-2.0
/*
 * An IIO chip (name fieldagent-iio) that samples at an exact rate into a FIFO of its own, as fast accelerometers do, for tests. (The kernel's
 * dummy takes a sample when a timer fires, which an emulated processor does some thousand times a second at most.)
 *
 * Its channel count0 is the number of the sample since the capture began, from 0: what is missing shows by itself. A thread empties the
 * FIFO every 10 ms into the kernel's buffer, each sample with the time at which it was due.
 *
 * in_count0 .../sampling_frequency: samples a second. Parameters made (samples since the capture began) and dropped (those that found the
 * kernel's buffer full).
 */
#include <linux/delay.h>
#include <linux/iio/buffer.h>
#include <linux/iio/iio.h>
#include <linux/iio/kfifo_buf.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/platform_device.h>

#define LOOK_US 10000
#define RATE_MAX 1000000

static uint made;
module_param(made, uint, 0444);
static uint dropped;
module_param(dropped, uint, 0444);

static struct platform_device *device;
static struct iio_dev *chip;
static struct task_struct *thread;
static int rate = 10000;

static int sample(void *unused)
{
	struct {
		u32 count;
		s64 time __aligned(8);
	} scan = { 0 };
	s64 since = iio_get_time_ns(chip);

	while (!kthread_should_stop()) {
		u64 due = div_u64((u64)(iio_get_time_ns(chip) - since) * rate, NSEC_PER_SEC);

		for (; made < due; made++) {
			scan.count = made;
			if (iio_push_to_buffers_with_timestamp(chip, &scan, since + div_u64((u64)(made + 1) * NSEC_PER_SEC, rate)))
				dropped++;
		}
		usleep_range(LOOK_US, LOOK_US + LOOK_US / 10);
	}
	return 0;
}

static int begin(struct iio_dev *unused)
{
	made = 0;
	dropped = 0;
	thread = kthread_run(sample, NULL, "fieldagent-iio");
	return PTR_ERR_OR_ZERO(thread);
}

static int end(struct iio_dev *unused)
{
	return kthread_stop(thread);
}

static int read_raw(struct iio_dev *unused, const struct iio_chan_spec *channel, int *value, int *more, long what)
{
	*value = what == IIO_CHAN_INFO_SAMP_FREQ ? rate : made;
	return IIO_VAL_INT;
}

static int write_raw(struct iio_dev *unused, const struct iio_chan_spec *channel, int value, int more, long what)
{
	if (what != IIO_CHAN_INFO_SAMP_FREQ || value < 1 || value > RATE_MAX)
		return -EINVAL;
	if (iio_buffer_enabled(chip))
		return -EBUSY;
	rate = value;
	return 0;
}

static const struct iio_info info = { .read_raw = read_raw, .write_raw = write_raw };
static const struct iio_buffer_setup_ops capture = { .postenable = begin, .predisable = end };
static const struct iio_chan_spec channels[] = {
	{
		.type = IIO_COUNT,
		.indexed = 1,
		.info_mask_separate = BIT(IIO_CHAN_INFO_RAW),
		.info_mask_shared_by_all = BIT(IIO_CHAN_INFO_SAMP_FREQ),
		.scan_index = 0,
		.scan_type = { .sign = 'u', .realbits = 32, .storagebits = 32, .endianness = IIO_CPU },
	},
	IIO_CHAN_SOFT_TIMESTAMP(1),
};

static int __init load(void)
{
	int error;

	device = platform_device_register_simple("fieldagent-iio", PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(device))
		return PTR_ERR(device);
	error = -ENOMEM;
	chip = iio_device_alloc(&device->dev, 0);
	if (!chip)
		goto no_chip;
	chip->name = "fieldagent-iio";
	chip->info = &info;
	chip->channels = channels;
	chip->num_channels = ARRAY_SIZE(channels);
	chip->modes = INDIO_DIRECT_MODE;
	error = devm_iio_kfifo_buffer_setup(&device->dev, chip, &capture);
	if (!error)
		error = iio_device_register(chip);
	if (!error)
		return 0;
	iio_device_free(chip);
no_chip:
	platform_device_unregister(device);
	return error;
}

static void __exit unload(void)
{
	iio_device_unregister(chip);
	iio_device_free(chip);
	platform_device_unregister(device);
}

module_init(load);
module_exit(unload);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("An IIO chip with a FIFO that counts its samples");
