/*
 * confine.c: what the process gives up while it is still one thread.
 *
 * As root it takes a user of its own. As anybody else it makes a user
 * namespace, where the host lets it, to be allowed the rest. The backend
 * (spawn.c) starts it in what namespaces it can: all in one is quicker, and a
 * process cannot move itself into a PID namespace.
 */
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backend/guest/confine.h"
#include "backend/proto/proto.h"
#include "config/log.h"

#define NOTES     24
#define MAX_FILES 2048 /* a processor, a queue, a watcher: a few each */
#define MAX_TASKS 384 /* threads, and the kernel's for io_uring and vhost */

/* Of the process, as what it describes is. Main thread. */
static struct {
	const char *holds[NOTES], *refused[NOTES];
	unsigned held, missed;
	char why[512]; /* what was refused, for the one line in the log */
	pid_t pid;
	uid_t uid;
} state;

void
confine_note(const char *what, int error)
{
	size_t n = strlen(state.why);

	if (error == 0 && state.held < NOTES)
		state.holds[state.held++] = what;
	if (error == 0 || state.missed == NOTES)
		return;
	state.refused[state.missed++] = what;
	snprintf(state.why + n, sizeof state.why - n, "%s%s (%s)",
	    n > 0 ? ", " : "", what, strerror(error));
}

/* Notes a call that returns -1 and errno where it fails. */
static bool
note(const char *what, int rc)
{
	confine_note(what, rc == -1 ? errno : 0);
	return rc != -1;
}

/*
 * The clock's rules are read now: there will be no /etc/localtime. With TZ
 * unset the C library would look again whether the file has changed.
 */
static void
read_timezone(void)
{
	setenv("TZ", ":/etc/localtime", 0);
	tzset();
}

/* In the host's numbers, also from within a PID namespace. */
static pid_t
outer_pid(void)
{
	char text[16];
	ssize_t n = readlink("/proc/self", text, sizeof text - 1);

	text[n > 0 ? n : 0] = '\0';
	return n > 0 ? (pid_t)strtol(text, NULL, 10) : getpid();
}

static int
write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd == -1)
		return -1;
	n = write(fd, text, strlen(text));
	close(fd);
	return n == -1 ? -1 : 0;
}

/* An ordinary user's way to the rest: itself, and nobody else, in its own. */
static int
own_users(void)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	char map[40];

	if (unshare(CLONE_NEWUSER) == -1)
		return -1;
	snprintf(map, sizeof map, "%u %u 1", (unsigned)uid, (unsigned)uid);
	if (write_file("/proc/self/uid_map", map) == -1)
		return -1;
	snprintf(map, sizeof map, "%u %u 1", (unsigned)gid, (unsigned)gid);
	if (write_file("/proc/self/setgroups", "deny") == -1)
		return -1;
	return write_file("/proc/self/gid_map", map);
}

/* Into a namespace of its own, unless the backend started it in one. */
static bool
own_namespace(const char *what, int flag)
{
	const char *born = getenv(PROTO_APART);

	if (born != NULL && (strtol(born, NULL, 16) & flag) != 0)
		return note(what, 0);
	return note(what, unshare(flag));
}

static void
own_namespaces(void)
{
	own_namespace("network namespace", CLONE_NEWNET);
	own_namespace("IPC namespace", CLONE_NEWIPC);
	own_namespace("UTS namespace", CLONE_NEWUTS);
	confine_note("PID namespace", getpid() == 1 ? 0 : EPERM);
}

/*
 * An empty, read-only file system becomes all that there is. The host's tree
 * stays in the namespace, out of reach for who has no descriptor of a folder
 * and no capability: to take it off (pivot_root, umount) waits for every
 * processor of the host, several milliseconds when these are busy.
 */
static int
enter_empty_root(void)
{
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    mount("none", "/proc", "tmpfs",
		MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
		"size=4096,nr_inodes=1,mode=0555") == -1 ||
	    chdir("/proc") == -1 || chroot(".") == -1)
		return -1;
	return chdir("/");
}

/*
 * Where there are no mounts to be had, a folder that holds nothing but our own
 * open descriptors' numbers, and in which nothing can be made.
 */
static int
enter_bare_root(void)
{
	return chroot("/proc/self/fdinfo") == -1 ? -1 : chdir("/");
}

