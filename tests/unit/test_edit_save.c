/* config/edit: what is on the disk afterwards, whatever goes wrong. */
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "config/edit.h"

#define TEXT "# mine\n[vm a]\nmemory = 512M\n"

static struct error err;
static char folder[64];

static const char *
at(const char *name)
{
	static char buf[4][PATH_MAX];
	static int n;

	n = (n + 1) % 4;
	snprintf(buf[n], sizeof buf[n], "%s/%s", folder, name);
	return buf[n];
}

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_int_equal(fputs(text, f) == EOF, 0);
	assert_int_equal(fclose(f), 0);
}

static void
assert_file(const char *path, const char *text)
{
	char buf[4096] = "";
	FILE *f = fopen(path, "re");

	assert_non_null(f);
	buf[fread(buf, 1, sizeof buf - 1, f)] = '\0';
	fclose(f);
	assert_string_equal(buf, text);
}

/* How many files are in the folder, hidden ones too. */
static int
files(void)
{
	DIR *dir = opendir(folder);
	struct dirent *d;
	int n = 0;

	assert_non_null(dir);
	while ((d = readdir(dir)) != NULL)
		n +=
		    strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
	closedir(dir);
	return n;
}

static int
setup(void **state)
{
	snprintf(folder, sizeof folder, "/tmp/vmtui-edit.XXXXXX");
	return mkdtemp(folder) == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	char command[PATH_MAX];
	pid_t pid;

	snprintf(command, sizeof command, "%s", folder);
	if ((pid = fork()) == 0) {
		execlp("rm", "rm", "-rf", command, (char *)NULL);
		_exit(1);
	}
	return waitpid(pid, NULL, 0) == pid ? 0 : -1;
}

static struct edit *
opened(const char *path)
{
	struct edit *e;

	assert_int_equal(edit_open(path, &e, &err), 0);
	return e;
}

static void
set_memory(struct edit *e, const char *value)
{
	assert_int_equal(
	    edit_set(e, CONFIG_VM, "a", "memory", 0, value, &err), 0);
}

static void
test_edit_save_keeps_mode_and_owner(void **state)
{
	const char *path = at("f");
	struct stat st;
	struct edit *e;

	write_file(path, TEXT);
	assert_int_equal(chmod(path, 0640), 0);
	if (geteuid() == 0)
		assert_int_equal(chown(path, 12, 34), 0);
	e = opened(path);
	set_memory(e, "1G");
	assert_int_equal(edit_save(e, &err), EDIT_SAVED);
	assert_false(edit_changed(e));
	edit_free(e);
	assert_file(path, "# mine\n[vm a]\nmemory = 1G\n");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	if (geteuid() == 0) {
		assert_int_equal(st.st_uid, 12);
		assert_int_equal(st.st_gid, 34);
	}
	assert_int_equal(files(), 1);
}

static void
test_edit_save_replaces_the_file_at_once(void **state)
{
	const char *path = at("f");
	char buf[64] = "";
	struct edit *e;
	int fd;

	write_file(path, TEXT);
	assert_true((fd = open(path, O_RDONLY | O_CLOEXEC)) >= 0);
	e = opened(path);
	set_memory(e, "1G");
	assert_int_equal(edit_save(e, &err), EDIT_SAVED);
	/* Who reads the old one reads all of it. */
	assert_int_equal(read(fd, buf, sizeof buf - 1), strlen(TEXT));
	assert_string_equal(buf, TEXT);
	close(fd);
	edit_free(e);
}

