/* The mouse in the view of guests: the list here, the rest console.c. */
#include "tui/ui.h"

#define WHEEL_UP   4
#define WHEEL_DOWN 5

static void
list_pressed(struct ui *ui, const struct mouse *m)
{
	struct guests_view *v = &ui->guests;
	size_t i = v->top + (size_t)(m->row - ui->layout.list.y);

	if (ui->console.focus)
		console_leave(ui);
	if (m->button == WHEEL_UP || m->button == WHEEL_DOWN)
		guests_move(ui, m->button == WHEEL_UP ? -1 : 1);
	else if (m->button == 1 && i < v->nshown)
		guests_select(ui, v->shown[i]->name);
}

void
guests_mouse(struct ui *ui, const struct mouse *m)
{
	const struct rect *r = &ui->layout.list;

	if (ui->guests.pick.open) {
		pick_mouse(ui, &ui->guests.pick, m);
		return;
	}
	if (m->event == TERM_MOUSE_PRESS && m->row >= r->y &&
	    m->row < r->y + r->h && m->col >= r->x && m->col < r->x + r->w)
		list_pressed(ui, m);
	else
		console_mouse(ui, m);
}
