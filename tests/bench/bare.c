/*
 * bare.c: the least program that runs a 64-bit ELF kernel on /dev/kvm.
 *
 * It makes the KVM calls that any VMM has to make, and nothing else: the
 * yardstick for vmtui's own start-up time. It also serves to try the test
 * guest by hand where there is no VMM yet: the guest's serial port is standard
 * input and output, and there is no other device.
 *
 *	bare [-c CMDLINE] KERNEL	run it; ends when the guest resets
 *	bare --until-first-exit KERNEL	print "WALL_US CPU_US" from being
 *					executed to the guest's first I/O
 *
 * Exit status: 0 the guest reset itself, 3 triple fault, 1 anything else.
 */
#include <elf.h>
#include <err.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MEMORY       (64UL << 20)
#define BOOT_GDT     0x500UL
#define BOOT_PARAMS  0x7000UL
#define BOOT_TABLES  0x9000UL /* PML4, PDPT, four page directories */
#define BOOT_STACK   0x8ff0UL
#define BOOT_CMDLINE 0x20000UL
#define COM1         0x3f8
#define COM1_IRQ     4

/* A 16550 of which the guest needs only the receiver and its interrupt. */
struct uart {
	pthread_mutex_t lock; /* guards all below: the vcpu and the reader */
	pthread_cond_t room;
	uint8_t in[256];
	unsigned head, tail;
	uint8_t ier, lcr, mcr, scr, dll, dlm;
};

struct bare {
	int kvm, vm, vcpu;
	uint8_t *mem;
	struct kvm_run *run;
	struct uart uart;
};

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void
put64(struct bare *b, uint64_t addr, uint64_t value)
{
	memcpy(b->mem + addr, &value, sizeof(value));
}

