# What figures are measured with and against.

BENCH_B = build/tests/bench

$(BENCH_B)/bare $(BENCH_B)/launch: $(BENCH_B)/%: tests/bench/%.c \
    tests/bench/bench.mk
	@mkdir -p $(@D)
	@$(SAY) "  LINK  $@"
	$(Q)gcc -I. -std=c11 -D_GNU_SOURCE -O2 -pthread $(WARN) -o $@ $<

build/rel/tests/bench/%: build/rel/tests/bench/%.o build/rel/libvmtui.a
	@$(SAY) "  LINK  $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $< build/rel/libvmtui.a $(LDLIBS)

bench: install-check all guest $(BENCH_B)/bare $(BENCH_B)/launch \
    build/rel/tests/bench/bench_term build/rel/tests/bench/bench_virtq \
    build/rel/tests/bench/bench_block
	@tests/bench/run

-include $(wildcard build/rel/tests/bench/*.d)
