#include "tui/view.h"

const struct view *const views[] = {&view_guests, &view_consoles,
    &view_switches, &view_config, &view_images, &view_log, &view_dashboard,
    NULL};
