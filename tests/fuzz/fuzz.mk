# Fuzzers, with clang's libFuzzer: build/fuzz/fuzz_NAME [CORPUS] runs until it
# finds something.

FUZZ = $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

# A disk below it that finishes requests in any order.
build/fuzz/fuzz_qcow2: FUZZ_MORE = tests/block/recorder.c \
	tests/block/smallcache.c -Wl,--wrap=block_uring_new \
	-Wl,--wrap=cache_init

build/fuzz/%: tests/fuzz/%.c $(SRC) $(GENERATED)
	@mkdir -p $(@D)
	@$(SAY) "  LINK  $@"
	$(Q)clang $(CPPFLAGS) -I$(B)/gen -std=c11 -g -O1 -pthread \
	    -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
	    -o $@ $< $(FUZZ_MORE) $(filter-out tui/main.c,$(SRC)) $(LDLIBS)

fuzz: $(FUZZ)

.PHONY: fuzz
