/* A violation as a table a person can read: a column for each actor, a row for each step that
 * matters, time downwards. */
#include <stdlib.h>
#include <string.h>

#include "sims/cli_explore.h"
#include "sims/cli_metric.h"
#include "sims/memory.h"
#include "sims/table.h"

enum { SHRUNK_MAX = 8 }; /* changes of the scenario */
enum { ROWS_MAX = 25, COLUMNS_MAX = 64, STEP_WIDTH = 9, TABLE_WIDTH = 100, GAP = 2 };

/* ---- the shape of the table ---- */

struct layout {
  cJSON *columns, *watched; /* names of the actors; of what has a colour, as they are printed */
  uint32_t column_count;
  uint32_t stride;  /* between the beginnings of two columns */
  uint32_t colours; /* where the colours begin */
};

/* Columns on the screen of a list of names, a space between any two. */
static uint32_t names_width(const cJSON *names) {
  const cJSON *name = NULL;
  uint32_t width = 0;
  cJSON_ArrayForEach(name, names) {
    width += (width > 0) + sim_text_width(cJSON_IsString(name) ? name->valuestring : "?");
  }
  return width;
}

static const char *text_at(const cJSON *object, const char *key) {
  const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
  return text != NULL ? text : "";
}

/* The column of a row's actor, given by name or number; past the last one when it is neither. */
static uint32_t column_of(const struct layout *l, const cJSON *row) {
  const cJSON *actor = cJSON_GetObjectItemCaseSensitive(row, "actor"), *name = NULL;
  uint32_t i = 0;
  if (cJSON_IsNumber(actor) && actor->valueint >= 0) return (uint32_t)actor->valueint;
  cJSON_ArrayForEach(name, l->columns) {
    bool is_it = cJSON_IsString(name) && cJSON_IsString(actor) &&
                 strcmp(name->valuestring, actor->valuestring) == 0;
    if (is_it) return i;
    i++;
  }
  return l->column_count;
}

static uint32_t column_start(const struct layout *l, uint32_t column) {
  uint32_t last = l->column_count > 0 ? l->column_count - 1 : 0;
  return STEP_WIDTH + l->stride * (column < last ? column : last);
}

/* One actor acts in a row, so its text may run on over the columns to its right. */
static uint32_t width_with(struct layout *l, const cJSON *rows, uint32_t stride) {
  const cJSON *row = NULL, *name = NULL;
  uint32_t width = 0, i = 0;
  l->stride = stride;
  cJSON_ArrayForEach(row, rows) {
    uint32_t end = column_start(l, column_of(l, row)) + sim_text_width(text_at(row, "text"));
    if (end > width) width = end;
  }
  cJSON_ArrayForEach(name, l->columns) {
    uint32_t end = column_start(l, i++) + sim_text_width(cJSON_GetStringValue(name));
    if (end > width) width = end;
  }
  return width;
}

/* A copy of a list of names in which a word at the beginning or the end is left out, with brackets
 * around what is left if they are asked for. */
static cJSON *shortened(const cJSON *names, const char *begin, const char *end, bool brackets) {
  cJSON *list = cJSON_CreateArray();
  const cJSON *name = NULL;
  cJSON_ArrayForEach(name, names) {
    const char *text = cJSON_IsString(name) ? name->valuestring : "?";
    size_t length = strlen(text), tail = strlen(end), head = strlen(begin);
    bool is_short = length > head + tail && strncmp(text, begin, head) == 0 &&
                    strcmp(text + length - tail, end) == 0;
    char *left = is_short ? sim_printf("%s%.*s%s", brackets ? "[" : "",
                                       (int)(length - head - tail), text + head,
                                       brackets ? "]" : "")
                          : sim_strdup(text);
    cJSON_AddItemToArray(list, cJSON_CreateString(left));
    free(left);
  }
  return list;
}

