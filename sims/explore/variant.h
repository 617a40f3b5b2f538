/* The variants of a scenario that its data choices give, and their preparation. A search enumerates
 * the variants outside the schedules: all where there are few, else a stratified sample. */
#ifndef SIMS_EXPLORE_VARIANT_H
#define SIMS_EXPLORE_VARIANT_H

#include "sims/engine.h"
#include "sims/explore/happens.h"

/* Number of combinations of all "choose"; 1 without any. */
uint64_t xp_variant_count(const struct scenario *sc);
/* The choice of every "choose" in combination number `variant`; out has room for choose_count. */
void xp_variant_choices(const struct scenario *sc, uint64_t variant, uint32_t *out);
/* Combination number i of n that are tried of `count`: spread over all of them, and so are the
 * first few. n: at most 2^31. */
uint64_t xp_variant_pick(uint64_t i, uint64_t n, uint64_t count, uint64_t seed);

/* Scenario sc with these choices and settings (path=value, more_count of them) in place, freed by
 * the caller; NULL: it is refused (message on stderr unless quiet). */
struct scenario *xp_variant_load(const struct scenario *sc, const uint32_t *choices,
                                 const struct sc_override *more, uint32_t more_count, bool quiet);

/* The scenario of a text, with settings in place; NULL: it is refused. Otherwise as above. */
struct scenario *xp_variant_read(const char *json, const struct sc_override *sets, uint32_t count,
                                 bool quiet);

/* What looks for plain-data races in the runs of a scenario whose points are at these sites (NULL:
 * everywhere), for xp_config; NULL: nobody has to. Freed with xp_happens_free. */
struct xp_happens *xp_variant_check(const struct scenario *sc, const uint8_t *point_sites);

/* The goroutine that a thread of the world runs, by its plat_self; NULL: none. */
const char *xp_goroutine_of(const void *self);

/* The classes of operations that are points of a scenario, for xp_config. */
static inline uint32_t xp_variant_classes(const struct scenario *sc) {
  return sc->explore_points << 1 | 1u << PLAT_CLASS_PROGRAM;
}

/* Prepares the world of sc. e is the engine; TRI_EXIT_OK: prepared. A failure in the setup ends the
 * program. */
int xp_variant_prepare(struct engine *e, struct scenario *sc);

#endif
