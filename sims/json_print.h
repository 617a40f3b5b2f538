/* JSON text for files: what fits on a line stays on it, whole numbers are written out, others with
 * as many digits as it takes to read the same number back. */
#ifndef SIMS_JSON_PRINT_H
#define SIMS_JSON_PRINT_H

#include <cjson/cJSON.h>

/* The document with a newline at its end, in a fresh string. NaN and infinity become null. */
char *sim_json_print(const cJSON *doc);

#endif