/* Columns as far apart as the width allows, but never closer than their names need. */
static void lay_out_columns(struct layout *l, const cJSON *rows) {
  const cJSON *name = NULL, *row = NULL;
  uint32_t least = 8, most = 8;
  l->column_count = 0;
  cJSON_ArrayForEach(name, l->columns) {
    uint32_t width = sim_text_width(cJSON_IsString(name) ? name->valuestring : "") + GAP;
    if (width > least) least = width;
    l->column_count++;
  }
  cJSON_ArrayForEach(row, rows) {
    uint32_t text = sim_text_width(text_at(row, "text")) + GAP;
    if (text > most) most = text;
  }
  uint32_t taken = names_width(l->watched) + GAP, stride = most > least ? most : least;
  uint32_t room = taken < TABLE_WIDTH ? TABLE_WIDTH - taken : 0;
  while (stride > least && width_with(l, rows, stride) > room) stride--;
  l->colours = width_with(l, rows, stride) + GAP;
}

/* "collector stack" is printed as "[collector]"; of a wide table, "scheduler m2" as "m2" and "GC
 * worker 8" as "worker 8", too. */
static void lay_out(struct layout *l, const cJSON *violation, const cJSON *rows) {
  l->columns = shortened(cJSON_GetObjectItemCaseSensitive(violation, "columns"), "", "", false);
  l->watched =
    shortened(cJSON_GetObjectItemCaseSensitive(violation, "watched"), "", " stack", true);
  lay_out_columns(l, rows);
  if (l->colours + names_width(l->watched) <= TABLE_WIDTH) return;
  static const char *const left_out[] = {"scheduler ", "GC "};
  for (uint32_t i = 0; i < sizeof left_out / sizeof left_out[0]; i++) {
    cJSON *shorter = shortened(l->columns, left_out[i], "", false);
    cJSON_Delete(l->columns);
    l->columns = shorter;
  }
  lay_out_columns(l, rows);
}

/* ---- printing it ---- */

/* A line that is filled from the left; texts in it are cleaned. */
struct line { FILE *f; uint32_t at; };

static void put_at(struct line *l, uint32_t column, const char *text) {
  size_t bytes = strlen(text) + 1;
  char *clean = sim_text_clean(text, sim_alloc(bytes), bytes);
  size_t length = strlen(clean);
  while (length > 0 && clean[length - 1] == ' ') clean[--length] = '\0';
  if (length > 0) {
    int pad = column > l->at ? (int)(column - l->at) : l->at > 0 ? 1 : 0;
    fprintf(l->f, "%*s%s", pad, "", clean);
    l->at += (uint32_t)pad + sim_text_width(clean);
  }
  free(clean);
}

static void print_head(const struct layout *l, FILE *f, bool color) {
  struct line line = {f, 0};
  const cJSON *name = NULL;
  uint32_t i = 0;
  fputs(sim_style_begin(SIM_BOLD, color), f);
  put_at(&line, 3, "step");
  cJSON_ArrayForEach(name, l->columns) {
    put_at(&line, column_start(l, i++), cJSON_IsString(name) ? name->valuestring : "?");
  }
  uint32_t at = l->colours;
  cJSON_ArrayForEach(name, l->watched) {
    put_at(&line, at, cJSON_IsString(name) ? name->valuestring : "?");
    at += sim_text_width(cJSON_IsString(name) ? name->valuestring : "?") + 1;
  }
  fprintf(f, "%s\n", sim_style_end(SIM_BOLD, color));
}

/* One letter under each watched name; what has not changed since the row above is dim. */
static void put_colours(const struct layout *l, struct line *line, const char *now,
                        const char *above, bool color) {
  const cJSON *name = NULL;
  uint32_t at = l->colours, i = 0;
  cJSON_ArrayForEach(name, l->watched) {
    if (now[i] == '\0') return;
    bool is_same = strlen(above) > i && above[i] == now[i];
    enum sim_style style = is_same ? SIM_DIM : SIM_BOLD;
    fputs(sim_style_begin(style, color), line->f);
    put_at(line, at, (char[]){now[i], '\0'});
    fputs(sim_style_end(style, color), line->f);
    at += sim_text_width(cJSON_IsString(name) ? name->valuestring : "?") + 1;
    i++;
  }
}

