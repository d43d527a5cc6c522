# Fuzzers, with clang's libFuzzer: build/fuzz/fuzz_NAME [CORPUS] runs until it
# finds something.

FUZZ = $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

build/fuzz/%: tests/fuzz/%.c $(SRC) $(GENERATED)
	@mkdir -p $(@D)
	@$(SAY) "  LINK  $@"
	$(Q)clang $(CPPFLAGS) -I$(B)/gen -std=c11 -g -O1 -pthread \
	    -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
	    -o $@ $< $(filter-out tui/main.c,$(SRC)) $(LDLIBS)

fuzz: $(FUZZ)

.PHONY: fuzz
