/* A map of 8-byte keys and values of one design, to look into and to break. */
#ifndef TESTS_MAPS_DESIGNS_H
#define TESTS_MAPS_DESIGNS_H

#include "maps/kind_designs.h"
#include "support.h"

/* CHECK with nothing more to say. */
#define HOLDS(e) CHECK(e, "in %s", __func__)

struct subject {
  struct go_g *g;
  const struct map_kind *kind;
  const struct map_type *t;
  void *m;
};

void subject_make(struct subject *s, struct go_g *g, const struct map_kind *kind, int64_t hint,
                  void **root);
/* The value of a key is the key. */
void subject_put(struct subject *s, uint64_t key);
bool subject_has(struct subject *s, uint64_t key);
bool subject_remove(struct subject *s, uint64_t key);
struct map_kind_stats subject_stats(struct subject *s);
/* The check must say these words; NULL: it must find nothing. */
void subject_expect(struct subject *s, const char *words);

/* Breaks the map; the words the check must say. */
typedef const char *break_fn(struct subject *s);
/* Makes a map, fills it and breaks it, once for each of the ways. */
void break_all(struct go_g *g, const struct map_kind *kind, void (*fill)(struct subject *s),
               break_fn *const *ways, size_t count);

#endif