static void print_row(const struct layout *l, const cJSON *row, FILE *f, bool color) {
  const char *above = row->prev->next != NULL ? text_at(row->prev, "colours") : "";
  struct line line = {f, 0};
  double step = 0;
  char number[SIM_TEXT_MAX];
  bool is_preempted = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(row, "preempted"));
  sim_metric_number(row, "step", &step);
  snprintf(number, sizeof number, "%s%*.0f", is_preempted ? ">>" : "  ", 5, step);
  fputs(is_preempted ? sim_style_begin(SIM_BOLD, color) : "", f);
  put_at(&line, 0, number);
  put_at(&line, column_start(l, column_of(l, row)), text_at(row, "text"));
  fputs(is_preempted ? sim_style_end(SIM_BOLD, color) : "", f);
  put_colours(l, &line, text_at(row, "colours"), above, color);
  fputc('\n', f);
}

/* Of more rows than a person reads, the first few and the last; the end is where it shows. */
static void print_rows(const struct layout *l, const cJSON *rows, FILE *f, bool color) {
  uint32_t count = (uint32_t)cJSON_GetArraySize(rows), i = 0;
  uint32_t skip_from = 5, skip_to = count > ROWS_MAX ? count - (ROWS_MAX - 6) : 0;
  const cJSON *row = NULL;
  cJSON_ArrayForEach(row, rows) {
    if (count > ROWS_MAX && i == skip_from) {
      fprintf(f, "    ...  %u rows left out; --json has them\n", skip_to - skip_from);
    }
    if (count <= ROWS_MAX || i < skip_from || i >= skip_to) print_row(l, row, f, color);
    i++;
  }
}

static void print_table(const cJSON *violation, FILE *f, bool color) {
  const cJSON *rows = cJSON_GetObjectItemCaseSensitive(violation, "rows"), *row = NULL;
  struct layout l = {.columns = NULL};
  double steps = 0;
  bool any_preempted = false;
  uint32_t count = (uint32_t)cJSON_GetArraySize(rows);
  if (count == 0) return;
  bool has_colours = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(violation, "watched")) > 0;
  lay_out(&l, violation, rows);
  fputc('\n', f);
  print_head(&l, f, color);
  print_rows(&l, rows, f, color);
  cJSON_ArrayForEach(row, rows) {
    any_preempted |= cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(row, "preempted"));
  }
  fputs(sim_style_begin(SIM_DIM, color), f);
  if (sim_metric_number(violation, "steps", &steps)) {
    fprintf(f, "%u of %.0f steps: those that have to do with it.", count, steps);
  }
  if (any_preempted) fprintf(f, " >> follows a preemption.");
  if (has_colours) fprintf(f, " Colours: white, grey, black, - not there; [x]: x's stack.");
  fputc('\n', f);
  fputs(sim_style_end(SIM_DIM, color), f);
  cJSON_Delete(l.columns);
  cJSON_Delete(l.watched);
}

/* ---- what is around it ---- */

/* False: nobody searched for it, it was replayed. */
static bool print_found(const cJSON *v, FILE *f) {
  double schedule = 0, ns = 0;
  char count[SIM_TEXT_MAX], time[SIM_TEXT_MAX], strategy[SIM_TEXT_MAX];
  if (strcmp(text_at(v, "strategy"), "replay") == 0) return false;
  if (!sim_metric_number(v, "found_at_schedule", &schedule)) return false;
  fprintf(f, "found by %s in schedule %s",
          sim_text_clean(text_at(v, "strategy"), strategy, sizeof strategy),
          sim_format(SIM_UNIT_COUNT, schedule, count));
  if (sim_metric_number(v, "found_after_ns", &ns)) {
    fprintf(f, ", after %s", sim_format(SIM_UNIT_NS, ns, time));
  }
  return true;
}

