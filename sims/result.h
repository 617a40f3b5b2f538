/* The result document as JSON text. */
#ifndef SIMS_RESULT_H
#define SIMS_RESULT_H

#include "sims/result_fields.h"

/* One line (malloc, no newline): {"type":"result","result":{...}}. Integers are exact, whatever
 * their size; a field the engine does not measure, NaN and infinity are null. */
char *sim_result_line(const struct sim_result *r);

#endif
