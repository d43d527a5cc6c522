/*
 * confine_mkfilters.c: which system calls a guest process makes, by the kind
 * of the thread, and why. Nothing else is answered: see confine_trap.c.
 *
 * The list is as short as the tests allow. Who adds a line says what for; a
 * call with a request in its arguments (ioctl, fcntl) is named with it.
 *
 * A program of its own that runs when vmtui is built: it has libseccomp make
 * the filters and prints them for confine_seccomp.c to include. Made when a
 * guest starts they would cost 0.6 ms of its CPU, a fifth of all.
 */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/if_tun.h>
#include <linux/kvm.h>
#include <linux/vhost.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/thread.h"

#define M    (1u << THREAD_MAIN)
#define V    (1u << THREAD_VCPU)
#define D    (1u << THREAD_DISK)
#define N    (1u << THREAD_NET)
#define EACH (M | V | D | N)

/* Arguments: anything; the nth is this; the nth has none of these bits. */
#define ANY             -1, 0, 0
#define IS(n, value)    n, UINT32_MAX, (uint32_t)(value)
#define HAS_NO(n, bits) n, (uint32_t)(bits), 0

struct call {
	unsigned kinds;
	int call;
	int arg; /* -1: any */
	uint32_t mask, value;
};

/* clang-format off */
static const struct call calls[] = {
    /* The guest itself. */
    {V, SYS_ioctl, IS(1, KVM_RUN)},            /* runs it */
    {EACH, SYS_ioctl, IS(1, KVM_IRQ_LINE)},    /* INTx, the serial port's */
    {M | V, SYS_ioctl, IS(1, KVM_IRQFD)},      /* MSI-X on, off; reset */
    {M | V, SYS_ioctl, IS(1, KVM_IOEVENTFD)},  /* doorbells move with a BAR */
    {M | V, SYS_ioctl, IS(1, KVM_SET_GSI_ROUTING)}, /* an MSI-X vector is set */
    {V, SYS_ioctl, IS(1, KVM_GET_REGS)},       /* logged when it crashes */
    {V, SYS_ioctl, IS(1, KVM_GET_SREGS)},      /* likewise */
    {M | V, SYS_ioctl, IS(1, KVM_GET_IRQCHIP)}, /* ELCR: PCI lines are level */
    {M | V, SYS_ioctl, IS(1, KVM_SET_IRQCHIP)}, /* likewise; a reset */
    {M, SYS_ioctl, IS(1, KVM_SET_REGS)},       /* a reset, from here on */
    {M, SYS_ioctl, IS(1, KVM_GET_SREGS)},
    {M, SYS_ioctl, IS(1, KVM_SET_SREGS)},
    {M, SYS_ioctl, IS(1, KVM_GET_LAPIC)},
    {M, SYS_ioctl, IS(1, KVM_SET_LAPIC)},
    {M, SYS_ioctl, IS(1, KVM_SET_MSRS)},
    {M, SYS_ioctl, IS(1, KVM_SET_FPU)},
    {M, SYS_ioctl, IS(1, KVM_SET_XSAVE)},
    {M, SYS_ioctl, IS(1, KVM_SET_XCRS)},
    {M, SYS_ioctl, IS(1, KVM_SET_DEBUGREGS)},
    {M, SYS_ioctl, IS(1, KVM_SET_VCPU_EVENTS)},
    {M, SYS_ioctl, IS(1, KVM_SET_MP_STATE)},
    {M, SYS_ioctl, IS(1, KVM_SET_PIT2)},
    {M, SYS_ioctl, IS(1, KVM_SET_CLOCK)},      /* a guest is received */
    {M, SYS_ioctl, IS(1, KVM_GET_CLOCK)},      /* it is sent, from here on */
    {M, SYS_ioctl, IS(1, KVM_GET_CPUID2)},     /* received as well */
    {M, SYS_ioctl, IS(1, KVM_GET_REGS)},
    {M, SYS_ioctl, IS(1, KVM_GET_MSR_INDEX_LIST)},
    {M, SYS_ioctl, IS(1, KVM_GET_MSRS)},
    {M, SYS_ioctl, IS(1, KVM_GET_FPU)},
    {M, SYS_ioctl, IS(1, KVM_GET_XSAVE)},
    {M, SYS_ioctl, IS(1, KVM_GET_XSAVE2)},
    {M, SYS_ioctl, IS(1, KVM_GET_XCRS)},
    {M, SYS_ioctl, IS(1, KVM_GET_DEBUGREGS)},
    {M, SYS_ioctl, IS(1, KVM_GET_VCPU_EVENTS)},
    {M, SYS_ioctl, IS(1, KVM_GET_MP_STATE)},
    {M, SYS_ioctl, IS(1, KVM_GET_PIT2)},
    {M, SYS_lseek, ANY},                       /* RAM that was never used */

    /* Waiting, and waking each other. */
    {M | V, SYS_timerfd_settime, ANY},         /* the clock's interrupts */
    {EACH, SYS_futex, ANY},                    /* locks, conditions, joining */
    {M | D | N, SYS_epoll_wait, ANY},          /* the loop; a disk's, a card's */
    {M | N, SYS_epoll_pwait2, ANY},            /* libevent, where it is built */
    {M | V | N, SYS_epoll_ctl, ANY},           /* events are added, removed */
    {EACH, SYS_read, ANY},                     /* eventfds, taps, consoles */
    {EACH, SYS_write, ANY},                    /* eventfds, the log */
    {EACH, SYS_poll, ANY},                     /* last words; MSI-X pending;
                                                  a chain of images drained */
    {M | D, SYS_clock_nanosleep, ANY},         /* io_uring without memory */
    {EACH, SYS_restart_syscall, ANY},          /* a kick came amid a wait */
    {EACH, SYS_clock_gettime, ANY},            /* no vDSO: an unstable TSC */
    {EACH, SYS_gettimeofday, ANY},             /* likewise */
    {EACH, SYS_time, ANY},                     /* likewise */
    {EACH, SYS_rt_sigreturn, ANY},             /* from a kick; from SIGTERM */
    {EACH, SYS_rt_sigprocmask, ANY},           /* around ending a thread */
    {EACH, SYS_getpid, ANY},                   /* pthread_kill; libevent */
    {EACH, SYS_gettid, ANY},                   /* pthread_kill */
    {M, SYS_rt_sigaction, IS(0, SIGTERM)},     /* the loop gives it back */
    {M | V, SYS_tgkill, IS(2, SIGUSR1)},       /* vcpus are told to park */

    /* Memory, never to be executed. */
    {EACH, SYS_mmap, HAS_NO(2, PROT_EXEC)},    /* malloc */
    {EACH, SYS_mprotect, HAS_NO(2, PROT_EXEC)}, /* malloc's arenas grow */
    {EACH, SYS_munmap, ANY},                   /* free; a thread's stack */
    {M, SYS_mremap, ANY},                      /* realloc of a long message */
    {EACH, SYS_brk, ANY},                      /* malloc */
    {EACH, SYS_sched_getaffinity, ANY},        /* malloc, from 9 threads on */
    {EACH, SYS_madvise, ANY},                  /* free; a thread's stack */

    /* Clients, consoles, cards: main. */
    {M, SYS_accept4, ANY},                     /* the control socket */
    {M, SYS_getsockopt, IS(2, SO_PEERCRED)},   /* whose connection it is */
    {M, SYS_getsockopt, IS(2, SO_PEERGROUPS)}, /* likewise */
    {M, SYS_recvmsg, ANY},                     /* messages */
    {M, SYS_sendmsg, ANY},                     /* messages, a console's bytes */
    {M, SYS_sendto, ANY},                      /* a console's note; SIGTERM */
    {M, SYS_recvfrom, ANY},                    /* SIGTERM, libevent's way */
    {M, SYS_socketpair, IS(0, AF_UNIX)},       /* a console is opened */
    {M, SYS_fcntl, IS(1, F_DUPFD_CLOEXEC)},    /* it is handed to a client */
    {M, SYS_fcntl, IS(1, F_GETFL)},            /* sockets do not block */
    {M, SYS_fcntl, IS(1, F_SETFL)},
    {M, SYS_fcntl, IS(1, F_GETFD)},
    {M, SYS_fcntl, IS(1, F_SETFD)},
    {EACH, SYS_close, ANY},                    /* all of these, in the end */
    {M | V | N, SYS_readv, ANY},               /* frames from a tap */
    {M | V | N, SYS_writev, ANY},              /* frames to a tap */
    {M | V | N, SYS_ioctl, IS(1, TUNSETOFFLOAD)}, /* as the driver can; a */
    {M | V | N, SYS_ioctl, IS(1, TUNSETVNETHDRSZ)}, /* legacy one's kick
                                                  may start its device */
    {M | V, SYS_ioctl, IS(1, TUNSETQUEUE)},    /* likewise */
    {M | V | N, SYS_ioctl, IS(1, TUNSETTXFILTER)}, /* what is to come; a reset */
    /* Queues are given to the host's vhost-net, and taken back. */
    {M | V | N, SYS_ioctl, IS(1, VHOST_SET_FEATURES)},
    {M | V | N, SYS_ioctl, IS(1, VHOST_SET_VRING_NUM)},
    {M | V | N, SYS_ioctl, IS(1, VHOST_SET_VRING_BASE)},
    {M | V | N, SYS_ioctl, IS(1, VHOST_GET_VRING_BASE)},
    {M | V | N, SYS_ioctl, IS(1, VHOST_SET_VRING_ADDR)},
    {M | V | N, SYS_ioctl, IS(1, VHOST_SET_VRING_ERR)},
    {M | V | N, SYS_ioctl, IS(1, VHOST_SET_VRING_CALL)},
    {M | V | N, SYS_ioctl, IS(1, VHOST_SET_VRING_KICK)},
    {M | V | N, SYS_ioctl, IS(1, VHOST_NET_SET_BACKEND)},
    {M | V, SYS_getrandom, ANY},               /* virtio-rng; hash seeds */

    /* A kernel is read once more for a reset; the log, when it has grown. */
    {EACH, SYS_pread64, ANY},
    {EACH, SYS_fstat, ANY},
    {EACH, SYS_newfstatat, IS(3, 0x1000)},     /* fstat: AT_EMPTY_PATH */
    {EACH, SYS_ftruncate, IS(0, STDERR_FILENO)}, /* the log is shortened */
    {M, SYS_ioctl, IS(1, BLKGETSIZE64)},       /* a kernel on a disk */
    {M, SYS_fallocate, ANY},                   /* the RAM becomes zeroes */

    /* Disks. A processor drains one that its guest resets, main at its end. */
    {EACH, SYS_io_uring_enter, ANY},
    {D, SYS_preadv, ANY},                      /* the rest: no io_uring here */
    {D, SYS_pwritev, ANY},
    {D, SYS_fdatasync, ANY},
    {D, SYS_fallocate, ANY},
    {D, SYS_ftruncate, ANY},                   /* a disk is made larger */
    {D, SYS_fsync, ANY},
    {D, SYS_fcntl, IS(1, F_OFD_SETLK)},        /* and nobody else may */
    {D, SYS_fcntl, IS(1, F_OFD_GETLK)},

    {EACH, SYS_prctl, IS(0, PR_GET_NAME)},      /* confine_trap.c */
    {EACH, SYS_exit, ANY},                     /* a thread's end */
    {EACH, SYS_exit_group, ANY},               /* the process's */
#if defined(__SANITIZE_ADDRESS__)
    /* THE SANITIZED BUILD ALONE: what the sanitizer's own code calls. */
    {EACH, SYS_sigaltstack, ANY},              /* a thread's end */
    {EACH, SYS_sched_yield, ANY},              /* its locks */
    {EACH, SYS_mremap, ANY},                   /* realloc */
#elif defined(__SANITIZE_THREAD__)
    /* THE BUILD FOR RACES ALONE: what ThreadSanitizer's own code calls. */
    {EACH, SYS_sched_yield, ANY},              /* its locks */
    {EACH, SYS_mremap, ANY},                   /* realloc */
    {EACH, SYS_open, ANY},                     /* names for a report: there */
    {EACH, SYS_openat, ANY},                   /* is nothing in the root */
    {EACH, SYS_readlink, ANY},                 /* likewise */
    {EACH, SYS_ioctl, IS(1, TCGETS)},          /* is the report on a tty? */
#endif
};
/* clang-format on */

