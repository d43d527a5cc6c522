#include <sys/utsname.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/supervisor/clients.h"
#include "backend/supervisor/figures.h"
#include "backend/supervisor/process.h"
#include "backend/supervisor/rates.h"
#include "backend/supervisor/registry.h"
#include "config/clock.h"

/* Samples nearer to each other than this say more about rounding than load. */
#define SAMPLE_MS 500

/* Reads a file of /proc as text. Returns 0, or -1 if there is none. */
static int
read_proc(const char *path, char *buf, size_t len)
{
	ssize_t n;
	int fd;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return -1;
	n = read(fd, buf, len - 1);
	close(fd);
	if (n < 0)
		return -1;
	buf[n] = '\0';
	return 0;
}

/* The value of a line "NAME:   123 kB", in bytes; 0 if there is none. */
static uint64_t
kilobytes(const char *text, const char *name)
{
	const char *p = strstr(text, name);

	return p != NULL ? strtoull(p + strlen(name), NULL, 10) << 10 : 0;
}

uint64_t
figures_host_memory(void)
{
	char text[2048];

	if (read_proc("/proc/meminfo", text, sizeof text) == -1)
		return 0;
	return kilobytes(text, "MemTotal:");
}

/* A number that the kernel tells of its pages of 2 MiB; -1: it does not. */
static int64_t
hugepages(const char *name)
{
	char path[128], text[32];

	snprintf(path, sizeof path,
	    "/sys/kernel/mm/hugepages/hugepages-2048kB/%s", name);
	if (read_proc(path, text, sizeof text) == -1)
		return -1;
	return strtoll(text, NULL, 10);
}

int
figures_host_hugepages(uint64_t *bytes)
{
	int64_t idle = hugepages("free_hugepages");
	int64_t promised = hugepages("resv_hugepages");
	int64_t more = hugepages("nr_overcommit_hugepages");
	int64_t made = hugepages("surplus_hugepages");

	if (idle == -1 || promised == -1 || more == -1 || made == -1)
		return -1;
	idle = idle > promised ? idle - promised : 0;
	if (more > made)
		idle += more - made;
	*bytes = (uint64_t)idle << 21;
	return 0;
}

int
figures_host_free(uint64_t *total, uint64_t *available)
{
	const char *path = "/proc/meminfo";
	char text[2048];

#ifdef VMTUI_TEST_CONFINE
	if (getenv("VMTUI_TEST_MEMINFO") != NULL)
		path = getenv("VMTUI_TEST_MEMINFO");
#endif
	if (read_proc(path, text, sizeof text) == -1)
		return -1;
	*total = kilobytes(text, "MemTotal:");
	*available = kilobytes(text, "MemAvailable:");
	return *total > 0 && *available > 0 ? 0 : -1;
}

/* Ticks of CPU that a process used in all; 0 if it is gone. */
static uint64_t
process_ticks(pid_t pid)
{
	char path[40], text[1024], *p;
	uint64_t user, sys;

	snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
	if (pid <= 0 || read_proc(path, text, sizeof text) == -1)
		return 0;
	/* The name in the second field may hold anything, brackets too. */
	if ((p = strrchr(text, ')')) == NULL ||
	    sscanf(p + 1,
		" %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64
		" %" SCNu64,
		&user, &sys) != 2)
		return 0;
	return user + sys;
}

uint64_t
figures_ticks(const struct guest *g)
{
	return process_ticks(process_pid(g));
}

/* RAM of the guest that is there: its memfd counts as shared memory. */
static uint64_t
process_memory(pid_t pid, int *threads)
{
	char path[40], text[4096], *p;

	*threads = 0;
	snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
	if (pid <= 0 || read_proc(path, text, sizeof text) == -1)
		return 0;
	if ((p = strstr(text, "Threads:")) != NULL)
		*threads = (int)strtol(p + strlen("Threads:"), NULL, 10);
	return kilobytes(text, "RssShmem:") + kilobytes(text, "HugetlbPages:");
}

uint64_t
figures_memory(const struct guest *g)
{
	int threads;

	return process_memory(process_pid(g), &threads);
}

