/*
 * vmmci.c: see vmmci.h.
 */
#include "acpi.h"
#include "console.h"
#include "cpu.h"
#include "vmmci.h"

#define F_TIMESYNC (1ull << 0)
#define F_ACK      (1ull << 1)
#define F_SYNCRTC  (1ull << 2)

#define CONFIG_COMMAND 0
#define CONFIG_SEC     4
#define CONFIG_USEC    12

#define SHUTDOWN 1
#define REBOOT   2
#define SYNCRTC  3

static uint32_t last;
static int is_deaf;

static int
vmmci_start(struct virtio *v)
{
	last = 0;
	is_deaf = 0;
	return 0;
}

static uint32_t
read32(const struct virtio *v, unsigned at)
{
	return in32((uint16_t)(v->config + at));
}

/* A change of the configuration: the host asks for something else. */
static void
vmmci_used(struct virtio *v)
{
	uint32_t command = read32(v, CONFIG_COMMAND);

	if (command == last)
		return;
	last = command;
	print("\nvmmci: request %u\n", command);
	console_flush();
	if (is_deaf || command == 0)
		return;
	out32((uint16_t)(v->config + CONFIG_COMMAND), command);
	if (command == SHUTDOWN) {
		print("vmmci: switching off\n");
		acpi_poweroff();
	} else if (command == REBOOT) {
		print("vmmci: rebooting\n");
		console_flush();
		acpi_reset();
	} else {
		last = 0;
	}
}

static void
vmmci_describe(struct virtio *v)
{
	print("requests of the host's, command %u", read32(v, CONFIG_COMMAND));
}

int
vmmci_time(uint64_t *us)
{
	struct virtio *v = virtio_find(VIRTIO_VMMCI, 0);
	uint64_t sec;

	if (v == NULL)
		return -1;
	sec = read32(v, CONFIG_SEC);
	sec |= (uint64_t)read32(v, CONFIG_SEC + 4) << 32;
	*us = read32(v, CONFIG_USEC);
	*us |= (uint64_t)read32(v, CONFIG_USEC + 4) << 32;
	*us += sec * 1000000;
	return 0;
}

int
vmmci_write(uint32_t command)
{
	struct virtio *v = virtio_find(VIRTIO_VMMCI, 0);

	if (v == NULL)
		return -1;
	out32((uint16_t)(v->config + CONFIG_COMMAND), command);
	return 0;
}

int
vmmci_read(uint32_t *command)
{
	struct virtio *v = virtio_find(VIRTIO_VMMCI, 0);

	if (v == NULL)
		return -1;
	*command = read32(v, CONFIG_COMMAND);
	return 0;
}

void
vmmci_deaf(int deaf)
{
	is_deaf = deaf;
}

const struct virtio_driver vmmci_driver = {
    .type = VIRTIO_VMMCI,
    .name = "vmmci",
    .queues = 0,
    .features = F_TIMESYNC | F_ACK | F_SYNCRTC,
    .start = vmmci_start,
    .used = vmmci_used,
    .describe = vmmci_describe,
};
