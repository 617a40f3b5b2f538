/* Text for people: aligned tables, values with units, colour, and nothing a terminal would obey. */
#ifndef SIMS_TABLE_H
#define SIMS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { SIM_TEXT_MAX = 64, SIM_TABLE_COLUMNS_MAX = 16 };

enum sim_style { SIM_PLAIN, SIM_BOLD, SIM_DIM, SIM_GOOD, SIM_BAD };

/* Whether f is a terminal that may be coloured: NO_COLOR unset or empty, TERM not "dumb". */
bool sim_color_wanted(FILE *f);
/* The escape sequence that starts a style ("" without colour); sim_style_end ends any. */
const char *sim_style_begin(enum sim_style style, bool color);
const char *sim_style_end(enum sim_style style, bool color);

/* Copies text into out (cut to bytes, always terminated) with control characters as '?', so that
 * a name in a scenario or the last words of an engine cannot drive the terminal. Newlines and tabs
 * become spaces. Returns out. */
char *sim_text_clean(const char *text, char *out, size_t bytes);

/* Columns a text takes on the screen: code points of UTF-8, none wide. */
uint32_t sim_text_width(const char *text);

/* Writes the words of text, cleaned, on lines of at most 100 columns, and a newline. */
void sim_print_wrapped(FILE *f, const char *text);

/* ---- values with units; out holds SIM_TEXT_MAX bytes; each returns out ---- */

enum sim_unit {
  SIM_UNIT_NS,       /* 123 ns, 1.23 us, 45.6 ms */
  SIM_UNIT_BYTES,    /* 512 B, 1.50 KiB, 64.0 MiB */
  SIM_UNIT_COUNT,    /* 1,000,000; one decimal when not whole */
  SIM_UNIT_PER_S,    /* 12.3 M/s */
  SIM_UNIT_FRACTION, /* 0.25 as 25.0 % */
  SIM_UNIT_RATIO,    /* 0.0123, 1.50, 152 */
};
char *sim_format(enum sim_unit unit, double value, char *out);
/* "1.23 ms [0.98..12.4]", all three in the unit that suits the first; no bracket when it would
 * say nothing. */
char *sim_format_spread(enum sim_unit unit, double middle, double low, double high, char *out);

/* ---- tables ---- */

struct sim_table;

/* The first column is aligned to the left, the others to the right. */
struct sim_table *sim_table_new(uint32_t columns);
void sim_table_free(struct sim_table *t);
/* A line of its own above the rows that follow; it does not widen any column. */
void sim_table_heading(struct sim_table *t, const char *text);
/* Starts a row; then one call of sim_table_cell for each column, from the left. */
void sim_table_row(struct sim_table *t);
void sim_table_cell(struct sim_table *t, enum sim_style style, const char *text);
/* Columns are two spaces apart; no line ends in spaces. */
void sim_table_print(const struct sim_table *t, FILE *f, bool color);

#endif