static void
own_root(void)
{
	if (own_namespace("mount namespace", CLONE_NEWNS) &&
	    enter_empty_root() == 0)
		confine_note("empty root", 0);
	else
		note("empty root", enter_bare_root());
}

/* For processes of root's: a user that nobody else is. */
static void
own_user(void)
{
	uid_t uid = CONFINE_UID + (uid_t)state.pid;

	note("no groups", setgroups(0, NULL));
	note("own user",
	    setresgid(uid, uid, uid) == -1 ? -1 : setresuid(uid, uid, uid));
}

static void
no_capabilities(void)
{
	struct __user_cap_header_struct head = {
	    .version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2];
	unsigned cap;

	memset(none, 0, sizeof none);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	note("no capabilities", (int)syscall(SYS_capset, &head, none));
	for (cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
			break;
	confine_note("empty bounding set", cap <= CAP_LAST_CAP ? EPERM : 0);
	note("no new privileges", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

/* While it still may: nothing of it comes back. */
static void
empty_bounding_set(void)
{
	unsigned cap;

	for (cap = 0; cap <= CAP_LAST_CAP; cap++)
		prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
}

/* As <linux/landlock.h> of the newest kernel: older ones read less of it. */
struct ruleset {
	uint64_t files, ports, scopes;
};

/* Everything that this kernel's Landlock can forbid, with no exception. */
static int
no_paths(void)
{
	/* Rights by version: kernel's Documentation/userspace-api/landlock. */
	static const uint8_t rights[] = {0, 13, 14, 15, 15, 16};
	struct ruleset rules = {0};
	size_t size = sizeof rules.files;
	int abi, fd, rc;

	abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < 1)
		return -1;
	rules.files = (1u << rights[abi < 5 ? abi : 5]) - 1;
	if (abi >= 4) {
		rules.ports = 3; /* TCP: bind, connect */
		size = 2 * sizeof rules.files;
	}
	if (abi >= 6) {
		rules.scopes = 3; /* abstract sockets, signals */
		size = sizeof rules;
	}
	fd = (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0);
	if (fd == -1)
		return -1;
	rc = (int)syscall(SYS_landlock_restrict_self, fd, 0);
	close(fd);
	return rc;
}

static int
limit(int what, rlim_t most)
{
	struct rlimit have, want = {most, most};

	if (getrlimit((__rlimit_resource_t)what, &have) == 0 &&
	    have.rlim_max < most)
		want.rlim_cur = want.rlim_max = have.rlim_max;
	return setrlimit((__rlimit_resource_t)what, &want);
}

/*
 * The number of tasks is counted for each user: only one's own can be told
 * its limit. io_uring's helpers count too, and without them a disk fails.
 */
static void
set_limits(bool root)
{
	bool failed = limit(RLIMIT_NOFILE, MAX_FILES) == -1 ||
	    limit(RLIMIT_CORE, 0) == -1 || limit(RLIMIT_MSGQUEUE, 0) == -1 ||
	    (root && limit(RLIMIT_NPROC, MAX_TASKS) == -1);

	note("limits", failed ? -1 : 0);
}

void
confine_process(void)
{
	bool root = geteuid() == 0;

	read_timezone();
	state.pid = outer_pid();
	if (!root)
		note("user namespace", own_users());
	own_namespaces();
	own_root();
	empty_bounding_set();
	if (root)
		own_user();
	state.uid = getuid();
	set_limits(root);
	no_capabilities();
	note("Landlock", no_paths());
	confine_calls_prepare();
}

void
confine_threads(void)
{
	confine_trap();
	thread_confine_with(confine_calls);
}

void
confine_main(void)
{
	confine_calls(THREAD_MAIN);
	if (state.missed > 0)
		log_info("this host refuses some of a guest's confinement: %s; "
			 "the rest holds",
		    state.why);
}

pid_t
confine_pid(void)
{
	return state.pid;
}

static json_t *
list(const char *const *words, unsigned n)
{
	json_t *array = json_array();
	unsigned i;

	for (i = 0; i < n; i++)
		json_array_append_new(array, json_string(words[i]));
	return array;
}

json_t *
confine_status(void)
{
	return json_pack("{s:I, s:o, s:o}", "uid", (json_int_t)state.uid,
	    "holds", list(state.holds, state.held), "refused",
	    list(state.refused, state.missed));
}
