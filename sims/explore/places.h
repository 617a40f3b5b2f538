/* Where in the source something is. */
#ifndef SIMS_EXPLORE_PLACES_H
#define SIMS_EXPLORE_PLACES_H

#include <stdbool.h>
#include <stddef.h>

enum { XP_PLACE_TEXT = 160 };

/* What has been asked for; made outside of the world, and not changed by restoring it. */
struct xp_places;
struct xp_places *xp_places_new(void);
void xp_places_free(struct xp_places *p);

/* place: a struct plat_site, or if is_code a return address. "pool_put (gc/x.c:49)"; of code that
 * addr2line (binutils) does not know, "code+0x1234". */
void xp_place_text(struct xp_places *p, const void *place, bool is_code, char *out, size_t bytes);

#endif
