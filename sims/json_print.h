/* JSON text for files: what fits on a line stays on it, whole numbers are written out, others with
 * as many digits as it takes to read the same number back.
 *
 * cJSON keeps a number as a double, which cannot hold every integer above 2^53 (a seed, a size).
 * Such a number made here keeps its digits as the item's valuestring, which cJSON copies and frees
 * with it; it is printed as it was written. */
#ifndef SIMS_JSON_PRINT_H
#define SIMS_JSON_PRINT_H

#include <cjson/cJSON.h>
#include <stdint.h>

/* The document with a newline at its end, in a fresh string. NaN and infinity become null. */
char *sim_json_print(const cJSON *doc);

/* The document, which must be all of the text; NULL: it is no JSON. */
cJSON *sim_json_parse(const char *text);

/* Adds a whole number to an object. */
void sim_json_add_u64(cJSON *object, const char *name, uint64_t value);

#endif