static void print_minimised(const cJSON *v, FILE *f) {
  double from = 0, left = 0, least = 0, replays = 0, ns = 0;
  char count[SIM_TEXT_MAX], time[SIM_TEXT_MAX];
  if (!sim_metric_number(v, "preemptions", &left)) return;
  bool has_least = sim_metric_number(v, "least_preemptions", &least);
  bool is_proven = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(v, "least_is_proven"));
  if (sim_metric_number(v, "minimise.from_preemptions", &from)) {
    sim_metric_number(v, "minimise.replays", &replays);
    sim_metric_number(v, "minimise.ns", &ns);
    fprintf(f, "minimised from %.0f preemption%s to %.0f in %s replays, %s", from,
            from == 1 ? "" : "s", left, sim_format(SIM_UNIT_COUNT, replays, count),
            sim_format(SIM_UNIT_NS, ns, time));
  } else {
    fprintf(f, "%.0f preemption%s", left, left == 1 ? "" : "s");
  }
  if (has_least && is_proven && least > 0) {
    fprintf(f, "\n%.0f is the least: every schedule with fewer was run", least);
  } else if (has_least && least > 0) {
    fprintf(f, "\nfewer than %.0f cannot do it: those schedules were all run", least);
  }
}

/* What the scenario that is shown lacks, beside the one explored. */
static void print_shrunk(const cJSON *v, FILE *f) {
  const cJSON *lines = sim_metric_find(v, "minimise.shrunk"), *line = NULL;
  double tried = 0, ns = 0;
  char count[SIM_TEXT_MAX], time[SIM_TEXT_MAX], clean[256];
  uint32_t all = (uint32_t)cJSON_GetArraySize(lines), n = 0;
  if (!sim_metric_number(v, "minimise.shrink.tried", &tried)) return;
  sim_metric_number(v, "minimise.shrink.ns", &ns);
  const char *by = cJSON_GetStringValue(sim_metric_find(v, "minimise.shrink.ended_by"));
  bool is_late = by != NULL && strcmp(by, "time") == 0;
  bool is_asked = by != NULL && strcmp(by, "request") == 0;
  fprintf(f, "%s: %s tried, %s%s\n",
          all > 0 ? "the scenario was made smaller first" : "no much smaller scenario shows it",
          sim_format(SIM_UNIT_COUNT, tried, count), sim_format(SIM_UNIT_NS, ns, time),
          is_late ? ", then the time was up (--shrink)" : is_asked ? ", then interrupted" : "");
  cJSON_ArrayForEach(line, lines) {
    if (n++ == SHRUNK_MAX) break;
    const char *text = cJSON_GetStringValue(line);
    fprintf(f, "  %s\n", sim_text_clean(text != NULL ? text : "", clean, sizeof clean));
  }
  if (all > SHRUNK_MAX) fprintf(f, "  and %u more\n", all - SHRUNK_MAX);
}

/* "data choices: gc.barrier.kind=none, seed=2", as the scenario has them; else their numbers. */
static void print_choices(const struct scenario *s, const cJSON *v, FILE *f) {
  const cJSON *choices = cJSON_GetObjectItemCaseSensitive(v, "choices"), *c = NULL;
  uint32_t n = 0;
  if (cJSON_GetArraySize(choices) == 0) return;
  fprintf(f, "data choices: ");
  cJSON_ArrayForEach(c, choices) {
    double number = cJSON_IsNumber(c) && c->valuedouble >= 0 ? c->valuedouble : 0;
    const struct sc_choose *choose = n < s->choose_count ? &s->chooses[n] : NULL;
    bool is_known = choose != NULL && number < choose->value_count;
    char *text = is_known ? sim_printf("%s=%s", choose->set, choose->values[(uint32_t)number])
                          : sim_printf("%.0f", number);
    fprintf(f, "%s%s", n++ > 0 ? ", " : "", sim_text_clean(text, text, strlen(text) + 1));
    free(text);
  }
  fputc('\n', f);
}

