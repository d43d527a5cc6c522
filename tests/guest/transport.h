/*
 * transport.h: the two register faces of a virtio PCI device (virtio 1.2, 4.1):
 * the modern one, structures in memory that capabilities point to, and the
 * legacy one, registers in the ports of BAR 0. Used by virtio.c, and by the
 * hostile driver (hostile.h).
 */
#ifndef GUEST_TRANSPORT_H
#define GUEST_TRANSPORT_H

#include "virtio.h"

#define STATUS_ACK         1
#define STATUS_DRIVER      2
#define STATUS_DRIVER_OK   4
#define STATUS_FEATURES_OK 8
#define STATUS_NEEDS_RESET 0x40

/*
 * Finds the face's registers and enables the device on the bus. Returns NULL,
 * or why that face cannot be used.
 */
const char *transport_open(struct virtio *v);

/*
 * Turns MSI-X on, all entries to v->vector, or off. Returns -1 if the device
 * has no MSI-X. Comes before transport_config() in the legacy face, whose
 * registers move with it.
 */
int transport_msix(struct virtio *v, int on);

uint8_t transport_status(const struct virtio *v);
void transport_set_status(const struct virtio *v, uint8_t status);

/* Resets the device and waits until it is. Returns -1 if it never is. */
int transport_reset(const struct virtio *v);

uint64_t transport_features(const struct virtio *v);
void transport_set_features(const struct virtio *v, uint64_t features);

/* Reads and so clears the interrupt status. */
uint8_t transport_isr(const struct virtio *v);

/*
 * Makes queue number index, its memory included, and enables it. Returns NULL
 * or what is wrong.
 */
const char *transport_queue(struct virtio *v, unsigned index);

/*
 * The pieces of that, for who wants a queue as no driver has it: its size, 0 if
 * there is no such queue; another size, modern only; where its parts are
 * (legacy: all by desc), and it is enabled; its doorbell.
 */
unsigned transport_queue_size(const struct virtio *v, unsigned index);
void transport_resize(const struct virtio *v, unsigned index, uint16_t size);
void transport_place(const struct virtio *v, unsigned index, uint64_t desc,
    uint64_t avail, uint64_t used);
/* With MSI-X, the vector of the queue that was named last. */
void transport_vector(const struct virtio *v, uint16_t vector);
void transport_kick(const struct virtio *v, unsigned index);

/* Sets v->config to where the device's own configuration is. */
void transport_config(struct virtio *v);

#endif
