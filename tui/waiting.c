
#include <event2/event.h>

#include "config/clock.h"
#include "tui/ui.h"

/* The older of two beginnings, of which 0 is none. */
static int64_t
older(int64_t a, int64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

static unsigned
seconds_since(int64_t since)
{
	return since == 0 ? 0 : (unsigned)((clock_ms() - since) / 1000);
}

static int64_t
since(const struct ui *ui)
{
	return older(wire_waits(ui->wire), commands_since(&ui->commands));
}

unsigned
waiting_seconds(const struct ui *ui)
{
	return seconds_since(since(ui));
}

/* Again when another second is full, so that it counts evenly. */
static void
tick(int fd, short what, void *arg)
{
	struct ui *ui = arg;
	int64_t from = since(ui), left;
	struct timeval tv;

	if (from != 0) {
		left = 1000 - (clock_ms() - from) % 1000;
		tv.tv_sec = (time_t)(left / 1000);
		tv.tv_usec = (suseconds_t)(left % 1000 * 1000);
		evtimer_add(ui->waiting.timer, &tv);
	}
	ui_dirty(ui, DIRTY_TOP | DIRTY_BOTTOM);
}

int
waiting_begin(struct ui *ui)
{
	ui->waiting.timer = evtimer_new(ui->base, tick, ui);
	return ui->waiting.timer != NULL ? 0 : -1;
}

void
waiting_end(struct ui *ui)
{
	if (ui->waiting.timer != NULL)
		event_free(ui->waiting.timer);
}

void
waiting_changed(struct ui *ui)
{
	/* The first question is asked before there is a wire to ask about. */
	if (ui->wire == NULL)
		return;
	if (since(ui) == 0)
		evtimer_del(ui->waiting.timer);
	if (!evtimer_pending(ui->waiting.timer, NULL))
		tick(-1, 0, ui);
}

const char *
waiting_refuse(struct ui *ui)
{
	int64_t from =
	    older(wire_asked(ui->wire), commands_since(&ui->commands));

	return seconds_since(from) > 0 ? NULL
				       : "There is nothing to go back to.";
}

void
waiting_give_up(struct ui *ui)
{
	commands_give_up(ui);
	wire_give_up(ui->wire);
}