static void print_lines(const cJSON *v, const char *key, const char *label, FILE *f, bool color) {
  const cJSON *lines = cJSON_GetObjectItemCaseSensitive(v, key), *line = NULL;
  if (cJSON_GetArraySize(lines) == 0) return;
  fprintf(f, "\n%s%s%s\n", sim_style_begin(SIM_BOLD, color), label,
          sim_style_end(SIM_BOLD, color));
  cJSON_ArrayForEach(line, lines) {
    const char *text = cJSON_IsString(line) ? line->valuestring : text_at(line, "text");
    size_t bytes = strlen(text) + 1;
    char *clean = sim_text_clean(text, sim_alloc(bytes), bytes);
    fprintf(f, "  %s\n", clean);
    free(clean);
  }
}

static void print_command(const char *quote, const char *what, FILE *f) {
  size_t bytes = strlen(what) + 1;
  char *clean = sim_text_clean(what, sim_alloc(bytes), bytes);
  fprintf(f, "  tricolor replay %s%s%s\n", quote, clean, quote);
  free(clean);
}

/* A shell takes a token only in quotes: it may hold < > ; and [ ]. One of a smaller scenario is
 * good for nothing without the file that holds that. */
static void print_again(const cJSON *v, FILE *f, bool color) {
  const char *token = text_at(v, "token"), *file = text_at(v, "file");
  const char *error = text_at(v, "file_error");
  bool is_shrunk = sim_search_is_shrunk(v);
  char clean[4096];
  if (token[0] == '\0' && file[0] == '\0') return;
  fprintf(f, "\n%sSee it again%s%s\n", sim_style_begin(SIM_BOLD, color),
          sim_style_end(SIM_BOLD, color),
          is_shrunk ? ", in the smaller scenario, which is in the file" : "");
  if (is_shrunk && file[0] != '\0') print_command("", file, f);
  if (token[0] != '\0' && (!is_shrunk || file[0] != '\0')) print_command("'", token, f);
  if (!is_shrunk && file[0] != '\0') print_command("", file, f);
  if (file[0] == '\0' && error[0] != '\0') {
    fprintf(f, "  no schedule file: %s\n", sim_text_clean(error, clean, sizeof clean));
  }
}

void sim_counterexample_print(const struct scenario *s, const cJSON *v, FILE *f, bool color) {
  bool has_why = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(v, "why")) > 0;
  const char *path = strstr(text_at(v, "message"), "; from "); /* "why" tells it in names */
  size_t length = path != NULL && has_why ? (size_t)(path - text_at(v, "message")) : SIZE_MAX;
  char message[1024], kind[SIM_TEXT_MAX];
  sim_text_clean(text_at(v, "kind"), kind, sizeof kind);
  bool is_special = kind[0] != '\0' && strcmp(kind, "violation") != 0;
  fprintf(f, "%sViolation%s%s%s: %s%s\n", sim_style_begin(SIM_BAD, color),
          is_special ? " (" : "", is_special ? kind : "", is_special ? ")" : "",
          sim_text_clean(text_at(v, "message"), message,
                         length < sizeof message ? length + 1 : sizeof message),
          sim_style_end(SIM_BAD, color));
  if (print_found(v, f) && cJSON_HasObjectItem(v, "preemptions")) fprintf(f, "; ");
  print_minimised(v, f);
  fputc('\n', f);
  print_shrunk(v, f);
  print_choices(s, v, f);
  print_table(v, f, color);
  print_lines(v, "why", "Why", f, color);
  print_lines(v, "remedies", "What removes it", f, color);
  print_again(v, f, color);
  fputc('\n', f);
}
