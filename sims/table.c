#include "sims/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sims/memory.h"

enum { WRAP_WIDTH = 100 };

bool sim_color_wanted(FILE *f) {
  const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
  if (no_color != NULL && no_color[0] != '\0') return false;
  if (term == NULL || strcmp(term, "dumb") == 0) return false;
  return isatty(fileno(f)) == 1;
}

const char *sim_style_begin(enum sim_style style, bool color) {
  static const char *const codes[] = {
    [SIM_PLAIN] = "", [SIM_BOLD] = "\033[1m",     [SIM_DIM] = "\033[2m",
    [SIM_GOOD] = "\033[32m", [SIM_BAD] = "\033[1;31m",
  };
  return color ? codes[style] : "";
}

const char *sim_style_end(enum sim_style style, bool color) {
  return color && style != SIM_PLAIN ? "\033[0m" : "";
}

char *sim_text_clean(const char *text, char *out, size_t bytes) {
  size_t n = 0;
  for (const unsigned char *p = (const unsigned char *)text; *p != '\0' && n + 1 < bytes; p++) {
    bool is_c1 = *p == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f; /* U+0080..U+009F in UTF-8 */
    if (is_c1) p++;
    if (*p == '\n' || *p == '\t') {
      out[n++] = ' ';
    } else {
      out[n++] = is_c1 || *p < 0x20 || *p == 0x7f ? '?' : (char)*p;
    }
  }
  out[n] = '\0';
  return out;
}

struct scale { double from, divisor; const char *unit; };

/* Rows from the largest; `from` is a little below the divisor so that 999.6 ns is "1.00 us". */
static const struct scale scales_ns[] = {
  {999.5e6, 1e9, " s"}, {999.5e3, 1e6, " ms"}, {999.5, 1e3, " us"}, {0, 1, " ns"},
};
static const struct scale scales_bytes[] = {
  {1023.5 * 1048576, 1073741824, " GiB"}, {1023.5 * 1024, 1048576, " MiB"},
  {1023.5, 1024, " KiB"}, {0, 1, " B"},
};
static const struct scale scales_per_s[] = {
  {999.5e6, 1e9, " G/s"}, {999.5e3, 1e6, " M/s"}, {999.5, 1e3, " k/s"}, {0, 1, " /s"},
};
static const struct scale scales_count[] = {{0, 1, ""}};
static const struct scale scales_fraction[] = {{0, 0.01, " %"}};

static const struct scale *pick_scale(enum sim_unit unit, double value) {
  static const struct scale *const tables[] = {
    [SIM_UNIT_NS] = scales_ns,           [SIM_UNIT_BYTES] = scales_bytes,
    [SIM_UNIT_COUNT] = scales_count,     [SIM_UNIT_PER_S] = scales_per_s,
    [SIM_UNIT_FRACTION] = scales_fraction, [SIM_UNIT_RATIO] = scales_count,
  };
  const struct scale *s = tables[unit];
  while (s->from > fabs(value)) s++;
  return s;
}

uint32_t sim_text_width(const char *text) {
  uint32_t n = 0;
  for (const char *p = text; *p != '\0'; p++) n += ((unsigned char)*p & 0xc0) != 0x80;
  return n;
}

void sim_print_wrapped(FILE *f, const char *text) {
  size_t column = 0;
  while (*text != '\0') {
    text += strspn(text, " \t\n");
    size_t length = strcspn(text, " \t\n");
    if (length == 0) break;
    char *word = sim_printf("%.*s", (int)length, text);
    bool is_full = column > 0 && column + 1 + sim_text_width(word) > WRAP_WIDTH;
    if (is_full) column = 0;
    if (is_full) fputc('\n', f);
    if (column > 0) fputc(' ', f);
    if (column > 0) column++;
    fputs(sim_text_clean(word, word, length + 1), f);
    column += sim_text_width(word);
    text += length;
    free(word);
  }
  fputc('\n', f);
}

/* Three significant digits, as a person would write them; all digits before the point. */
static void three_digits(double value, char *out) {
  double size = fabs(value);
  if (value == 0) {
    snprintf(out, SIM_TEXT_MAX, "0");
  } else if (size < 0.0995 || size >= 1e15) {
    snprintf(out, SIM_TEXT_MAX, "%.3g", value);
  } else {
    int decimals = size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3;
    snprintf(out, SIM_TEXT_MAX, "%.*f", decimals, value);
  }
}

/* Commas between groups of three digits. */
static void count_digits(double value, char *out) {
  char digits[SIM_TEXT_MAX];
  if (fabs(value) >= 1e15) {
    snprintf(out, SIM_TEXT_MAX, "%.3g", value);
    return;
  }
  bool whole = fabs(value - nearbyint(value)) < 0.05;
  int n = snprintf(digits, sizeof digits, "%.*f", whole ? 0 : 1, value);
  int end = whole ? n : n - 2; /* of the digits before the point */
  int first = digits[0] == '-' ? 1 : 0;
  size_t used = 0;
  for (int i = 0; i < n; i++) {
    bool comma = i > first && i < end && (end - i) % 3 == 0;
    if (comma) out[used++] = ',';
    out[used++] = digits[i];
  }
  out[used] = '\0';
}

