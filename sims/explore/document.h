/* The result document of a search: tricolor.explore/1. */
#ifndef SIMS_EXPLORE_DOCUMENT_H
#define SIMS_EXPLORE_DOCUMENT_H

#include <cjson/cJSON.h>

#include "sims/explore/search.h"
#include "sims/scenario.h"

/* What of the document is not in the report. */
struct xp_about {
  const struct scenario *scenario;
  uint64_t variants;                /* data choices: all, */
  uint64_t different, variants_done; /* all but for names (alike.h), explored of these */
  bool is_interrupted;
  cJSON *violation;                 /* NULL: none; becomes part of the document */
  cJSON *replay;                    /* the same: how a schedule fitted; NULL: a search */
};

cJSON *xp_document(const struct xp_report *r, const struct xp_about *about);

#endif
