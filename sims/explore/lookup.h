/* Tables by 64-bit keys: open addressing, a power of two of places, at most half of them taken. An
 * entry begins with its key (uint64_t); 0 is no key, and all zero an empty place. Entries move when
 * the table grows. `bytes` is the size of an entry, the same in every call. */
#ifndef SIMS_EXPLORE_LOOKUP_H
#define SIMS_EXPLORE_LOOKUP_H

#include <stddef.h>
#include <stdint.h>

/* Zeroed before its first use. */
struct xp_lookup {
  char *entries;
  uint32_t room, count; /* places; of them taken */
};
void xp_lookup_free(struct xp_lookup *t);
/* Twice as many places, or the first. */
void xp_lookup_grow(struct xp_lookup *t, size_t bytes);

/* Place number `number`. */
static inline void *xp_lookup_at(const struct xp_lookup *t, size_t bytes, uint32_t number) {
  return t->entries + number * bytes;
}

/* The entry, or the empty place where it would be. Not in a table without places. */
static inline void *xp_lookup_find(const struct xp_lookup *t, size_t bytes, uint64_t key) {
  uint32_t last = t->room - 1, i = (uint32_t)(key * 0x9e3779b97f4a7c15u >> 32) & last;
  uint64_t *at = xp_lookup_at(t, bytes, i);
  for (; *at != key && *at != 0; at = xp_lookup_at(t, bytes, i)) i = (i + 1) & last;
  return at;
}

/* The entry; a new one is zero but for its key. */
static inline void *xp_lookup_enter(struct xp_lookup *t, size_t bytes, uint64_t key) {
  if (2 * t->count >= t->room) xp_lookup_grow(t, bytes);
  uint64_t *at = xp_lookup_find(t, bytes, key);
  t->count += *at == 0;
  *at = key;
  return at;
}

#endif
