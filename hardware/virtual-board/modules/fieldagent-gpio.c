// SPDX-License-Identifier: GPL-2.0
/*
 * A GPIO chip (label fieldagent-gpio) whose only line makes edges at an exact rate, for tests. (A line of gpio-sim is driven by its user one
 * change at a time, and merges what follows too fast upon an interrupt.)
 *
 *   echo 5000 >/sys/module/fieldagent_gpio/parameters/rate      edges a second
 *   echo 100000 >/sys/module/fieldagent_gpio/parameters/left    starts: so many are made, down to 0
 *
 * It reports as an expander on a bus does: a thread of its own looks every millisecond and hands over each edge that is due by the clock, one
 * after the other, none merged. Held up, it makes good a tenth of a second at most, as no line bursts. Edges that nobody asked for are made
 * and go nowhere.
 */
#include <linux/delay.h>
#include <linux/gpio/driver.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/wait.h>

#define LOOK_US 1000

static uint rate = 1000;
module_param(rate, uint, 0644);
static uint left;

static DECLARE_WAIT_QUEUE_HEAD(begin);
static DEFINE_MUTEX(left_lock);
static struct platform_device *device;
static struct gpio_chip chip;
static struct task_struct *thread;
static int level;

static int start(const char *text, const struct kernel_param *parameter)
{
	int error;

	mutex_lock(&left_lock);
	error = param_set_uint(text, parameter);
	mutex_unlock(&left_lock);
	wake_up(&begin);
	return error;
}

static const struct kernel_param_ops starting = { .set = start, .get = param_get_uint };
module_param_cb(left, &starting, &left, 0644);

static int make_edges(void *unused)
{
	while (!kthread_should_stop()) {
		u64 at, due, done = 0;

		wait_event_interruptible(begin, READ_ONCE(left) || kthread_should_stop());
		at = ktime_get_ns();
		while (READ_ONCE(left) && !kthread_should_stop()) {
			due = div_u64((ktime_get_ns() - at) * rate, NSEC_PER_SEC);
			if (due > done + rate / 10 + 1) {
				at = ktime_get_ns();
				done = 0;
				due = rate / 10;
			}
			mutex_lock(&left_lock);
			for (; done < due && left; done++, left--) {
				level = !level;
				handle_nested_irq(irq_find_mapping(chip.irq.domain, 0));
			}
			mutex_unlock(&left_lock);
			usleep_range(LOOK_US, LOOK_US + LOOK_US / 10);
		}
	}
	return 0;
}

static int get(struct gpio_chip *unused, unsigned int offset)
{
	return level;
}

static int get_direction(struct gpio_chip *unused, unsigned int offset)
{
	return GPIO_LINE_DIRECTION_IN;
}

static int direction_input(struct gpio_chip *unused, unsigned int offset)
{
	return 0;
}

static void mask(struct irq_data *data)
{
	gpiochip_disable_irq(&chip, irqd_to_hwirq(data));
}

static void unmask(struct irq_data *data)
{
	gpiochip_enable_irq(&chip, irqd_to_hwirq(data));
}

static int set_type(struct irq_data *data, unsigned int type)
{
	return 0;
}

static const struct irq_chip irqs = {
	.name = "fieldagent-gpio",
	.irq_mask = mask,
	.irq_unmask = unmask,
	.irq_set_type = set_type,
	.flags = IRQCHIP_IMMUTABLE,
	GPIOCHIP_IRQ_RESOURCE_HELPERS,
};

static int __init load(void)
{
	int error;

	device = platform_device_register_simple("fieldagent-gpio", PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(device))
		return PTR_ERR(device);
	chip = (struct gpio_chip) {
		.label = "fieldagent-gpio",
		.owner = THIS_MODULE,
		.parent = &device->dev,
		.base = -1,
		.ngpio = 1,
		.can_sleep = true,
		.get = get,
		.get_direction = get_direction,
		.direction_input = direction_input,
	};
	gpio_irq_chip_set_chip(&chip.irq, &irqs);
	chip.irq.threaded = true;
	chip.irq.handler = handle_simple_irq;
	error = gpiochip_add_data(&chip, NULL);
	if (error)
		goto no_chip;
	thread = kthread_run(make_edges, NULL, "fieldagent-gpio");
	if (!IS_ERR(thread))
		return 0;
	error = PTR_ERR(thread);
	gpiochip_remove(&chip);
no_chip:
	platform_device_unregister(device);
	return error;
}

static void __exit unload(void)
{
	kthread_stop(thread);
	gpiochip_remove(&chip);
	platform_device_unregister(device);
}

module_init(load);
module_exit(unload);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("A GPIO line that makes edges at an exact rate");
