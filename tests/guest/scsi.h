/*
 * scsi.h: a virtio-scsi host (virtio 1.2, 5.6): its requests as they lie in
 * memory. Who wants one builds it and queues it by itself.
 */
#ifndef GUEST_SCSI_H
#define GUEST_SCSI_H

#include <stdint.h>

#include "virtio.h"

extern const struct virtio_driver scsi_driver;

#define SCSI_COMMANDS 2 /* the queue */

/* 5.6.6.1 with the sizes that hold unless they are changed; no padding. */
struct scsi_request {
	uint8_t lun[8], tag[8], attribute, priority, crn;
	uint8_t cdb[32];
} __attribute__((packed));

struct scsi_response {
	uint32_t sense_len, residual;
	uint16_t qualifier;
	uint8_t status, response;
	uint8_t sense[96];
} __attribute__((packed));

#define SCSI_ATTENTION 6 /* a sense key: something is not as it was */

/* Fills in all but cdb[]. */
void scsi_address(struct scsi_request *r, unsigned target);

#endif
