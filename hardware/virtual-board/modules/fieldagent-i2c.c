// SPDX-License-Identifier: GPL-2.0
/*
 * An I2C adapter whose chips are memory, for tests: plain transfers (I2C_RDWR, read, write) and the kernel's own drivers see the same
 * registers. (The kernel's i2c-stub knows SMBus calls only.)
 *
 *   modprobe fieldagent-i2c chips=0x76,0x148,0x150,0x250
 *
 * A chip is its address plus 0x100 times its form:
 *   0x0aa  registers of a byte, the number is a byte and goes on by itself      (BME280, DS3231)
 *   0x1aa  registers of two bytes, high byte first, the number stays            (LM75, ADS1115, INA219, MCP9808)
 *   0x2aa  memory of 32 KiB, the address is two bytes and goes on by itself     (MB85RC256V)
 *   0x3aa  commands of two bytes, answered by what was put behind them          (SHT3x)
 *
 * Content: /sys/kernel/debug/fieldagent-i2c/<aa>, byte by byte; form 1 has register n at 2n; form 3 has for each command eight bytes:
 * the command, and six that answer it.
 * Faults: parameters nak (address that does not answer, -1 none), timeout (address that hangs the bus, 0x80: every one), lost (that many
 * transfers lose arbitration; only those to lost_at unless that is -1), corrupt (that many reads come with a flipped bit).
 */
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/i2c.h>
#include <linux/module.h>
#include <linux/slab.h>

#define CHIPS_MAX 16
#define RAM_BYTES 32768
#define EVERY_ADDRESS 0x80
/* A hanging bus is taken for so long; a second with most adapters. */
#define HANG_MS 100

enum form { FORM_BYTES, FORM_WORDS, FORM_MEMORY, FORM_COMMANDS };

struct chip {
	u8 address;
	enum form form;
	u16 at;
	u8 ram[RAM_BYTES];
};

static int chips[CHIPS_MAX];
static int chips_count;
module_param_array(chips, int, &chips_count, 0444);
static int nak = -1;
module_param(nak, int, 0644);
static int timeout = -1;
module_param(timeout, int, 0644);
static int lost;
module_param(lost, int, 0644);
static int lost_at = -1;
module_param(lost_at, int, 0644);
static int corrupt;
module_param(corrupt, int, 0644);

static struct chip *all[CHIPS_MAX];
static struct dentry *folder;

static struct chip *find(u8 address)
{
	int i;

	for (i = 0; i < chips_count; i++)
		if (all[i]->address == address)
			return all[i];
	return NULL;
}

static void take(struct chip *chip, const u8 *data, u16 length)
{
	u16 i, head = chip->form == FORM_MEMORY || chip->form == FORM_COMMANDS ? 2 : 1;

	if (length < head)
		return;
	chip->at = head == 2 ? (data[0] << 8) | data[1] : data[0];
	if (chip->form == FORM_COMMANDS)
		return;
	for (i = 0; i < length - head; i++) {
		if (chip->form == FORM_WORDS)
			chip->ram[(chip->at * 2 + i) % RAM_BYTES] = data[head + i];
		else
			chip->ram[chip->at++ % RAM_BYTES] = data[head + i];
	}
}

static void give(struct chip *chip, u8 *data, u16 length)
{
	u16 i, entry = 0;

	memset(data, 0xff, length);
	if (chip->form == FORM_COMMANDS) {
		while (entry < RAM_BYTES && ((chip->ram[entry] << 8) | chip->ram[entry + 1]) != chip->at)
			entry += 8;
		for (i = 0; entry < RAM_BYTES && i < length && i < 6; i++)
			data[i] = chip->ram[entry + 2 + i];
		return;
	}
	for (i = 0; i < length; i++) {
		if (chip->form == FORM_WORDS)
			data[i] = chip->ram[(chip->at * 2 + i) % RAM_BYTES];
		else
			data[i] = chip->ram[chip->at++ % RAM_BYTES];
	}
}

static int transfer(struct i2c_adapter *adapter, struct i2c_msg *messages, int count)
{
	int i;

	for (i = 0; i < count; i++) {
		struct chip *chip = find(messages[i].addr);

		if (lost > 0 && (lost_at < 0 || messages[i].addr == lost_at)) {
			lost--;
			return -EAGAIN;
		}
		if (messages[i].addr == timeout || timeout == EVERY_ADDRESS) {
			msleep(HANG_MS);
			return -ETIMEDOUT;
		}
		if (!chip || messages[i].addr == nak)
			return -ENXIO;
		if (messages[i].flags & I2C_M_RD) {
			give(chip, messages[i].buf, messages[i].len);
			if (corrupt > 0 && messages[i].len > 0) {
				corrupt--;
				messages[i].buf[0] ^= 0x04;
			}
		} else {
			take(chip, messages[i].buf, messages[i].len);
		}
	}
	return count;
}

static u32 functionality(struct i2c_adapter *adapter)
{
	return I2C_FUNC_I2C | (I2C_FUNC_SMBUS_EMUL & ~I2C_FUNC_SMBUS_QUICK);
}

static const struct i2c_algorithm algorithm = {
	.master_xfer = transfer,
	.functionality = functionality,
};

static struct i2c_adapter adapter = {
	.owner = THIS_MODULE,
	.name = "fieldagent-i2c",
	.algo = &algorithm,
};

static ssize_t ram_read(struct file *file, char __user *to, size_t count, loff_t *at)
{
	struct chip *chip = file->private_data;

	return simple_read_from_buffer(to, count, at, chip->ram, RAM_BYTES);
}

static ssize_t ram_write(struct file *file, const char __user *from, size_t count, loff_t *at)
{
	struct chip *chip = file->private_data;

	return simple_write_to_buffer(chip->ram, RAM_BYTES, at, from, count);
}

static const struct file_operations ram_operations = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.read = ram_read,
	.write = ram_write,
	.llseek = default_llseek,
};

static void forget(void)
{
	int i;

	debugfs_remove_recursive(folder);
	for (i = 0; i < chips_count; i++)
		kfree(all[i]);
}

static int __init start(void)
{
	int i, error;

	folder = debugfs_create_dir("fieldagent-i2c", NULL);
	for (i = 0; i < chips_count; i++) {
		char name[8];

		all[i] = kzalloc(sizeof(*all[i]), GFP_KERNEL);
		if (!all[i]) {
			chips_count = i;
			forget();
			return -ENOMEM;
		}
		all[i]->address = chips[i] & 0x7f;
		all[i]->form = (chips[i] >> 8) & 3;
		snprintf(name, sizeof(name), "%02x", all[i]->address);
		debugfs_create_file(name, 0600, folder, all[i], &ram_operations);
	}
	error = i2c_add_adapter(&adapter);
	if (error)
		forget();
	return error;
}

static void __exit stop(void)
{
	i2c_del_adapter(&adapter);
	forget();
}

module_init(start);
module_exit(stop);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("An I2C bus of simulated chips");