static int
must(int fd, unsigned long request, void *arg, const char *name)
{
	int n = ioctl(fd, request, arg);

	if (n < 0)
		err(1, "%s", name);
	return n;
}
#define MUST(fd, request, arg) \
	must(fd, request, (void *)(uintptr_t)(arg), #request)

/* The machine: 64 MiB of RAM from 0, the in-kernel interrupt chips, one cpu. */
static void
machine_create(struct bare *b)
{
	struct kvm_pit_config pit = {.flags = KVM_PIT_SPEAKER_DUMMY};
	struct kvm_userspace_memory_region slot = {.memory_size = MEMORY};
	uint64_t identity = 0xfffbc000;
	int fd, size;

	b->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (b->kvm < 0)
		err(1, "/dev/kvm");
	b->vm = MUST(b->kvm, KVM_CREATE_VM, 0);
	MUST(b->vm, KVM_SET_TSS_ADDR, 0xfffbd000);
	MUST(b->vm, KVM_SET_IDENTITY_MAP_ADDR, &identity);
	fd = memfd_create("guest", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, MEMORY) != 0)
		err(1, "memfd");
	b->mem = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (b->mem == MAP_FAILED)
		err(1, "mmap of the guest's memory");
	madvise(b->mem, MEMORY, MADV_HUGEPAGE);
	slot.userspace_addr = (uintptr_t)b->mem;
	/* Before the chips: each change of memory waits for less then. */
	MUST(b->vm, KVM_SET_USER_MEMORY_REGION, &slot);
	MUST(b->vm, KVM_CREATE_IRQCHIP, 0);
	MUST(b->vm, KVM_CREATE_PIT2, &pit);
	b->vcpu = MUST(b->vm, KVM_CREATE_VCPU, 0);
	size = MUST(b->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	b->run = mmap(
	    NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, b->vcpu, 0);
	if (b->run == MAP_FAILED)
		err(1, "mmap of kvm_run");
}

static void
cpuid_set(struct bare *b)
{
	struct kvm_cpuid2 *cpuid;
	unsigned n = 256;

	cpuid = calloc(1, sizeof(*cpuid) + n * sizeof(cpuid->entries[0]));
	if (cpuid == NULL)
		err(1, "cpuid");
	cpuid->nent = n;
	MUST(b->kvm, KVM_GET_SUPPORTED_CPUID, cpuid);
	MUST(b->vcpu, KVM_SET_CPUID2, cpuid);
	free(cpuid);
}

/* Copies the ELF's segments to their physical addresses; returns its entry. */
static uint64_t
elf_load(struct bare *b, const char *path)
{
	Elf64_Ehdr eh;
	Elf64_Phdr ph;
	int fd = open(path, O_RDONLY | O_CLOEXEC), i;

	if (fd < 0 || pread(fd, &eh, sizeof(eh), 0) != sizeof(eh))
		err(1, "%s", path);
	if (memcmp(eh.e_ident, ELFMAG, SELFMAG) != 0 ||
	    eh.e_machine != EM_X86_64)
		errx(1, "%s: not an x86-64 ELF", path);
	for (i = 0; i < eh.e_phnum; i++) {
		if (pread(fd, &ph, sizeof(ph),
			(off_t)(eh.e_phoff + (unsigned)i * sizeof(ph))) !=
		    sizeof(ph))
			err(1, "%s", path);
		if (ph.p_type != PT_LOAD)
			continue;
		if (ph.p_paddr > MEMORY || ph.p_memsz > MEMORY - ph.p_paddr ||
		    ph.p_filesz > ph.p_memsz)
			errx(1, "%s: does not fit the memory", path);
		if (pread(fd, b->mem + ph.p_paddr, ph.p_filesz,
			(off_t)ph.p_offset) != (ssize_t)ph.p_filesz)
			errx(1, "%s: truncated", path);
	}
	close(fd);
	return eh.e_entry;
}

/* The zero page: two e820 entries and the command line. */
static void
params_write(struct bare *b, const char *cmdline)
{
	static const uint64_t map[][2] = {
	    {0, 0x9fc00}, {0x100000, MEMORY - 0x100000}};
	uint8_t *zp = b->mem + BOOT_PARAMS;
	uint32_t type = 1, addr = BOOT_CMDLINE, len;
	unsigned i;

	for (i = 0; i < 2; i++) {
		memcpy(zp + 0x2d0 + i * 20, map[i], 16);
		memcpy(zp + 0x2d0 + i * 20 + 16, &type, 4);
	}
	zp[0x1e8] = 2;
	memcpy(zp + 0x202, "HdrS", 4);
	len = (uint32_t)strnlen(cmdline, 4095);
	memcpy(b->mem + BOOT_CMDLINE, cmdline, len);
	memcpy(zp + 0x228, &addr, 4);
	memcpy(zp + 0x238, &len, 4);
}

/* Long mode with the first 4 GiB mapped as they are. */
static void
cpu_start(struct bare *b, uint64_t entry)
{
	struct kvm_segment code = {.limit = 0xffffffff,
	    .selector = 0x10,
	    .type = 11,
	    .present = 1,
	    .s = 1,
	    .l = 1,
	    .g = 1};
	struct kvm_segment data = {.limit = 0xffffffff,
	    .selector = 0x18,
	    .type = 3,
	    .present = 1,
	    .s = 1,
	    .db = 1,
	    .g = 1};
	struct kvm_sregs s;
	struct kvm_regs r = {
	    .rip = entry, .rsi = BOOT_PARAMS, .rsp = BOOT_STACK, .rflags = 2};
	unsigned i;

	put64(b, BOOT_GDT + 0x10, 0x00af9b000000ffff);
	put64(b, BOOT_GDT + 0x18, 0x00cf93000000ffff);
	put64(b, BOOT_TABLES, (BOOT_TABLES + 0x1000) | 3);
	for (i = 0; i < 4; i++)
		put64(b, BOOT_TABLES + 0x1000 + i * 8,
		    (BOOT_TABLES + 0x2000 + i * 0x1000) | 3);
	for (i = 0; i < 2048; i++)
		put64(b, BOOT_TABLES + 0x2000 + i * 8,
		    ((uint64_t)i << 21) | 0x83);
	MUST(b->vcpu, KVM_GET_SREGS, &s);
	s.cs = code;
	s.ds = s.es = s.fs = s.gs = s.ss = data;
	s.gdt.base = BOOT_GDT;
	s.gdt.limit = 0x1f;
	s.cr3 = BOOT_TABLES;
	s.cr4 |= 0x20;
	s.cr0 |= 0x80000001;
	s.efer |= 0x500;
	MUST(b->vcpu, KVM_SET_SREGS, &s);
	MUST(b->vcpu, KVM_SET_REGS, &r);
}

/* Called with the lock held. */
static void
uart_line(struct bare *b)
{
	struct uart *u = &b->uart;
	struct kvm_irq_level line = {.irq = COM1_IRQ};

	line.level = ((u->ier & 1) && u->head != u->tail) || (u->ier & 2);
	MUST(b->vm, KVM_IRQ_LINE, &line);
}

static uint8_t
uart_read(struct bare *b, unsigned reg)
{
	struct uart *u = &b->uart;
	uint8_t value = 0;

	switch (reg) {
	case 0:
		if (u->lcr & 0x80)
			return u->dll;
		if (u->head != u->tail)
			value = u->in[u->tail++ % sizeof(u->in)];
		pthread_cond_signal(&u->room);
		uart_line(b);
		return value;
	case 1:
		return u->lcr & 0x80 ? u->dlm : u->ier;
	case 2:
		if ((u->ier & 1) && u->head != u->tail)
			return 0xc4;
		return (u->ier & 2) ? 0xc2 : 0xc1;
	case 3:
		return u->lcr;
	case 4:
		return u->mcr;
	case 5:
		return 0x60 | (u->head != u->tail);
	case 6:
		return 0xb0;
	default:
		return u->scr;
	}
}

static void
uart_write(struct bare *b, unsigned reg, uint8_t value)
{
	struct uart *u = &b->uart;

	switch (reg) {
	case 0:
		if (u->lcr & 0x80)
			u->dll = value;
		else if (write(STDOUT_FILENO, &value, 1) != 1)
			err(1, "standard output");
		break;
	case 1:
		if (u->lcr & 0x80)
			u->dlm = value;
		else
			u->ier = value & 0xf;
		uart_line(b);
		break;
	case 3:
		u->lcr = value;
		break;
	case 4:
		u->mcr = value;
		break;
	case 7:
		u->scr = value;
		break;
	}
}

/* Carries standard input to the receiver. */
static void *
reader(void *arg)
{
	struct bare *b = arg;
	struct uart *u = &b->uart;
	uint8_t c;

	while (read(STDIN_FILENO, &c, 1) == 1) {
		pthread_mutex_lock(&u->lock);
		while (u->head - u->tail == sizeof(u->in))
			pthread_cond_wait(&u->room, &u->lock);
		u->in[u->head++ % sizeof(u->in)] = c;
		uart_line(b);
		pthread_mutex_unlock(&u->lock);
	}
	return NULL;
}

/* One port access; ends the program when the guest resets the machine. */
static void
port_access(struct bare *b)
{
	struct kvm_run *run = b->run;
	uint8_t *data = (uint8_t *)run + run->io.data_offset;
	uint32_t i;

	for (i = 0; i < run->io.count; i++, data += run->io.size) {
		if (run->io.direction == KVM_EXIT_IO_IN)
			memset(data, 0xff, run->io.size);
		else if (run->io.port == 0x64 && *data == 0xfe)
			exit(0);
		if (run->io.port < COM1 || run->io.port > COM1 + 7)
			continue;
		pthread_mutex_lock(&b->uart.lock);
		if (run->io.direction == KVM_EXIT_IO_IN)
			*data = uart_read(b, run->io.port - COM1);
		else
			uart_write(b, run->io.port - COM1, *data);
		pthread_mutex_unlock(&b->uart.lock);
	}
}

/* Runs the cpu; with once, returns at the first port access. */
static void
cpu_run(struct bare *b, int once)
{
	for (;;) {
		MUST(b->vcpu, KVM_RUN, 0);
		switch (b->run->exit_reason) {
		case KVM_EXIT_IO:
			if (once)
				return;
			port_access(b);
			break;
		case KVM_EXIT_MMIO:
			if (!b->run->mmio.is_write)
				memset(b->run->mmio.data, 0xff, 8);
			break;
		case KVM_EXIT_SHUTDOWN:
			warnx("triple fault");
			exit(3);
		default:
			errx(1, "exit %u, suberror %u", b->run->exit_reason,
			    b->run->internal.suberror);
		}
	}
}

/* Executes itself again so that the clock starts before the exec. */
static int
measure(char **argv, const char *kernel)
{
	char since[32];
	int status;
	pid_t pid = fork();

	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		snprintf(
		    since, sizeof(since), "%llu", (unsigned long long)now_ns());
		execl("/proc/self/exe", argv[0], "--since", since, kernel,
		    (char *)NULL);
		err(1, "exec");
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static void
report(uint64_t since)
{
	struct rusage ru;
	uint64_t wall = now_ns() - since;

	getrusage(RUSAGE_SELF, &ru);
	printf("%llu %ld\n", (unsigned long long)wall / 1000,
	    (long)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * 1000000L +
		(long)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec));
}

int
main(int argc, char **argv)
{
	static struct bare b = {.uart = {.lock = PTHREAD_MUTEX_INITIALIZER,
				    .room = PTHREAD_COND_INITIALIZER}};
	const char *cmdline = "";
	uint64_t since = 0;
	pthread_t thread;

	if (argc == 3 && strcmp(argv[1], "--until-first-exit") == 0)
		return measure(argv, argv[2]);
	if (argc == 4 && strcmp(argv[1], "--since") == 0)
		since = strtoull(argv[2], NULL, 10);
	else if (argc == 4 && strcmp(argv[1], "-c") == 0)
		cmdline = argv[2];
	else if (argc != 2)
		errx(2, "usage: bare [--until-first-exit | -c CMDLINE] KERNEL");
	machine_create(&b);
	cpuid_set(&b);
	params_write(&b, cmdline);
	cpu_start(&b, elf_load(&b, argv[argc - 1]));
	if (since == 0 && pthread_create(&thread, NULL, reader, &b) != 0)
		errx(1, "pthread_create");
	cpu_run(&b, since != 0);
	report(since);
	return 0;
}
