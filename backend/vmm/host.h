/*
 * host.h: this host's KVM, before there is a machine. The backend opens it
 * for a guest, so that a host without it is a sentence and not a process.
 * Main thread.
 */
#ifndef BACKEND_VMM_HOST_H
#define BACKEND_VMM_HOST_H

#include "config/error.h"

/*
 * Opens /dev/kvm, close-on-exec. Returns the descriptor, or -1 with what is
 * missing: the module, or which group to join.
 */
int host_open_kvm(struct error *err);

/* How many virtual CPUs a guest can have here; at least 1. */
unsigned host_max_cpus(int kvm_fd);

#endif
