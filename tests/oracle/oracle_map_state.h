/* The state of a map as the recordings describe it: digests, dumps, chain counts. */
#ifndef TESTS_ORACLE_ORACLE_MAP_STATE_H
#define TESTS_ORACLE_ORACLE_MAP_STATE_H

#include "maps/map_int.h"
#include "tests/oracle/oracle.h"

enum oracle_elem { ORACLE_U64, ORACLE_PTR, ORACLE_B200, ORACLE_UNIT };

struct oracle_map {
  const struct map_type *type;
  struct map *map;
  enum oracle_elem elem;
};

/* Elements carry the number of the insertion that wrote them. slot: as map_get returns it. */
uint64_t oracle_elem_ord(enum oracle_elem elem, const void *slot);

uint64_t oracle_key_fnv(const struct map_type *t, const void *key, uint64_t digest);
uint64_t oracle_map_digest(const struct oracle_map *o, bool strict);

struct oracle_chains { uint64_t overflow, old_overflow, spare; };
void oracle_map_chains(const struct oracle_map *o, struct oracle_chains *out);

/* Whether key is the one recorded as item: a word, or a string in hex. */
bool oracle_key_is(const struct map_type *t, const void *key, const cJSON *item);
/* Compares with a recorded "dump". */
void oracle_map_dump(const struct oracle_map *o, const cJSON *dump, const char *where,
                     struct oracle_report *report);

#endif
