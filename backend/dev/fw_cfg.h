/*
 * fw_cfg.h: what the firmware is told: QEMU's firmware configuration device
 * (its specification is docs/specs/fw_cfg in QEMU's documentation).
 *
 *	0x510  selector, 16 bits, write-only
 *	0x511  data, the selected item byte by byte
 *	0x514  address of a DMA request, two big-endian words: the low one
 *	       starts it; reads are "QEMU CFG"
 *
 * An item is a block of bytes under a 16-bit key. Items from FW_CFG_FILES on
 * have names, which the directory (item 0x19) lists. All of it is read-only,
 * made before the machine runs, and the same after a reset.
 */
#ifndef BACKEND_DEV_FW_CFG_H
#define BACKEND_DEV_FW_CFG_H

#include <stddef.h>
#include <stdint.h>

#include "backend/vmm/machine.h"
#include "config/error.h"

#define FW_CFG_PORT     0x510
#define FW_CFG_DMA_PORT 0x514
#define FW_CFG_NAME_MAX 55 /* bytes in a file's name */

struct fw_cfg;

/*
 * Makes the device with its signature, the number of processors and the size
 * of RAM, and gives it to the machine. Main thread, before the machine runs, as
 * the next one.
 */
int fw_cfg_create(struct machine *m, struct fw_cfg **cfg, struct error *err);
/*
 * Adds a file; data is copied. name is of at most FW_CFG_NAME_MAX bytes and not
 * there yet. Returns 0, or -1 (no memory, too many files).
 */
int fw_cfg_add_file(struct fw_cfg *cfg, const char *name, const void *data,
    size_t len, struct error *err);

#endif
