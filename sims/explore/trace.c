/* Recording. An operation is noted before it takes effect, and its outcome when the next is about
 * to, or when the run has ended. */
#include "sims/explore/trace.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "sims/explore/replay.h"
#include "sims/memory.h"

enum { HASH_EVERY = 16 };

/* ---- lines ----------------------------------------------------------------------------------- */

void xp_lines_add(struct xp_lines *l, const char *format, ...) {
  char text[1024];
  va_list args;
  if (l->count == XP_LINES_MAX) return;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  l->line[l->count++] = sim_strdup(text);
}

void xp_lines_free(struct xp_lines *l) {
  for (uint32_t i = 0; i < l->count; i++) free(l->line[i]);
  l->count = 0;
}

/* ---- the recorder ---------------------------------------------------------------------------- */

/* A follower that takes notes. */
struct recorder {
  struct xp_follower follower; /* first */
  struct xp_trace *trace;
  bool has_switched, has_preempted; /* the coming operation of the chosen thread */
  bool is_open;                /* the last event has not yet taken effect */
  bool is_over;                /* nothing more is noted */
  struct plat_model_op open;   /* its operation */
};

static bool starts_with(const char *text, const char *prefix) {
  return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Bytes of the value an operation reads or writes; of plain data at most. */
static uint32_t value_bytes(const struct plat_model_op *op) {
  const char *what = op->site->what;
  switch (op->kind) {
    case PLAT_OP_LOAD:
    case PLAT_OP_STORE:
    case PLAT_OP_RMW:
      if (starts_with(what, "at_u8_")) return 1;
      return starts_with(what, "at_u32_") ? 4 : 8;
    case PLAT_OP_SLOT_LOAD:
    case PLAT_OP_SLOT_STORE:
      return 8;
    case PLAT_OP_PLAIN_LOAD:
    case PLAT_OP_PLAIN_STORE:
      return 1u << __builtin_ctzll((uintptr_t)op->address | 8);
    default:
      return 0;
  }
}

static uint32_t find_actor(struct xp_trace *t, uint32_t thread) {
  char name[XP_NAME] = "";
  uint32_t i = 0;
  if (t->names->actor != NULL) t->names->actor(thread, name, sizeof name, t->names->arg);
  if (name[0] == '\0') snprintf(name, sizeof name, "t%u", thread);
  while (i < t->actor_count && strcmp(t->actors[i], name) != 0) i++;
  if (i == XP_ACTORS_MAX) return i - 1; /* the last column takes all others */
  if (i == t->actor_count) memcpy(t->actors[t->actor_count++], name, sizeof name);
  return i;
}

static char *value_text(const struct xp_trace *t, const struct plat_model_op *op, uint64_t word,
                        uint32_t bytes) {
  char text[XP_NAME] = "";
  bool is_plain = op->kind == PLAT_OP_PLAIN_LOAD || op->kind == PLAT_OP_PLAIN_STORE;
  bool named = t->names->value != NULL &&
               t->names->value(op, word, text, sizeof text, t->names->arg);
  bool is_pointer = op->kind == PLAT_OP_SLOT_LOAD || op->kind == PLAT_OP_SLOT_STORE ||
                    starts_with(op->site->what, "at_ptr_");
  if (!named && is_plain) return NULL;
  if (!named && is_pointer) /* addresses are not the same in every run */
    snprintf(text, sizeof text, word == 0 ? "nil" : "ptr");
  else if (!named && bytes == 8 && word > INT64_MAX)
    snprintf(text, sizeof text, "%lld", (long long)word);
  else if (!named && bytes == 4 && word > INT32_MAX)
    snprintf(text, sizeof text, "%d", (int)(uint32_t)word);
  else if (!named)
    snprintf(text, sizeof text, "%llu", (unsigned long long)word);
  return sim_strdup(text);
}

/* Without a name: what stands between the brackets of the site. */
static char *object_text(const struct xp_trace *t, const struct plat_model_op *op, bool *has) {
  char text[XP_NAME] = "";
  *has = t->names->object != NULL && t->names->object(op, text, sizeof text, t->names->arg);
  if (!*has) {
    xp_op_text(op->site, text, sizeof text);
    char *inside = strchr(text, '('), *end = strrchr(text, ')');
    if (inside != NULL && end != NULL && end > inside) {
      *end = '\0';
      memmove(text, inside + 1, strlen(inside + 1) + 1);
    }
  }
  return sim_strdup(text);
}

static void read_colours(struct xp_trace *t, char *out) {
  for (uint32_t i = 0; i < t->names->watch_count; i++)
    out[i] = t->names->colour != NULL ? t->names->colour(i, t->names->arg) : '-';
  out[t->names->watch_count] = '\0';
}

/* The last noted operation has taken effect. */
static void close_event(struct recorder *x) {
  struct xp_trace *t = x->trace;
  if (!x->is_open) return;
  struct xp_event *e = &t->events[t->count - 1];
  x->is_open = false;
  if (e->bytes > 0) {
    e->after = plat_model_word(x->open.address, e->bytes);
    e->after_text = value_text(t, &x->open, e->after, e->bytes);
  }
  e->phase = t->names->phase != NULL ? t->names->phase(t->names->arg) : "";
  read_colours(t, e->colours);
  x->is_over = t->names->is_broken != NULL && t->names->is_broken(t->names->arg);
}

static void open_event(struct recorder *x, const struct plat_model_op *op) {
  struct xp_trace *t = x->trace;
  t->events = sim_grow(t->events, &t->room, t->count, sizeof *t->events);
  struct xp_event *e = &t->events[t->count];
  *e = (struct xp_event){.step = ++t->count, .thread = op->thread, .kind = op->kind,
                         .object = op->object, .site = plat_model_site_index(op->site),
                         .is_preemption = x->has_preempted, .is_switch = x->has_switched,
                         .bytes = op->address != NULL ? value_bytes(op) : 0,
                         .scans = XP_WATCH_MAX};
  if (t->names->scans != NULL) e->scans = t->names->scans(op, t->names->arg);
  e->actor = find_actor(t, op->thread);
  e->name = object_text(t, op, &e->has_object);
  if (e->bytes > 0) {
    e->before = plat_model_word(op->address, e->bytes);
    e->before_text = value_text(t, op, e->before, e->bytes);
  }
  x->has_preempted = x->has_switched = false;
  x->open = *op;
  x->is_open = true;
}

static void note_point(struct xp_trace *t, uint32_t thread) {
  struct plat_model_stats stats;
  if (t->point_count > 0 && t->point_count % HASH_EVERY == 0) {
    plat_model_stats_read(&stats);
    t->point_hashes =
        sim_grow(t->point_hashes, &t->hash_room, t->hash_count, sizeof *t->point_hashes);
    t->point_hashes[t->hash_count++] = stats.trace_hash;
  }
  t->point_threads =
      sim_grow(t->point_threads, &t->point_room, t->point_count, sizeof *t->point_threads);
  t->point_threads[t->point_count++] = thread;
}

static bool begin_run(struct xp_chooser *base, uint64_t run) {
  (void)run;
  xp_follower_begin((struct xp_follower *)base);
  return true;
}

static uint32_t choose(struct xp_chooser *base, const struct plat_model_point *p) {
  struct recorder *x = (struct recorder *)base;
  uint32_t chosen = xp_follower_choose(&x->follower, p);
  if (chosen == PLAT_MODEL_CUT) return chosen;
  note_point(x->trace, p->op[chosen]->thread);
  x->has_switched = x->follower.is_switch && x->trace->count > 0;
  x->has_preempted = x->follower.is_preemption;
  return chosen;
}

static void execute(struct xp_chooser *base, const struct plat_model_op *op) {
  struct recorder *x = (struct recorder *)base;
  close_event(x);
  if (!x->is_over) open_event(x, op);
}

static void end_run(struct xp_chooser *base, const struct xp_run *r) {
  struct recorder *x = (struct recorder *)base;
  close_event(x);
  xp_follower_end(&x->follower, r);
}

static void close_nothing(struct xp_chooser *x) { (void)x; }

static const struct xp_strategy record = {
    .name = "record",
    .doc = "follows a schedule and notes every operation",
    .every_point = true,
    .wants_execute = true,
    .close = close_nothing,
    .begin = begin_run,
    .choose = choose,
    .execute = execute,
    .end = end_run,
};

/* ---- recording ------------------------------------------------------------------------------- */

static void run_recorder(struct xp_trace *t, const struct xp_schedule *s,
                         const struct xp_config *c, struct xp_run *r) {
  struct recorder x = {.trace = t};
  xp_follower_open(&x.follower, s, false);
  x.follower.base.strategy = &record;
  record.begin(&x.follower.base, 0);
  xp_run(&x.follower.base, c, r);
  record.end(&x.follower.base, r);
  xp_follower_close(&x.follower);
}

bool xp_trace_record(struct xp_trace *t, const struct xp_schedule *s, const struct xp_config *c,
                     struct xp_names *names) {
  struct xp_run r = {.decisions = NULL};
  t->names = names;
  xp_run_schedule(s, c, &r);
  uint64_t hash = r.outcome.trace_hash;
  names->lost = names->watch_count = 0;
  xp_lines_free(&names->path);
  if (xp_run_fails(&r) && names->examine != NULL) names->examine(names, &r.outcome);
  run_recorder(t, s, c, &r);
  t->outcome = r.outcome;
  t->switches = r.switches;
  t->preemptions = r.preemptions;
  bool same = xp_run_fails(&r) && r.outcome.trace_hash == hash;
  xp_run_free(&r);
  if (same && t->count > 0) {
    xp_trace_settle_colours(t);
    xp_trace_slice(t);
    xp_trace_tell(t);
  }
  return same && t->count > 0;
}

void xp_trace_free(struct xp_trace *t) {
  for (uint32_t i = 0; i < t->count; i++) {
    free(t->events[i].name);
    free(t->events[i].before_text);
    free(t->events[i].after_text);
  }
  for (uint32_t i = 0; i < t->row_count; i++) free(t->rows[i].text);
  free(t->events);
  free(t->rows);
  free(t->point_hashes);
  free(t->point_threads);
  xp_lines_free(&t->why);
  if (t->names != NULL) xp_lines_free(&t->names->path);
  *t = (struct xp_trace){0};
}
