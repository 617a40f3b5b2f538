/* Every map design behind one table: Go's map as it is, under locks, sharded, sync.Map, the
 * article's variants, a Java-8-style chained table and a swiss table.
 *
 * Elements go in and out by value, because a concurrent design cannot hand out a slot.
 */
#ifndef MAPS_KIND_H
#define MAPS_KIND_H

#include "maps/map.h"

/* Facts about a design, asked by shared code and by the scenario loader's table. */
struct map_kind_facts {
  bool concurrent_reads;  /* get and iterate by several goroutines at once, no writer */
  bool concurrent_writes; /* every operation by any number of goroutines at once */
  bool detects_misuse;    /* forbidden concurrent use ends the run, best effort, in Go's words */
  bool linearizable;      /* put, get, delete of one key take effect at one instant */
  const char *iteration;  /* one clause: what an iteration sees beside concurrent writers */
};

/* What one map may be given beside its type. */
struct map_params {
  int64_t hint;      /* entries to make room for; 0: none */
  uint32_t shards;   /* sharded: a power of two, 1..65536; others ignore it */
  bool has_hash0;    /* Go's tables: they are seeded with hash0 instead of a draw */
  uint32_t hash0;
};

struct map_kind_stats {
  struct map_stats s;       /* where the design has such numbers, else 0 */
  uint64_t spin_pauses, spin_yields, spin_parks; /* bucket-spin: back-off stages taken */
  uint64_t lock_waits;      /* times a lock was not free at once, where counted */
  uint64_t migrations, migration_ns_max; /* global-lock: whole migrations, longest */
  uint64_t promotions, misses;           /* syncmap: dirty promoted, misses counted */
  uint64_t treeified, untreeified;       /* java8 */
  uint64_t tables, directory;            /* swiss: tables, directory entries */
};

/* Called for each entry; false ends the iteration. key and elem lie in frame slots or plain memory
 * of the iterating goroutine. May reach safepoints; must not use the map: its lock may be held. */
typedef bool map_visit(struct go_g *g, const void *key, void *elem, void *arg);

struct map_kind {
  const char *name, *doc;   /* as in scenarios; one sentence */
  struct map_kind_facts facts;
  /* A fresh map, a heap object the caller roots. Safepoint, as are all below. */
  void *(*create)(struct go_g *g, const struct map_type *t, const struct map_params *params);
  /* Copies the element of key to *out (elem size bytes; a pointer element into a frame slot). */
  bool (*get)(struct go_g *g, const struct map_type *t, void *m, const void *key, void *out);
  /* *elem likewise. key's own pointers and elem are rooted by the caller. */
  void (*put)(struct go_g *g, const struct map_type *t, void *m, const void *key, const void *elem);
  bool (*remove)(struct go_g *g, const struct map_type *t, void *m, const void *key);
  void (*clear)(struct go_g *g, const struct map_type *t, void *m);
  void (*each)(struct go_g *g, const struct map_type *t, void *m, map_visit *visit, void *arg);
  int64_t (*count)(struct go_g *g, void *m);
  void (*stats)(struct go_g *g, const struct map_type *t, void *m, struct map_kind_stats *out);
  /* Structural check with no other user; false and *why. */
  bool (*check)(struct go_g *g, const struct map_type *t, void *m, const char **why);
};

/* With the world stopped, perhaps amid operations of its goroutines: the structural check of Go's
 * table, unless it is just being written; true for designs that have none, or several. Not a
 * safepoint. */
bool map_check_stopped(const struct map_kind *kind, struct go_g *g, const struct map_type *t,
                       void *m, const char **why);

/* All designs, NULL-ended; registration is this one array (maps/kind.c). */
extern const struct map_kind *const map_kinds[];
extern const struct map_kind map_kind_go; /* its maps are struct map * */
const struct map_kind *map_kind_find(const char *name); /* NULL: unknown */

#endif
