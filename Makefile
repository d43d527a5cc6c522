# vmtui: one program, built from the folders below.
#
#	make		build/vmtui
#	make run	install what is missing, build, open the screen
#	make check	install what tests need, build, pass every test
#	make golden	the pictures of the screen that tests compare, anew
#	make bench	the figures, beside the peers they are measured against
#	make install	DESTDIR and PREFIX are honoured
#
# VARIANT=asan builds the same sources under build/asan with AddressSanitizer
# and UndefinedBehaviorSanitizer; that is what the tests run. VARIANT=tsan, with
# ThreadSanitizer, is for tests/tsan.

VERSION = 0.1
PREFIX ?= /usr/local
VARIANT ?= rel

# Folders from the ground up: one may include headers of those before it,
# never of those after it (tests/layering.sh holds that).
FOLDERS = config term backend/proto backend/vmm backend/dev backend/block backend/image \
	backend/net backend/virtio backend/boot backend/guest \
	backend/supervisor backend/client tui/cli tui

# What a release has linked in: a guest process starts in a third of the time
# that it takes to find and bind as many shared libraries. Of the others Debian
# has no static one.
STATIC = ncursesw libevent_core vterm inih jansson liburing zlib \
	libzstd
SHARED = libmnl
LIBS = $(STATIC) $(SHARED) libseccomp

CC = gcc
WARN = -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wundef -Wvla \
	-Wold-style-definition -Wno-unused-parameter
CPPFLAGS = -I. -D_GNU_SOURCE -DVMTUI_VERSION='"$(VERSION)"' \
	$(shell pkg-config --cflags $(LIBS) 2>/dev/null)
LDLIBS_rel = -Wl,-Bstatic $(shell pkg-config --libs $(STATIC) 2>/dev/null) \
	-Wl,-Bdynamic $(shell pkg-config --libs $(SHARED) 2>/dev/null)
LDLIBS_asan = $(shell pkg-config --libs $(STATIC) $(SHARED) 2>/dev/null)
LDLIBS_tsan = $(LDLIBS_asan)
LDLIBS = $(LDLIBS_$(VARIANT)) -lutil
CFLAGS_rel = -O2 -D_FORTIFY_SOURCE=2
# What a guest may be told to try from inside (tests/confine) is not in a
# release: a command of the sanitized build's alone.
CFLAGS_asan = -DVMTUI_TEST_CONFINE -O1 -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
# Its calls in between make gcc see uses before a value that are none; the other
# variants look for these.
CFLAGS_tsan = -O1 -fsanitize=thread -fno-omit-frame-pointer \
	-Wno-maybe-uninitialized
CFLAGS = -std=c11 -g -pthread -fstack-protector-strong -fPIE $(WARN) \
	$(CFLAGS_$(VARIANT)) -MMD -MP
LDFLAGS = -pthread -pie -Wl,-z,relro -Wl,--as-needed $(CFLAGS_$(VARIANT))

# Commands are shown with V=1, one line a file otherwise, none with -s.
Q = $(if $(V),,@)
SAY = $(if $(findstring s,$(firstword -$(MAKEFLAGS))),:,echo)

B = build/$(VARIANT)
# A program of its own, which the build runs.
TOOL = backend/guest/confine_mkfilters.c
SRC = $(filter-out $(TOOL),$(sort $(wildcard $(addsuffix /*.c,$(FOLDERS)))))
OBJ = $(SRC:%.c=$(B)/%.o)
# What tests link: everything but main().
LIBOBJ = $(filter-out $(B)/tui/main.o,$(OBJ))
UNITSRC = $(sort $(wildcard tests/unit/test_*.c))
UNIT = $(UNITSRC:%.c=$(B)/%)

all: build/vmtui guest
	@:

build/vmtui: build/rel/vmtui
	@ln -sf rel/vmtui $@

$(B)/vmtui: $(OBJ)
	@$(SAY) "  LINK  $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $(OBJ) $(LDLIBS)

$(B)/%.o: %.c Makefile
	@mkdir -p $(@D)
	@$(SAY) "  CC    $<"
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

# The names of system calls by number, for what confinement has to say.
$(B)/gen/syscalls.h:
	@mkdir -p $(@D)
	echo '#include <asm/unistd.h>' | $(CC) -E -dM - | sed -n \
	    's/^#define __NR_\([a-z0-9_]*\) \([0-9]*\)$$/"\2 \1\\n"/p' >$@

# What each kind of thread in a guest process may call, as BPF.
$(B)/gen/mkfilters: $(TOOL:%.c=$(B)/%.o)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $< -lseccomp

$(B)/gen/filters.h: $(B)/gen/mkfilters
	$< >$@.new
	mv $@.new $@

GENERATED = $(B)/gen/filters.h $(B)/gen/syscalls.h
CONFINE = $(B)/backend/guest/confine_seccomp.o $(B)/backend/guest/confine_trap.o
$(CONFINE): CPPFLAGS += -I$(B)/gen
$(CONFINE): $(GENERATED)

$(B)/libvmtui.a: $(LIBOBJ)
	@rm -f $@
	$(Q)ar rcs $@ $(LIBOBJ)

$(B)/tests/unit/%: $(B)/tests/unit/%.o $(B)/libvmtui.a
	@$(SAY) "  LINK  $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $< $(B)/libvmtui.a $(LDLIBS) -lcmocka

unit: $(UNIT)

-include tests/guest/guest.mk tests/bench/bench.mk tests/fuzz/fuzz.mk \
	tests/block/block.mk \
	tests/man/man.mk

install-run:
	@tests/install run
install-check:
	@tests/install run check

run: install-run
	@$(MAKE) --no-print-directory all
	@tests/demo/run

check: install-check
	@tests/check

# Once the screen looks another way on purpose: read what git diff says then.
golden: install-check
	@$(MAKE) --no-print-directory VARIANT=asan build/asan/vmtui
	@GOLDEN=renew tests/tui/run 'golden_*'

install: build/rel/vmtui
	install -D -m 755 build/rel/vmtui $(DESTDIR)$(PREFIX)/bin/vmtui
	@for m in man/*.[1-8]; do set -x; install -D -m 644 $$m \
	    $(DESTDIR)$(PREFIX)/share/man/man$${m##*.}/$${m#man/} || exit; done
	install -D -m 644 completion/vmtui.bash \
	    $(DESTDIR)$(PREFIX)/share/bash-completion/completions/vmtui
	install -D -m 644 completion/vmtui.zsh \
	    $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_vmtui
	@set -e; for kind in system user; do for unit in service socket; do \
	    from=systemd/vmtui$$([ $$kind = system ] || echo -user).$$unit; \
	    to=$(DESTDIR)$(PREFIX)/lib/systemd/$$kind/vmtui.$$unit; \
	    mkdir -p "$${to%/*}"; \
	    sed 's|@BINDIR@|$(PREFIX)/bin|' $$from >"$$to"; \
	done; done

clean:
	rm -rf build

.PHONY: all unit install-run install-check run check golden bench install \
	clean
.SECONDARY:

-include $(OBJ:.o=.d) $(UNIT:=.d) $(TOOL:%.c=$(B)/%.d)
