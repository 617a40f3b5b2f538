/* Keys and values for the tests of maps/kind.h: what a key or value is can be read from itself. */
#ifndef TESTS_MAPS_KINDS_H
#define TESTS_MAPS_KINDS_H

#include "maps/kind.h"
#include "support.h"

enum { KEYS_MAX = 2048, VALUE_WORDS = 26 };
enum { ROOT_MAP, ROOT_VALUE, ROOT_KEY, ROOTS };

/* A type of map. */
struct shape {
  const char *name;
  enum map_kind_of_key key;
  enum map_kind_of_elem elem;
  uint32_t elem_bytes; /* 0, 8 or 8 * VALUE_WORDS; a pointer's object has 8 */
};

/* One goroutine's view of a map. */
struct user {
  struct go_g *g;
  const struct map_kind *kind;
  const struct shape *shape;
  const struct map_type *t;
  void **roots;
  uint64_t draws, stamp;
  uint32_t number, users;      /* its keys: number, number + users, ... */
  uint32_t keys;               /* this many */
  uint64_t stamps[KEYS_MAX];   /* what it put last under its key i; 0: not there */
  uint64_t seen[KEYS_MAX];     /* times the iteration under way met it */
  uint64_t visits, count;
};

union test_key {
  uint64_t word;
  double f64;
  struct map_string string;
};

const struct map_type *kinds_type(const struct shape *shape);
void *kinds_create(struct go_g *g, const struct map_kind *kind, const struct map_type *t,
                   int64_t hint);
/* A safepoint; the text of a string is kept in roots[ROOT_KEY]. */
void kinds_key(struct user *u, uint64_t index, union test_key *key);
uint64_t kinds_key_index(const struct user *u, const void *key);
/* Puts stamp (not 0) under key number index; safepoints. */
void kinds_put(struct user *u, uint64_t index, uint64_t stamp);
/* The stamp under key number index; 0: none. Fails when the value is not whole. */
uint64_t kinds_get(struct user *u, uint64_t index);
bool kinds_remove(struct user *u, uint64_t index);
/* The stamp in a value. */
uint64_t kinds_stamp(const struct user *u, const void *elem);

#endif
