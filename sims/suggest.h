/* "Did you mean": the known word closest to a mistyped one. */
#ifndef SIMS_SUGGEST_H
#define SIMS_SUGGEST_H

#include <stdint.h>

/* Edits (insert, delete, replace, swap of neighbours) that turn a into b, letter case ignored;
 * words longer than 64 bytes are as far as can be (UINT32_MAX). */
uint32_t sim_edit_distance(const char *a, const char *b);

/* Keeps the best of several candidates. Start with {.typed = word}; offer each candidate; the
 * result is best, or NULL when nothing is near enough (more than a third of the letters differ,
 * and no candidate starts with what was typed). */
struct sim_suggest {
  const char *typed;
  const char *best;       /* points to the caller's candidate */
  uint32_t best_distance;
};
void sim_suggest_offer(struct sim_suggest *s, const char *candidate);

#endif
