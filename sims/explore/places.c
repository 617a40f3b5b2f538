#include "sims/explore/places.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plat_model.h"
#include "sims/memory.h"

/* A run that fails is run again and again: each place is asked for once. */
struct known {
  const void *code;
  char text[XP_PLACE_TEXT];
};

struct xp_places {
  struct known *known;
  uint32_t count, room;
};

struct xp_places *xp_places_new(void) { return sim_alloc(sizeof(struct xp_places)); }

void xp_places_free(struct xp_places *p) {
  free(p->known);
  free(p);
}

/* Without what depends on the build directory: "/x/build/../gc/mark.c:9 (discriminator 2)". */
static void keep_file(const char *from, char *out, size_t bytes) {
  const char *up = strstr(from, "/../");
  while (up != NULL) {
    from = up + 4;
    up = strstr(from - 1, "/../");
  }
  while (strncmp(from, "../", 3) == 0) from += 3;
  snprintf(out, bytes, "%.*s", (int)strcspn(from, " \n"), from);
}

/* addr2line says the function in one line and where it is in the next. */
static bool ask(uint64_t offset, char *out, size_t bytes) {
  char function[XP_PLACE_TEXT / 2] = "", line[4096] = "", file[XP_PLACE_TEXT / 2];
  char *command = sim_printf("addr2line -e /proc/%d/exe -f 0x%llx 2>/dev/null", (int)getpid(),
                             (unsigned long long)offset);
  FILE *answer = popen(command, "r");
  free(command);
  if (answer == NULL) return false;
  bool is_told = fgets(function, sizeof function, answer) != NULL &&
                 fgets(line, sizeof line, answer) != NULL && line[0] != '?';
  pclose(answer);
  if (!is_told) return false;
  keep_file(line, file, sizeof file);
  snprintf(out, bytes, "%.*s (%s)", (int)strcspn(function, "\n"), function, file);
  return true;
}

static const char *code_text(struct xp_places *p, const void *code) {
  for (uint32_t i = 0; i < p->count; i++)
    if (p->known[i].code == code) return p->known[i].text;
  p->known = sim_grow(p->known, &p->room, p->count, sizeof *p->known);
  struct known *k = &p->known[p->count++];
  uint64_t offset = plat_model_object(code) & ((UINT64_C(1) << 60) - 1);
  k->code = code;
  if (!ask(offset - 1, k->text, sizeof k->text)) /* the call before */
    snprintf(k->text, sizeof k->text, "code+0x%llx", (unsigned long long)offset);
  return k->text;
}

void xp_place_text(struct xp_places *p, const void *place, bool is_code, char *out, size_t bytes) {
  const struct plat_site *s = place;
  if (is_code)
    snprintf(out, bytes, "%s", code_text(p, place));
  else
    snprintf(out, bytes, "%s (%s:%u)", s->func, s->file + strspn(s->file, "./"),
             (unsigned)s->line);
}
