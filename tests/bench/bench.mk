# What figures are measured with and against.

BENCH_B = build/tests/bench

$(BENCH_B)/bare: tests/bench/bare.c tests/bench/bench.mk
	@mkdir -p $(@D)
	gcc -std=c11 -D_GNU_SOURCE -O2 -pthread $(WARN) -o $@ $<
