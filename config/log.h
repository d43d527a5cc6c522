/*
 * log.h: what a process without a terminal has to say.
 *
 * One line a call, "2026-11-22T10:41:07.123 warning: text", written to
 * standard error with one write(), so lines of several threads do not mix.
 * The backend gives each guest process a log file as standard error. Any
 * thread may call. The screen itself never logs here.
 *
 * A file that has grown to LOG_MAX loses its older three quarters: whoever
 * writes it does that, in place and through the descriptor alone, since a
 * guest process may outlive the backend and cannot open files.
 */
#ifndef CONFIG_LOG_H
#define CONFIG_LOG_H

#define LOG_MAX  (1 << 20) /* bytes */
#define LOG_KEEP (256 << 10)

void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Nothing is logged from now on: for a process that a person runs and that
 * says itself what matters, on a standard error output that is no log. Before
 * there are threads.
 */
void log_quiet(void);

/*
 * For complaints that a guest can cause: says so at most a few times a second
 * and counts the rest, so that a hostile guest cannot fill the host's disk.
 * limit is the caller's own, zeroed at first.
 */
struct log_limit {
	long second;
	unsigned said;
	unsigned dropped;
};
void log_guest(struct log_limit *limit, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
