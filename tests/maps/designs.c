#include "designs.h"

void subject_make(struct subject *s, struct go_g *g, const struct map_kind *kind, int64_t hint,
                  void **root) {
  struct map_params params = {.hint = hint};
  s->g = g;
  s->kind = kind;
  s->t = map_type_new(MAP_KEY_U64, 0, MAP_ELEM_BYTES, 8, TEST_HASH_KEY);
  s->m = *root = kind->create(g, s->t, &params);
}

void subject_put(struct subject *s, uint64_t key) { s->kind->put(s->g, s->t, s->m, &key, &key); }

bool subject_has(struct subject *s, uint64_t key) {
  uint64_t value = key;
  bool found = s->kind->get(s->g, s->t, s->m, &key, &value);
  CHECK_U64(value, key);
  return found;
}

bool subject_remove(struct subject *s, uint64_t key) {
  return s->kind->remove(s->g, s->t, s->m, &key);
}

struct map_kind_stats subject_stats(struct subject *s) {
  struct map_kind_stats out;
  s->kind->stats(s->g, s->t, s->m, &out);
  return out;
}

void subject_expect(struct subject *s, const char *words) {
  const char *why = NULL;
  bool good = s->kind->check(s->g, s->t, s->m, &why);
  if (words == NULL) {
    CHECK(good && why == NULL, "%s", why == NULL ? "nothing said" : why);
    return;
  }
  CHECK(!good && why != NULL && strcmp(why, words) == 0, "said: %s; expected: %s",
        why == NULL ? "nothing" : why, words);
}

void break_all(struct go_g *g, const struct map_kind *kind, void (*fill)(struct subject *s),
               break_fn *const *ways, size_t count) {
  GC_ROOTS(go_mu(g), roots, 1);
  for (size_t i = 0; i < count; i++) {
    struct subject s;
    subject_make(&s, g, kind, 0, &roots[0]);
    fill(&s);
    subject_expect(&s, NULL);
    const char *words = ways[i](&s);
    subject_expect(&s, words);
  }
  GC_ROOTS_END(go_mu(g), roots);
}
