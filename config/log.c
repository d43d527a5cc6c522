#include <sys/stat.h>

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "config/log.h"

#define GUEST_LINES_A_SECOND 5
#define LOG_LOOK             (4 << 10)

/* Guards the file's end and the two below; a leaf. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static size_t unchecked = LOG_LOOK; /* bytes written since the last look */
static char kept[LOG_KEEP];
static bool quiet; /* set before there are threads */

/* Keeps the newest LOG_KEEP bytes, from a whole line on. */
static void
shrink(void)
{
	const char *from;
	struct stat st;
	ssize_t n;

	if (fstat(STDERR_FILENO, &st) == -1 || !S_ISREG(st.st_mode) ||
	    st.st_size < LOG_MAX)
		return;
	n = pread(STDERR_FILENO, kept, sizeof kept, st.st_size - LOG_KEEP);
	if (n <= 0 || (from = memchr(kept, '\n', (size_t)n)) == NULL)
		return;
	from++;
	if (ftruncate(STDERR_FILENO, 0) == -1 ||
	    write(STDERR_FILENO, from, (size_t)(kept + n - from)) == -1)
		return;
}

static void
put_line(const char *line, size_t n)
{
	pthread_mutex_lock(&lock);
	/* Nobody to tell if even the log cannot be written. */
	if (write(STDERR_FILENO, line, n) != -1)
		unchecked += n;
	if (unchecked >= LOG_LOOK) {
		unchecked = 0;
		shrink();
	}
	pthread_mutex_unlock(&lock);
}

static void
write_line(const char *level, const char *fmt, va_list ap)
{
	char line[1024];
	struct timespec now;
	struct tm tm;
	size_t n;

	if (quiet)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	n = strftime(line, sizeof line, "%Y-%m-%dT%H:%M:%S", &tm);
	n += (size_t)snprintf(line + n, sizeof line - n, ".%03ld %s",
	    now.tv_nsec / 1000000, level);
	vsnprintf(line + n, sizeof line - n - 1, fmt, ap);
	n = strlen(line);
	line[n++] = '\n';
	put_line(line, n);
}

void
log_quiet(void)
{
	quiet = true;
}

void
log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	write_line("", fmt, ap);
	va_end(ap);
}

void
log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	write_line("warning: ", fmt, ap);
	va_end(ap);
}

void
log_guest(struct log_limit *limit, const char *fmt, ...)
{
	struct timespec now;
	va_list ap;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec != limit->second) {
		if (limit->dropped > 0)
			log_warn("the guest caused %u more lines like these",
			    limit->dropped);
		limit->second = now.tv_sec;
		limit->said = limit->dropped = 0;
	}
	if (limit->said >= GUEST_LINES_A_SECOND) {
		limit->dropped++;
		return;
	}
	limit->said++;
	va_start(ap, fmt);
	write_line("guest: ", fmt, ap);
	va_end(ap);
}