static int
add_calls(scmp_filter_ctx ctx, enum thread_kind kind)
{
	const struct call *c;
	size_t i;
	int rc = 0;

	for (i = 0; i < sizeof calls / sizeof *calls && rc == 0; i++) {
		c = &calls[i];
		if ((c->kinds & 1u << kind) == 0)
			continue;
		if (c->arg == -1)
			rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, c->call, 0);
		else
			rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, c->call, 1,
			    SCMP_CMP((unsigned)c->arg, SCMP_CMP_MASKED_EQ,
				c->mask, c->value));
	}
	return rc;
}

/* The program that the library made, through a file that has no name. */
static int
print_program(scmp_filter_ctx ctx, const char *name)
{
	struct sock_filter step;
	int fd = memfd_create("filter", MFD_CLOEXEC);

	if (fd == -1 || seccomp_export_bpf(ctx, fd) != 0 ||
	    lseek(fd, 0, SEEK_SET) != 0)
		return -1;
	printf("static const struct sock_filter %s[] = {\n", name);
	while (read(fd, &step, sizeof step) == (ssize_t)sizeof step)
		printf("    {0x%x, %u, %u, 0x%x},\n", step.code, step.jt,
		    step.jf, step.k);
	printf("};\n");
	return close(fd);
}

int
main(void)
{
	static const char *const names[THREAD_KINDS] = {
	    [THREAD_MAIN] = "main_filter",
	    [THREAD_VCPU] = "vcpu_filter",
	    [THREAD_DISK] = "disk_filter",
	    [THREAD_NET] = "net_filter",
	};
	scmp_filter_ctx ctx;
	int kind;

	for (kind = 0; kind < THREAD_KINDS; kind++) {
		ctx = seccomp_init(SCMP_ACT_TRAP);
		if (ctx == NULL ||
		    seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH,
			SCMP_ACT_KILL_PROCESS) != 0 ||
		    /* A tree: fewer steps a call than a list. */
		    seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2) != 0 ||
		    add_calls(ctx, (enum thread_kind)kind) != 0 ||
		    print_program(ctx, names[kind]) != 0) {
			fprintf(stderr, "libseccomp refuses %s\n", names[kind]);
			return 1;
		}
		seccomp_release(ctx);
	}
	return fflush(stdout) == 0 ? 0 : 1;
}
