/* What a map should hold: keys by number, the value written last for each, and what an iteration
 * under way must and must not visit. For random tests of any kind of map; the test does the
 * operation and tells the shadow. */
#ifndef TESTS_MAPS_SHADOW_H
#define TESTS_MAPS_SHADOW_H

#include "support.h"

enum { SHADOW_KEYS_MAX = 8192, SHADOW_KEY_BYTES_MAX = 300, SHADOW_VALUE_BYTES_MAX = 300 };
/* Root slots of the goroutine that owns the shadow. */
enum { SHADOW_MAP, SHADOW_VALUE, SHADOW_KEY, SHADOW_ROOTS };

/* Sorts of key and element. */
struct shadow_shape {
  const char *name;
  enum map_kind_of_key key;
  uint32_t key_bytes;
  enum map_kind_of_elem elem;
  uint32_t elem_bytes;
};

enum shadow_seen { SEEN_MUST, SEEN_MAY, SEEN_NEVER, SEEN_DONE };

struct shadow {
  struct go_g *g;
  const char *who;                  /* for messages: the kind of map */
  const struct shadow_shape *shape;
  const struct map_type *t;
  void **roots;                     /* SHADOW_ROOTS of them */
  uint64_t draws;                   /* state of shadow_below */
  uint64_t stamp, count, steps;     /* value written last; keys present; set by the test */
  uint32_t indices;                 /* keys are number 0..indices-1 */
  uint64_t stamps[SHADOW_KEYS_MAX]; /* value of each key; 0: it is absent */
  uint8_t seen[SHADOW_KEYS_MAX];    /* enum shadow_seen */
};

union shadow_key {
  uint64_t word;
  double f64;
  struct map_string string;
  uint8_t bytes[SHADOW_KEY_BYTES_MAX];
};

#define SHADOW_WHO(s, i) "%s, %s, key %u, step %llu", (s)->who, (s)->shape->name, (unsigned)(i), \
                         (unsigned long long)(s)->steps

/* An empty map of this shape; seed: of the draws. Registers types. */
void shadow_init(struct shadow *s, struct go_g *g, const char *who,
                 const struct shadow_shape *shape, uint64_t seed);
uint32_t shadow_below(struct shadow *s, uint32_t n);

/* Makes the key; a string is a fresh object in the root SHADOW_KEY. A key names its index. */
void shadow_key(struct shadow *s, uint32_t index, union shadow_key *k);
uint32_t shadow_index(const struct shadow *s, const void *key);

/* A new value, with SHADOW_VALUE_BYTES_MAX bytes of room: returns the address of the element, which
 * for pointers is the root SHADOW_VALUE. */
const void *shadow_value(struct shadow *s, uint8_t *bytes);
/* elem must be the value of the key. */
void shadow_check(const struct shadow *s, uint32_t index, const void *elem);

/* The key now has the newest value; or is gone; or all are. */
void shadow_put(struct shadow *s, uint32_t index);
void shadow_forget(struct shadow *s, uint32_t index);
void shadow_clear(struct shadow *s);

/* Around an iteration, and at each of its visits: the key is there and comes for the first time. */
void shadow_iterate_begin(struct shadow *s);
void shadow_visit(struct shadow *s, uint32_t index);
void shadow_iterate_end(const struct shadow *s);

#endif