static void
test_edit_save_follows_symbolic_links(void **state)
{
	struct stat st;
	struct edit *e;

	assert_int_equal(mkdir(at("real"), 0700), 0);
	write_file(at("real/f"), TEXT);
	assert_int_equal(symlink("real/f", at("one")), 0);
	assert_int_equal(symlink(at("one"), at("two")), 0);
	e = opened(at("two"));
	set_memory(e, "1G");
	assert_int_equal(edit_save(e, &err), EDIT_SAVED);
	edit_free(e);
	assert_int_equal(lstat(at("two"), &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_file(at("real/f"), "# mine\n[vm a]\nmemory = 1G\n");
	/* One that leads to no file yet, and one that leads nowhere. */
	assert_int_equal(symlink("real/new", at("three")), 0);
	e = opened(at("three"));
	assert_int_equal(edit_section_add(e, CONFIG_VM, "a", &err), 0);
	assert_int_equal(edit_save(e, &err), EDIT_SAVED);
	edit_free(e);
	assert_file(at("real/new"), "[vm a]\n");
	assert_int_equal(symlink("loop", at("loop")), 0);
	assert_int_equal(edit_open(at("loop"), &e, &err), -1);
}

static void
test_edit_save_makes_the_first_file_and_its_folders(void **state)
{
	const char *path = at("x/y/vmtui.conf");
	mode_t mask = umask(027);
	struct stat st;
	struct edit *e;

	e = opened(path);
	assert_int_equal(edit_section_add(e, CONFIG_VM, "a", &err), 0);
	assert_int_equal(edit_save(e, &err), EDIT_SAVED);
	edit_free(e);
	umask(mask);
	assert_file(path, "[vm a]\n");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
}

static void
test_edit_save_notices_what_others_wrote(void **state)
{
	static const char other[] = "[vm a]\nmemory = 2G\n[vm b]\n";
	const char *path = at("f");
	struct edit *e;
	size_t len;

	write_file(path, TEXT);
	e = opened(path);
	set_memory(e, "1G");
	write_file(path, other);
	assert_null(edit_theirs(e, NULL));
	assert_int_equal(edit_save(e, &err), EDIT_OTHER);
	assert_file(path, other);
	/* The three texts to choose from. */
	assert_string_equal(edit_theirs(e, &len), other);
	assert_int_equal(len, strlen(other));
	assert_string_equal(edit_base(e, NULL), TEXT);
	assert_string_equal(
	    edit_text(e, NULL), "# mine\n[vm a]\nmemory = 1G\n");
	/* Somebody who is faster still is noticed too. */
	edit_keep(e);
	write_file(path, "# again\n");
	assert_int_equal(edit_save(e, &err), EDIT_OTHER);
	edit_keep(e);
	assert_int_equal(edit_save(e, &err), EDIT_SAVED);
	assert_file(path, "# mine\n[vm a]\nmemory = 1G\n");
	write_file(path, other);
	set_memory(e, "3G");
	assert_int_equal(edit_save(e, &err), EDIT_OTHER);
	edit_reload(e);
	assert_string_equal(edit_text(e, NULL), other);
	assert_false(edit_changed(e));
	set_memory(e, "4G");
	assert_int_equal(edit_save(e, &err), EDIT_SAVED);
	assert_file(path, "[vm a]\nmemory = 4G\n[vm b]\n");
	edit_free(e);
}

static void
test_edit_save_notices_a_file_that_came_or_went(void **state)
{
	const char *path = at("f");
	struct edit *e = opened(path);

	assert_int_equal(edit_section_add(e, CONFIG_VM, "a", &err), 0);
	write_file(path, "");
	assert_int_equal(edit_save(e, &err), EDIT_OTHER);
	edit_keep(e);
	assert_int_equal(edit_save(e, &err), EDIT_SAVED);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(edit_set(e, CONFIG_VM, "a", "cpus", 0, "2", &err), 0);
	assert_int_equal(edit_save(e, &err), EDIT_OTHER);
	edit_keep(e);
	assert_int_equal(edit_save(e, &err), EDIT_SAVED);
	assert_file(path, "[vm a]\ncpus = 2\n");
	edit_free(e);
}

static void
assert_old_stays(struct edit *e, const char *path, const char *why)
{
	int before = files();

	set_memory(e, "1G");
	err.text[0] = '\0';
	assert_int_equal(edit_save(e, &err), EDIT_FAILED);
	if (strstr(err.text, why) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", err.text, why);
	assert_file(path, TEXT);
	assert_int_equal(files(), before);
	assert_true(edit_changed(e));
	edit_free(e);
}

static void
test_edit_save_leaves_the_old_file_where_none_can_be_made(void **state)
{
	const char *path = at("f");
	struct edit *e;

	/* Root may write anywhere. */
	if (getuid() == 0) {
		assert_int_equal(chown(folder, 65534, 65534), 0);
		assert_int_equal(seteuid(65534), 0);
	}
	write_file(path, TEXT);
	e = opened(path);
	assert_int_equal(chmod(folder, 0500), 0);
	assert_old_stays(e, path, "Permission denied");
	assert_int_equal(chmod(folder, 0700), 0);
	/* One that its owner does not want written. */
	assert_int_equal(chmod(path, 0400), 0);
	e = opened(path);
	assert_old_stays(e, path, "cannot be written");
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
}

static void
test_edit_save_leaves_the_old_file_when_writing_fails(void **state)
{
	struct rlimit old, none;
	const char *path = at("f");
	struct edit *e;

	write_file(path, TEXT);
	e = opened(path);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	none = old;
	none.rlim_cur = 4;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	set_memory(e, "1G");
	assert_int_equal(edit_save(e, &err), EDIT_FAILED);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_non_null(strstr(err.text, "the file is as it was"));
	assert_file(path, TEXT);
	assert_int_equal(files(), 1);
	/* With room again the same edit is saved. */
	assert_int_equal(edit_save(e, &err), EDIT_SAVED);
	edit_free(e);
}

/* A file system of 64 KiB, filled. */
static int
full_disk(void)
{
	char path[PATH_MAX], block[4096] = {0};
	struct edit *e;
	ssize_t n;
	int fd;

	if (unshare(CLONE_NEWNS) == -1 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == -1 ||
	    mount("none", folder, "tmpfs", 0, "size=64k") == -1)
		return 77;
	snprintf(path, sizeof path, "%s", at("f"));
	write_file(path, TEXT);
	fd = open(at("fill"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	while ((n = write(fd, block, sizeof block)) > 0)
		;
	close(fd);
	if (edit_open(path, &e, &err) == -1)
		return 2;
	if (edit_set(e, CONFIG_VM, "a", "memory", 0, "1G", &err) == -1 ||
	    edit_save(e, &err) != EDIT_FAILED ||
	    strstr(err.text, strerror(ENOSPC)) == NULL)
		return 3;
	edit_free(e);
	if (edit_open(path, &e, &err) == -1 ||
	    strcmp(edit_text(e, NULL), TEXT) != 0 || files() != 2)
		return 4;
	edit_free(e);
	return 0;
}

static void
test_edit_save_leaves_the_old_file_on_a_full_disk(void **state)
{
	int status;
	pid_t pid;

	fflush(stdout);
	if ((pid = fork()) == 0)
		_exit(full_disk());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		SKIP("no file system can be mounted here");
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
test_edit_open_says_what_is_no_file(void **state)
{
	struct edit *e;

	assert_int_equal(edit_open(folder, &e, &err), -1);
	assert_non_null(strstr(err.text, "not a regular file"));
	assert_int_equal(mkfifo(at("pipe"), 0600), 0);
	assert_int_equal(edit_open(at("pipe"), &e, &err), -1);
	assert_null(e);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_edit_save_keeps_mode_and_owner),
	    TEST(test_edit_save_replaces_the_file_at_once),
	    TEST(test_edit_save_follows_symbolic_links),
	    TEST(test_edit_save_makes_the_first_file_and_its_folders),
	    TEST(test_edit_save_notices_what_others_wrote),
	    TEST(test_edit_save_notices_a_file_that_came_or_went),
	    TEST(test_edit_save_leaves_the_old_file_where_none_can_be_made),
	    TEST(test_edit_save_leaves_the_old_file_when_writing_fails),
	    TEST(test_edit_save_leaves_the_old_file_on_a_full_disk),
	    TEST(test_edit_open_says_what_is_no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
