#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "backend/proto/text.h"

/*
 * The length of the UTF-8 sequence at s, 0 if there is none (RFC 3629, 4:
 * neither overlong forms, surrogates nor what is beyond U+10FFFF). It never
 * looks behind a zero byte.
 */
static size_t
sequence(const unsigned char *s)
{
	unsigned char low = 0x80, high = 0xBF;
	size_t len, i;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xC2 || s[0] > 0xF4)
		return 0;
	len = s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
	if (s[0] == 0xE0)
		low = 0xA0;
	else if (s[0] == 0xED)
		high = 0x9F;
	else if (s[0] == 0xF0)
		low = 0x90;
	else if (s[0] == 0xF4)
		high = 0x8F;
	for (i = 1; i < len; i++) {
		if (s[i] < low || s[i] > high)
			return 0;
		low = 0x80;
		high = 0xBF;
	}
	return len;
}

json_t *
text_json(const char *s)
{
	json_t *json;
	char *copy;
	size_t i, n;

	if (s == NULL)
		s = "";
	if ((json = json_string(s)) != NULL || (copy = strdup(s)) == NULL)
		return json;
	for (i = 0; copy[i] != '\0'; i += n > 0 ? n : 1)
		if ((n = sequence((unsigned char *)copy + i)) == 0)
			copy[i] = '?';
	json = json_string(copy);
	free(copy);
	return json;
}
