// SPDX-License-Identifier: GPL-2.0
/*
 * What a plain C loop gets out of the board's interfaces: the other side of the agent's figures. And the hand that drives a line.
 *
 *   plain-loops drive PULL COUNT MICROSECONDS    changes a simulated line through its 'pull', up and down, COUNT times in all
 *   plain-loops edges CHIP LINE COUNT            reads edges until COUNT have come or none comes for two seconds
 *   plain-loops i2c BUS ADDRESS REGISTER SECONDS reads a register of two bytes, one transaction after the other
 *   plain-loops iio NODE BYTES SECONDS           reads scans of so many bytes whose last eight are the time
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

static int drive(const char *pull, long count, double period)
{
	int fd = must(open(pull, O_WRONLY), pull);
	double begin = now();
	long i;

	for (i = 0; i < count; i++) {
		struct timespec rest = { 0 };
		double wait;

		must(i % 2 ? pwrite(fd, "pull-down", 9, 0) : pwrite(fd, "pull-up", 7, 0), pull);
		wait = begin + (i + 1) * period - now();
		if (wait > 0) {
			rest.tv_sec = (time_t)wait;
			rest.tv_nsec = (long)((wait - rest.tv_sec) * 1e9);
			nanosleep(&rest, NULL);
		}
	}
	printf("changes=%ld\nseconds=%.6f\n", count, now() - begin);
	return 0;
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

static int iio(const char *node, int bytes, double seconds)
{
	int fd = must(open(node, O_RDONLY | O_NONBLOCK), node);
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	double begin = now(), at_end = begin;
	static uint8_t block[65536];
	int64_t first = 0, last = 0;
	long scans = 0;

	while (at_end < begin + seconds && poll(&wait, 1, 2000) > 0) {
		int i, got = read(fd, block, sizeof(block) / bytes * bytes);

		if (got < 0 && errno == EAGAIN)
			continue;
		must(got, "read");
		for (i = 0; i + bytes <= got; i += bytes, scans++) {
			memcpy(&last, block + i + bytes - 8, 8);
			first = first ? first : last;
		}
		at_end = now();
	}
	printf("scans=%ld\nseconds=%.6f\n", scans, (last - first) / 1e9);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "drive"))
		return drive(argv[2], atol(argv[3]), atof(argv[4]) / 1e6);
	if (argc == 5 && !strcmp(argv[1], "edges"))
		return edges(argv[2], atoi(argv[3]), atol(argv[4]));
	if (argc == 6 && !strcmp(argv[1], "i2c"))
		return i2c(argv[2], strtoul(argv[3], NULL, 0), strtoul(argv[4], NULL, 0), atof(argv[5]));
	if (argc == 5 && !strcmp(argv[1], "iio"))
		return iio(argv[2], atoi(argv[3]), atof(argv[4]));
	fprintf(stderr, "usage: plain-loops drive|edges|i2c|iio ...; see the source\n");
	return 64;
}
