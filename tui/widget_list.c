#include "tui/widget.h"

size_t
list_scroll(size_t top, size_t selected, size_t n, size_t h)
{
	if (h == 0 || n <= h)
		return 0;
	if (selected < top)
		top = selected;
	if (selected >= top + h)
		top = selected - h + 1;
	return top > n - h ? n - h : top;
}
