# Fuzzers, with clang's libFuzzer: build/fuzz/fuzz_NAME [CORPUS] runs until it
# finds something.

FUZZ = $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

# A disk below it that finishes requests in any order.
build/fuzz/fuzz_qcow2: FUZZ_MORE = tests/block/recorder.c \
	tests/block/smallcache.c -Wl,--wrap=block_uring_new \
	-Wl,--wrap=cache_init

# A bus and a machine of pretence (tests/unit/virtio_rig.h) instead of ours.
build/fuzz/fuzz_virtio: FUZZ_SRC = $(wildcard config/*.c backend/block/*.c \
	backend/virtio/*.c) backend/vmm/guestmem.c backend/vmm/state.c \
	backend/net/vhost.c
build/fuzz/fuzz_virtio: FUZZ_MORE = -lcmocka

FUZZ_SRC = $(filter-out tui/main.c,$(SRC))
build/fuzz/%: tests/fuzz/%.c $(SRC) $(GENERATED)
	@mkdir -p $(@D)
	@$(SAY) "  LINK  $@"
	$(Q)clang $(CPPFLAGS) -I$(B)/gen -std=c11 -g -O1 -pthread \
	    -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
	    -o $@ $< $(FUZZ_SRC) $(FUZZ_MORE) $(LDLIBS)

fuzz: $(FUZZ)

.PHONY: fuzz