static void
sample_guest(struct guest *g, uint64_t ticks)
{
	struct cpu_sample *s = &g->cpu;
	int64_t now = clock_ms();
	double seconds;

	if (s->when_ms != 0 && now - s->when_ms < SAMPLE_MS)
		return;
	if (s->when_ms != 0 && ticks >= s->busy) {
		seconds =
		    (double)(ticks - s->busy) / (double)sysconf(_SC_CLK_TCK);
		s->percent =
		    (int)(seconds * 100000 / (double)(now - s->when_ms) + 0.5);
	}
	s->busy = ticks;
	s->when_ms = now;
}

static void
sample_host(struct cpu_sample *s)
{
	uint64_t v[8] = {0}, total = 0, busy;
	char text[512];
	unsigned i;

	if (read_proc("/proc/stat", text, sizeof text) == -1 ||
	    sscanf(text,
		"cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
		" %" SCNu64 " %" SCNu64 " %" SCNu64,
		&v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7]) < 4)
		return;
	for (i = 0; i < 8; i++)
		total += v[i];
	busy = total - v[3] - v[4]; /* idle, waiting for I/O */
	if (s->total != 0 && total <= s->total)
		return;
	if (s->total != 0 && busy >= s->busy)
		s->percent = (int)((busy - s->busy) * 100 / (total - s->total));
	s->busy = busy;
	s->total = total;
}

static json_t *
percent(int n)
{
	return n >= 0 ? json_integer(n) : json_null();
}

json_t *
figures_host(struct backend *b)
{
	char text[2048] = "";
	struct utsname un;
	uint64_t total;

	uname(&un);
	read_proc("/proc/meminfo", text, sizeof text);
	total = kilobytes(text, "MemTotal:");
	sample_host(&b->host_cpu);
	return json_pack("{s:s, s:I, s:I, s:I, s:o}", "name", un.nodename,
	    "cpus", (json_int_t)sysconf(_SC_NPROCESSORS_ONLN), "memory",
	    (json_int_t)total, "memory_used",
	    (json_int_t)(total - kilobytes(text, "MemAvailable:")), "cpu",
	    percent(b->host_cpu.percent));
}

void
figures_guest(struct guest *g, json_t *obj)
{
	pid_t pid = process_pid(g);
	uint64_t ticks = process_ticks(pid);
	int threads;

	if (pid > 0)
		sample_guest(g, ticks);
	json_object_set_new(obj, "cpu", percent(g->cpu.percent));
	json_object_set_new(obj, "cpu_time",
	    json_real((double)ticks / (double)sysconf(_SC_CLK_TCK)));
	json_object_set_new(obj, "memory_used",
	    json_integer((json_int_t)process_memory(pid, &threads)));
	json_object_set_new(obj, "threads", json_integer(threads));
	rates_json(g, obj);
	if (g->balloon != NULL)
		json_object_set(obj, "balloon", g->balloon);
	json_object_set_new(obj, "uptime",
	    json_integer(
		g->started != 0 ? (json_int_t)(time(NULL) - g->started) : 0));
}

static void
on_second(evutil_socket_t sock, short what, void *arg)
{
	json_t *guests = json_array(), *obj;
	struct backend *b = arg;
	struct guest *g;

	TAILQ_FOREACH (g, &b->guests, entry) {
		if (!registry_runs(g))
			continue;
		process_ping(g);
		rates_ask(g);
		obj = json_pack("{s:s}", "name", g->name);
		figures_guest(g, obj);
		json_array_append_new(guests, obj);
	}
	clients_figures(b,
	    json_pack("{s:o, s:o}", "host", figures_host(b), "guests", guests));
}

void
figures_update(struct backend *b)
{
	const struct timeval second = {1, 0};
	bool want = clients_want_figures(b) && registry_running(b) > 0;
	struct guest *g;

	if (b->figures_timer == NULL)
		b->figures_timer =
		    event_new(b->base, -1, EV_PERSIST, on_second, b);
	if (b->figures_timer == NULL)
		return;
	if (!want)
		event_del(b->figures_timer);
	else if (!evtimer_pending(b->figures_timer, NULL)) {
		event_add(b->figures_timer, &second);
		/* What they did since somebody looked last. */
		TAILQ_FOREACH (g, &b->guests, entry)
			if (registry_runs(g))
				rates_ask(g);
	}
}

void
figures_close(struct backend *b)
{
	if (b->figures_timer != NULL)
		event_free(b->figures_timer);
	b->figures_timer = NULL;
}
