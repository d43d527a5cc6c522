/*
 * list_print.c: how `vmtui image list` shows what it found.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/image/list.h"
#include "backend/image/tool.h"
#include "backend/proto/text.h"
#include "config/size.h"

static json_t *
json_of_users(const struct list_image *im)
{
	json_t *all = json_array();
	size_t i;

	for (i = 0; i < im->users; i++)
		json_array_append_new(all,
		    json_pack("{s:s, s:s, s:b}", "guest", im->user[i].guest,
			"as", im->user[i].cdrom ? "cdrom" : "disk", "readonly",
			(int)im->user[i].readonly));
	return all;
}

static json_t *
json_of_image(const struct list_image *im)
{
	json_t *obj = json_pack("{s:o, s:o}", "path", text_json(im->path),
	    "users", json_of_users(im));

	if (obj == NULL)
		return NULL;
	if (im->error != NULL)
		json_object_set_new(obj, "error", text_json(im->error));
	if (!im->known)
		return obj;
	json_object_set_new(
	    obj, "format", json_string(tool_format_name(im->format)));
	json_object_set_new(obj, "size", json_integer((json_int_t)im->size));
	json_object_set_new(
	    obj, "length", json_integer((json_int_t)im->length));
	json_object_set_new(obj, "used", json_integer((json_int_t)im->used));
	json_object_set_new(
	    obj, "snapshots", json_integer((json_int_t)im->snapshots));
	json_object_set_new(obj, "dirty", json_boolean(im->dirty));
	json_object_set_new(obj, "damaged", json_boolean(im->damaged));
	if (im->base != NULL)
		json_object_set_new(obj, "base", text_json(im->base));
	return obj;
}

static void
print_image(const struct list_image *im, int width)
{
	char size[8] = "", used[8] = "";
	size_t i;

	if (im->known) {
		size_short(im->size, size, sizeof size);
		size_short(im->used, used, sizeof used);
	}
	printf("%-*s  %-6s  %5s  %5s  ", width, im->path,
	    im->known ? tool_format_name(im->format) : "", size, used);
	for (i = 0; i < im->users; i++)
		printf("%s%s", i > 0 ? ", " : "", im->user[i].guest);
	if (im->base != NULL)
		printf("%sbased on %s", im->users > 0 ? "; " : "", im->base);
	printf("\n");
	if (im->error != NULL)
		printf("  %s\n", im->error);
}

int
list_print(const struct list *l, bool json)
{
	json_t *all;
	size_t i;
	int width = 5, n;

	if (json) {
		all = json_array();
		for (i = 0; i < l->n; i++)
			json_array_append_new(all, json_of_image(&l->image[i]));
		return tool_print_json(json_pack("{s:o}", "images", all));
	}
	for (i = 0; i < l->n; i++) {
		n = (int)strlen(l->image[i].path);
		if (n > width)
			width = n;
	}
	if (l->n > 0)
		printf("%-*s  %-6s  %5s  %5s  %s\n", width, "IMAGE", "FORMAT",
		    "SIZE", "USED", "BY");
	for (i = 0; i < l->n; i++)
		print_image(&l->image[i], width);
	return 0;
}
