/*
 * actions.h: what keys do to the selected guest. Each says at once what is
 * expected and corrects itself by the backend's answer. Those with _refuse
 * say why not now, or NULL (see keys.h). Main thread.
 */
#ifndef TUI_ACTIONS_H
#define TUI_ACTIONS_H

struct ui;

void action_start(struct ui *ui);
const char *action_start_refuse(struct ui *ui);
/* Asks the guest to shut down. */
void action_stop(struct ui *ui);
const char *action_stop_refuse(struct ui *ui);
/* Ends it at once, after a question. */
void action_force(struct ui *ui);
const char *action_force_refuse(struct ui *ui);
void action_pause(struct ui *ui);
const char *action_pause_refuse(struct ui *ui);
void action_unpause(struct ui *ui);
const char *action_unpause_refuse(struct ui *ui);
/* After a question. */
void action_reset(struct ui *ui);
const char *action_reset_refuse(struct ui *ui);
/* Asks for the path of an image, which goes into the CD-ROM drive. */
void action_insert(struct ui *ui);
const char *action_insert_refuse(struct ui *ui);
/* After a question if the guest has locked the drive. */
void action_eject(struct ui *ui);
const char *action_eject_refuse(struct ui *ui);
/* The backend reads the definitions again. */
void action_reload(struct ui *ui);
/* After the screen wrote the file: likewise, and a word only if it fails. */
void action_saved(struct ui *ui);

/* Their keys, the same wherever a guest is selected; see keys.h. */
/* clang-format off */
#define ACTION_BINDINGS							\
    {{'s', 0}, {0, 0}, "start", "start the guest",			\
	action_start_refuse, action_start},				\
    {{'S', 0}, {0, 0}, "stop", "ask the guest to shut down",		\
	action_stop_refuse, action_stop},				\
    {{'X', 0}, {0, 0}, "force off", "end the guest at once",		\
	action_force_refuse, action_force},				\
    {{'p', 0}, {0, 0}, "pause", "pause the guest, or let it go on",	\
	action_pause_refuse, action_pause},				\
    {{'p', 0}, {0, 0}, "unpause", NULL,				\
	action_unpause_refuse, action_unpause, "pause"},		\
    {{'r', 0}, {0, 0}, "reset", "reset the guest",			\
	action_reset_refuse, action_reset}
/* clang-format on */

#endif
