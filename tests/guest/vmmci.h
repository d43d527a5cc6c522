/*
 * vmmci.h: what OpenBSD's vmmci(4) does: the host's requests to shut down, to
 * reboot and to look at the clock. Only with "vmmci" on the command line, for
 * a guest that has this is not asked by its power button.
 */
#ifndef GUEST_VMMCI_H
#define GUEST_VMMCI_H

#include <stdint.h>

#include "virtio.h"

extern const struct virtio_driver vmmci_driver;

/* The host's clock in microseconds since 1970. Returns -1 without a device. */
int vmmci_time(uint64_t *us);

/* Writes and reads the command register. They return -1 likewise. */
int vmmci_write(uint32_t command);
int vmmci_read(uint32_t *command);

/* Whether requests are noted and not answered. */
void vmmci_deaf(int deaf);

#endif
