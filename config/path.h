/* path.h: the folder of a configuration file. Private to config/. */
#ifndef CONFIG_PATH_H
#define CONFIG_PATH_H

/* The folder that path is in, absolute; path may be NULL. For free(). */
char *path_folder(const char *path);

#endif
