// SPDX-License-Identifier: GPL-2.0
/* How this processor's C lays out what the agent hands to the kernel: a line for each structure ("name bytes"), member ("name.member
 * offset") and request number ("name = number"). The agent's own are compared with it. */
#include <linux/gpio.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/timex.h>
#include <termios.h>
#include <time.h>

#define SIZE(type) printf(#type " %zu\n", sizeof(struct type))
#define OFFSET(type, member) printf(#type "." #member " %zu\n", offsetof(struct type, member))
#define NUMBER(name) printf(#name " = %lu\n", (unsigned long)name)

int main(void)
{
	SIZE(gpiochip_info);
	SIZE(gpio_v2_line_info);
	SIZE(gpio_v2_line_config_attribute);
	SIZE(gpio_v2_line_config);
	SIZE(gpio_v2_line_request);
	OFFSET(gpio_v2_line_request, consumer);
	OFFSET(gpio_v2_line_request, config);
	OFFSET(gpio_v2_line_request, num_lines);
	OFFSET(gpio_v2_line_request, event_buffer_size);
	OFFSET(gpio_v2_line_request, fd);
	SIZE(gpio_v2_line_values);
	SIZE(gpio_v2_line_event);
	OFFSET(gpio_v2_line_event, id);
	OFFSET(gpio_v2_line_event, offset);
	OFFSET(gpio_v2_line_event, seqno);
	OFFSET(gpio_v2_line_event, line_seqno);
	SIZE(i2c_msg);
	OFFSET(i2c_msg, buf);
	SIZE(i2c_rdwr_ioctl_data);
	OFFSET(i2c_rdwr_ioctl_data, nmsgs);
	SIZE(pollfd);
	SIZE(termios);
	SIZE(timex);
	OFFSET(timex, status);
	SIZE(timespec);
	NUMBER(GPIO_GET_CHIPINFO_IOCTL);
	NUMBER(GPIO_V2_GET_LINEINFO_IOCTL);
	NUMBER(GPIO_V2_GET_LINE_IOCTL);
	NUMBER(GPIO_V2_LINE_GET_VALUES_IOCTL);
	NUMBER(GPIO_V2_LINE_SET_VALUES_IOCTL);
	NUMBER(I2C_RDWR);
	NUMBER(TIOCEXCL);
	NUMBER(TIOCNXCL);
	return 0;
}
