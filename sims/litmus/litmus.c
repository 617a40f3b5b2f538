#include "sims/litmus/litmus.h"

#include <string.h>

#include "runtime/check.h"
#include "runtime/plat.h"

const struct litmus *const litmus_programs[LITMUS_PROGRAMS] = {
    [LITMUS_MARK_1] = &litmus_marking_1,     [LITMUS_MARK_2] = &litmus_marking_2,
    [LITMUS_MARK_3] = &litmus_marking_3,     [LITMUS_CL20858] = &litmus_cl20858,
    [LITMUS_ISSUE16083] = &litmus_issue16083, [LITMUS_MARKTERM] = &litmus_markterm,
    [LITMUS_MAXTREE] = &litmus_maxtree,      [LITMUS_RESCAN] = &litmus_rescan,
    [LITMUS_RWMUTEX] = &litmus_rwmutex,      [LITMUS_YUASA] = &litmus_yuasa,
};

static PLAT_STATE struct {
  struct plat_thread thread[LITMUS_THREADS_MAX];
  struct part {
    const struct litmus *program;
    uint32_t index;
  } part[LITMUS_THREADS_MAX];
} run;

static void enter(void *arg) {
  const struct part *part = arg;
  part->program->thread(part->index);
}

const char *litmus_run(const struct litmus_case *c) {
  const struct litmus_facts *facts = &litmus_facts[c->program];
  const struct litmus *l = litmus_programs[c->program];
  rt_assert(c->heap < facts->heaps || (c->heap == 0 && facts->heaps == 0));
  rt_assert(c->actions < facts->actions || (c->actions == 0 && facts->actions == 0));
  l->setup(c);
  for (uint32_t i = 0; i < l->threads; i++) {
    run.part[i] = (struct part){l, i};
    if (plat_thread_start(&run.thread[i], l->names[i], enter, &run.part[i]) != RT_OK)
      rt_fatal(RT_END_NOMEM, "out of memory: no thread for a litmus program");
  }
  plat_mark();
  for (uint32_t i = 0; i < l->threads; i++) plat_thread_join(&run.thread[i]);
  return l->check();
}

bool litmus_find(const char *program, const char *variant, struct litmus_case *out) {
  *out = (struct litmus_case){0};
  for (uint32_t p = 0; p < LITMUS_PROGRAMS; p++) {
    if (strcmp(litmus_words[p].name, program) != 0) continue;
    const struct sim_choice *variants = litmus_facts[p].variants;
    const struct sim_choice *found = sim_choice_find(variants, variant);
    if (found == NULL) return false;
    out->program = (enum litmus_program)p;
    out->variant = (uint32_t)(found - variants);
    return true;
  }
  return false;
}
