#include "sims/suggest.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

enum { WORD_MAX = 64 };

static uint32_t min3(uint32_t a, uint32_t b, uint32_t c) {
  uint32_t m = a < b ? a : b;
  return m < c ? m : c;
}

static bool same_letter(char a, char b) {
  return tolower((unsigned char)a) == tolower((unsigned char)b);
}

uint32_t sim_edit_distance(const char *a, const char *b) {
  size_t n = strlen(a), m = strlen(b);
  if (n > WORD_MAX || m > WORD_MAX) return UINT32_MAX;
  /* Three rows of the usual table: a swap looks two rows back. */
  uint32_t rows[3][WORD_MAX + 1];
  for (size_t j = 0; j <= m; j++) rows[0][j] = (uint32_t)j;
  for (size_t i = 1; i <= n; i++) {
    uint32_t *row = rows[i % 3], *up = rows[(i - 1) % 3];
    const uint32_t *up2 = rows[(i + 1) % 3];
    row[0] = (uint32_t)i;
    for (size_t j = 1; j <= m; j++) {
      uint32_t replace = up[j - 1] + (same_letter(a[i - 1], b[j - 1]) ? 0 : 1);
      row[j] = min3(up[j] + 1, row[j - 1] + 1, replace);
      bool swapped = i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) &&
                     same_letter(a[i - 2], b[j - 1]);
      if (swapped && up2[j - 2] + 1 < row[j]) row[j] = up2[j - 2] + 1;
    }
  }
  return rows[n % 3][m];
}

void sim_suggest_offer(struct sim_suggest *s, const char *candidate) {
  size_t typed = strlen(s->typed), length = strlen(candidate);
  uint32_t distance = sim_edit_distance(s->typed, candidate);
  size_t longer = typed > length ? typed : length;
  bool near = distance != UINT32_MAX && distance <= (longer + 2) / 3;
  bool starts = typed >= 2 && strncasecmp(s->typed, candidate, typed) == 0;
  if (!near && !starts) return;
  if (starts && !near) distance = (uint32_t)longer;
  if (s->best != NULL && s->best_distance <= distance) return;
  s->best = candidate;
  s->best_distance = distance;
}
