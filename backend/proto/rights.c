#include "backend/proto/conn.h"
#include "backend/proto/rights.h"

void
rights_init(struct rights *r)
{
	r->group = r->owner_user = r->owner_group = RIGHTS_NOBODY;
}

json_t *
rights_encode(const struct rights *r)
{
	return json_pack("{s:I, s:I, s:I}", "group", (json_int_t)r->group,
	    "owner_user", (json_int_t)r->owner_user, "owner_group",
	    (json_int_t)r->owner_group);
}

/* 2^32 - 1 is what the kernel says where there is none. */
static int64_t
number(const json_t *json, const char *name)
{
	const json_t *value = json_object_get(json, name);
	json_int_t n = json_integer_value(value);

	return json_is_integer(value) && n >= 0 && n < UINT32_MAX
	    ? n
	    : RIGHTS_NOBODY;
}

void
rights_decode(const json_t *json, struct rights *r)
{
	r->group = number(json, "group");
	r->owner_user = number(json, "owner_user");
	r->owner_group = number(json, "owner_group");
}

static bool
in_group(const struct conn *c, int64_t gid)
{
	return gid != RIGHTS_NOBODY && conn_peer_in_group(c, (unsigned)gid);
}

enum right
rights_of(const struct rights *r, const struct conn *c)
{
	if (in_group(c, r->group))
		return RIGHT_ALL;
	if (r->owner_user == (int64_t)conn_peer_uid(c) ||
	    in_group(c, r->owner_group))
		return RIGHT_OWNER;
	return RIGHT_NONE;
}