static void unit_digits(enum sim_unit unit, const struct scale *s, double value, char *out) {
  bool is_integer = (unit == SIM_UNIT_NS || unit == SIM_UNIT_BYTES) && s->divisor == 1 &&
                    value == floor(value);
  if (unit == SIM_UNIT_COUNT || is_integer) {
    count_digits(value, out);
  } else if (unit == SIM_UNIT_FRACTION) {
    snprintf(out, SIM_TEXT_MAX, "%.1f", value / s->divisor);
  } else {
    three_digits(value / s->divisor, out);
  }
}

char *sim_format(enum sim_unit unit, double value, char *out) {
  const struct scale *s = pick_scale(unit, value);
  char digits[SIM_TEXT_MAX];
  unit_digits(unit, s, value, digits);
  snprintf(out, SIM_TEXT_MAX, "%.50s%s", digits, s->unit);
  return out;
}

char *sim_format_spread(enum sim_unit unit, double middle, double low, double high, char *out) {
  const struct scale *s = pick_scale(unit, middle != 0 ? middle : high);
  char m[SIM_TEXT_MAX], l[SIM_TEXT_MAX], h[SIM_TEXT_MAX];
  unit_digits(unit, s, middle, m);
  unit_digits(unit, s, low, l);
  unit_digits(unit, s, high, h);
  if (strcmp(m, l) == 0 && strcmp(m, h) == 0) {
    snprintf(out, SIM_TEXT_MAX, "%.50s%s", m, s->unit);
  } else {
    snprintf(out, SIM_TEXT_MAX, "%.17s%s [%.17s..%.17s]", m, s->unit, l, h);
  }
  return out;
}

/* ---- tables ---- */

struct cell { char *text; enum sim_style style; };

struct row {
  char *heading; /* NULL: a row of cells */
  struct cell cells[SIM_TABLE_COLUMNS_MAX];
  uint32_t cell_count;
};

struct sim_table {
  uint32_t columns;
  struct row *rows;
  uint32_t row_count, row_room;
};

struct sim_table *sim_table_new(uint32_t columns) {
  struct sim_table *t = sim_alloc(sizeof *t);
  t->columns = columns < SIM_TABLE_COLUMNS_MAX ? columns : SIM_TABLE_COLUMNS_MAX;
  return t;
}

void sim_table_free(struct sim_table *t) {
  if (t == NULL) return;
  for (uint32_t r = 0; r < t->row_count; r++) {
    free(t->rows[r].heading);
    for (uint32_t c = 0; c < t->rows[r].cell_count; c++) free(t->rows[r].cells[c].text);
  }
  free(t->rows);
  free(t);
}

static struct row *add_row(struct sim_table *t) {
  t->rows = sim_grow(t->rows, &t->row_room, t->row_count, sizeof t->rows[0]);
  struct row *row = &t->rows[t->row_count++];
  memset(row, 0, sizeof *row);
  return row;
}

static char *clean_copy(const char *text) {
  size_t bytes = strlen(text) + 1;
  return sim_text_clean(text, sim_alloc(bytes), bytes);
}

void sim_table_heading(struct sim_table *t, const char *text) {
  add_row(t)->heading = clean_copy(text);
}

void sim_table_row(struct sim_table *t) { add_row(t); }

void sim_table_cell(struct sim_table *t, enum sim_style style, const char *text) {
  struct row *row = &t->rows[t->row_count - 1];
  if (row->cell_count == t->columns) return;
  row->cells[row->cell_count++] = (struct cell){clean_copy(text), style};
}

static void print_cells(const struct row *row, const uint32_t *widths,
                        FILE *f, bool color) {
  uint32_t last = 0; /* one past the last cell that holds something */
  for (uint32_t c = 0; c < row->cell_count; c++) {
    if (row->cells[c].text[0] != '\0') last = c + 1;
  }
  for (uint32_t c = 0; c < last; c++) {
    const struct cell *cell = &row->cells[c];
    int pad = (int)(widths[c] - sim_text_width(cell->text));
    if (c > 0) fputs("  ", f);
    if (c > 0) fprintf(f, "%*s", pad, "");
    fprintf(f, "%s%s%s", sim_style_begin(cell->style, color), cell->text,
            sim_style_end(cell->style, color));
    if (c == 0 && last > 1) fprintf(f, "%*s", pad, "");
  }
  fputc('\n', f);
}

void sim_table_print(const struct sim_table *t, FILE *f, bool color) {
  uint32_t widths[SIM_TABLE_COLUMNS_MAX] = {0};
  for (uint32_t r = 0; r < t->row_count; r++) {
    for (uint32_t c = 0; c < t->rows[r].cell_count; c++) {
      uint32_t w = sim_text_width(t->rows[r].cells[c].text);
      if (w > widths[c]) widths[c] = w;
    }
  }
  for (uint32_t r = 0; r < t->row_count; r++) {
    const struct row *row = &t->rows[r];
    if (row->heading == NULL) {
      print_cells(row, widths, f, color);
      continue;
    }
    fprintf(f, "%s%s%s\n", sim_style_begin(SIM_BOLD, color), row->heading,
            sim_style_end(SIM_BOLD, color));
  }
}
