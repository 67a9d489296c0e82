// SPDX-License-Identifier: GPL-2.0
/*
 * What a plain C loop gets out of the board's interfaces: the other side of the agent's figures.
 *
 *   plain-loops edges CHIP LINE COUNT            reads edges until COUNT have come or none comes for two seconds
 *   plain-loops i2c BUS ADDRESS REGISTER SECONDS reads a register of two bytes, one transaction after the other
 *   plain-loops iio NODE SECONDS                 reads scans of a number, which goes up by one, and the time
 *
 * Prints "name=value" lines.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/gpio.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static int must(int result, const char *what)
{
	if (result < 0) {
		fprintf(stderr, "%s: %s\n", what, strerror(errno));
		exit(1);
	}
	return result;
}

static int edges(const char *chip, unsigned line, long count)
{
	struct gpio_v2_line_request request = { 0 };
	struct gpio_v2_line_event events[64];
	struct pollfd wait = { .events = POLLIN };
	long seen = 0, lost = 0;
	uint32_t last = 0;

	request.offsets[0] = line;
	request.num_lines = 1;
	request.event_buffer_size = 1024;
	request.config.flags = GPIO_V2_LINE_FLAG_INPUT | GPIO_V2_LINE_FLAG_EDGE_RISING | GPIO_V2_LINE_FLAG_EDGE_FALLING;
	strcpy(request.consumer, "plain-loops");
	must(ioctl(must(open(chip, O_RDWR), chip), GPIO_V2_GET_LINE_IOCTL, &request), "line request");
	wait.fd = request.fd;
	printf("ready=1\n");
	fflush(stdout);
	while (seen < count && poll(&wait, 1, seen ? 2000 : 30000) > 0) {
		int i, bytes = must(read(request.fd, events, sizeof(events)), "read");

		for (i = 0; i < bytes / (int)sizeof(events[0]); i++, seen++) {
			lost += events[i].seqno - last - 1;
			last = events[i].seqno;
		}
	}
	printf("edges=%ld\nlost=%ld\n", seen, lost);
	return 0;
}

static int i2c(const char *bus, unsigned address, unsigned number, double seconds)
{
	int fd = must(open(bus, O_RDWR), bus);
	uint8_t at = number, answer[2];
	struct i2c_msg messages[2] = { { address, 0, 1, &at }, { address, I2C_M_RD, 2, answer } };
	struct i2c_rdwr_ioctl_data all = { messages, 2 };
	double begin = now(), end = begin + seconds, at_end;
	long reads = 0;

	do {
		must(ioctl(fd, I2C_RDWR, &all), "I2C_RDWR");
		reads++;
		at_end = now();
	} while (at_end < end);
	printf("reads=%ld\nseconds=%.6f\n", reads, at_end - begin);
	return 0;
}

static int iio(const char *node, double seconds)
{
	static struct {
		uint32_t number;
		int64_t time;
	} scans[4096];
	int fd = must(open(node, O_RDONLY | O_NONBLOCK), node);
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	double end = now() + seconds;
	int64_t first = 0, last = 0;
	uint32_t next = 0;
	long count = 0, lost = 0;

	while (now() < end && poll(&wait, 1, 2000) > 0) {
		int i, got = read(fd, scans, sizeof(scans));

		if (got < 0 && errno == EAGAIN)
			continue;
		must(got, "read");
		for (i = 0; i < got / (int)sizeof(scans[0]); i++, count++) {
			lost += scans[i].number - next;
			next = scans[i].number + 1;
			last = scans[i].time;
			first = first ? first : last;
		}
	}
	printf("scans=%ld\nlost=%ld\nseconds=%.6f\n", count, lost, (last - first) / 1e9);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "edges"))
		return edges(argv[2], atoi(argv[3]), atol(argv[4]));
	if (argc == 6 && !strcmp(argv[1], "i2c"))
		return i2c(argv[2], strtoul(argv[3], NULL, 0), strtoul(argv[4], NULL, 0), atof(argv[5]));
	if (argc == 4 && !strcmp(argv[1], "iio"))
		return iio(argv[2], atof(argv[3]));
	fprintf(stderr, "usage: plain-loops edges|i2c|iio ...; see the source\n");
	return 64;
}
