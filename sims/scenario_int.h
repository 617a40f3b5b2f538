/* Inside the scenario loader: the table of the vocabulary and the loader's working state.
 *
 * scenario_table.c   the table: one row per key
 * scenario_fields.c  fields by the row of their key
 * scenario_value.c   one scalar: JSON text to field, "found" and "allowed" texts
 * scenario.c         objects, lists and overrides by the table; files
 * scenario_rules.c   what a row cannot say: rules between keys and objects
 * scenario_choose.c  data choices: the first value of each, and whether the others would do
 * scenario_resolve.c the document again, from the fields
 */
#ifndef SIMS_SCENARIO_INT_H
#define SIMS_SCENARIO_INT_H

#include "gc/faults.h"
#include "gc/huge_pages.h"
#include "sims/choices.h"
#include "sims/jsonpos.h"
#include "sims/scenario.h"

/* What a row's value is and how its field holds it. */
enum sc_type {
  SC_TYPE_BOOL,   /* bool */
  SC_TYPE_INT,    /* integer of `width` bytes */
  SC_TYPE_BYTES,  /* the same, or "64KiB" */
  SC_TYPE_NS,     /* the same, or "1.5ms" */
  SC_TYPE_DOUBLE, /* double */
  SC_TYPE_TEXT,   /* char[size]: any text */
  SC_TYPE_NAME,   /* char[size]: see SC_NAME_PATTERN */
  SC_TYPE_METRIC, /* char[size]: see SC_METRIC_PATTERN */
  SC_TYPE_WORD,   /* char[size]: one of `words` */
  SC_TYPE_ENUM,   /* integer of `width` bytes: index into `words` */
  SC_TYPE_SET,    /* integer of `width` bytes: ["WORD"], a bit for each of `words` */
  SC_TYPE_REF,    /* uint32_t: index of a thing of space `space` */
  SC_TYPE_HOLDER, /* uint32_t: a register, or SC_REGISTERS + index of a root object */
  SC_TYPE_OBJECT, /* struct at `offset`, by `sub` */
  SC_TYPE_NAMED,  /* {"NAME": {...}}: array of `sub`; each struct starts with its name */
  SC_TYPE_LIST,   /* [{...}]: array of `sub` */
  SC_TYPE_NAMES,  /* ["NAME"]: array of `sub`, which has no rows */
  SC_TYPE_VALUES  /* [any JSON]: array of texts */
};

#define SC_NAME_PATTERN "^[A-Za-z_][A-Za-z0-9_-]{0,62}$"
#define SC_METRIC_PATTERN "^[A-Za-z0-9_][A-Za-z0-9_.-]{0,126}$"
#define SC_BYTES_PATTERN "^(0|[1-9][0-9]{0,18})(B|KiB|MiB|GiB|TiB)$"
#define SC_NS_PATTERN "^(0|[1-9][0-9]{0,18})(\\.[0-9]{1,18})?(ns|us|ms|s)$"

/* What names may refer to. */
enum sc_space {
  SC_SPACE_MAPS,
  SC_SPACE_LISTS,
  SC_SPACE_TREES,
  SC_SPACE_CHANNELS,
  SC_SPACE_MUTEXES,
  SC_SPACE_OBJECTS
};
enum { SC_SPACES = SC_SPACE_OBJECTS + 1 };

struct sc_load;
struct sc_object;

struct sc_row {
  const char *key;
  enum sc_type type;
  uint32_t offset;
  uint32_t width;        /* bytes of an integer field */
  uint32_t size;         /* of a char array; most elements of a list */
  uint32_t count_offset; /* lists: the uint32_t count; doubles: a bool "given", 0: none */
  bool required;         /* in every variant that has the key */
  uint32_t only;         /* variants that have the key, a bit each; 0: all */
  uint64_t min, max;     /* integers; lists and sets: min elements */
  uint32_t multiple;     /* integers: of this; 0: any */
  uint64_t initial;      /* default */
  double low, high, initial_double; /* doubles; low == high: any finite */
  const char *special;              /* a word instead of the integer */
  uint64_t special_value;
  const struct sim_choice *words;
  bool nullable;                    /* REF, ENUM: null is allowed too and is SC_NIL */
  const char *initial_text; /* default of TEXT, NAME, WORD; others: says it in words */
  enum sc_space space;
  const struct sc_object *sub;
  bool (*present)(const void *base); /* whether the resolved document has it; NULL: always */
  const char *doc;                   /* one sentence or two */
};

struct sc_object {
  const char *what;  /* "an operation" */
  const char *title; /* its heading in the documentation */
  const char *id;    /* its name in the schema */
  const struct sc_row *rows;
  uint32_t row_count;
  uint32_t bytes;               /* of the struct, for arrays */
  const struct sc_row *variant; /* the ENUM row that selects the variant; NULL: there is one */
  /* Rules inside one object, whose own keys are all right. Also fills dependent defaults. */
  void (*check)(struct sc_load *load, struct jp_node *node, void *base);
};

extern const struct sc_object sc_root;
extern const struct sc_object sc_op_object;
extern const struct sim_choice sc_op_words[];
extern const struct sim_choice sc_register_words[];

/* ---- scenario.c ---- */

struct sc_load {
  const char *file, *text;
  size_t length;
  const struct sc_override *overrides;
  uint32_t override_count;
  struct sc_choose_first *firsts; /* nodes of origin override_count + k + 1 come from firsts[k] */
  uint32_t first_count;
  bool is_trial; /* other values of "choose" are not tried */
  struct jp_doc *doc;
  struct scenario *s;
  struct sc_errors *errors;
  uint32_t room; /* of errors->list */
  char **kept;   /* texts that live as long as doc */
  uint32_t kept_count, kept_room;
};

/* The first value of a "choose", put in the place its path names. */
struct sc_choose_first {
  const char *path;
  const char *value;     /* JSON text, kept */
  struct jp_node *place; /* of the value among the others */
};

/* Keeps a text of malloc until the document is freed, and returns it. */
char *sc_keep(struct sc_load *load, char *text);
/* The value a path of object keys, indices and names of elements leads to, made if need be; NULL
 * after an error, which is about something of that origin. */
struct jp_node *sc_find_path(struct sc_load *load, const char *path, uint32_t origin);
/* Loads load->text with one override more than load has; the errors are for the caller to free. */
struct scenario *sc_load_with(const struct sc_load *load, struct sc_override more,
                              struct sc_errors *errors);

/* Adds an error about a value (at_key: about its key) and marks it bad. */
void sc_fail(struct sc_load *load, struct jp_node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void sc_fail_key(struct sc_load *load, struct jp_node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Whether no further error would be kept: no need for a good text. */
bool sc_errors_full(const struct sc_load *load);

/* ---- scenario_fields.c ---- */

bool sc_row_applies(const struct sc_row *row, uint32_t variant);
/* Sets every field of an object to its default. */
void sc_set_defaults(const struct sc_object *object, uint32_t variant, void *base);
/* The array a row of type NAMED, LIST or NAMES fills, and its length. */
void *sc_array(const struct sc_row *row, const void *base, uint32_t *count);
/* The names of a space: `count` of them, every `bytes` bytes. */
const char *sc_space_names(const struct scenario *s, enum sc_space space, uint32_t *count,
                           size_t *bytes);
/* Name number index of a space; NULL: there are fewer. */
const char *sc_space_name(const struct scenario *s, enum sc_space space, uint32_t index);
const char *sc_space_noun(enum sc_space space);
uint64_t sc_read_uint(const void *field, uint32_t width);
void sc_write_uint(void *field, uint32_t width, uint64_t value);

/* ---- scenario_value.c ---- */

/* Reads one scalar into its field; reports and leaves the default when it is wrong. */
void sc_read_scalar(struct sc_load *load, const struct sc_row *row, struct jp_node *node,
                    void *base);
bool sc_name_ok(const char *name);
bool sc_metric_ok(const char *name);
/* "1.5", "the string \"x\"", "an array", shortened. */
void sc_describe(const struct jp_node *node, char *out, size_t bytes);
/* "integer 1..1024", "\"a\" or \"b\"". */
void sc_allowed(const struct sc_row *row, char *out, size_t bytes);

enum sc_exact { SC_EXACT_OK, SC_EXACT_FRACTION, SC_EXACT_TOO_BIG };
/* The exact value of a decimal number (JSON grammar, no sign) times 10^power. */
enum sc_exact sc_exact_u64(const char *text, size_t bytes, int power, uint64_t *out);

/* The JSON text of a value, to be freed. */
char *sc_json_text(const struct jp_node *node);

/* ---- scenario_choose.c ---- */

/* Where the values of the choice of this path stand; NULL: it is not chosen. */
struct jp_node *sc_chosen_values(struct sc_load *load, const char *path);
/* Gives every chosen path its first value. Before the document is read by the table. */
void sc_choose_first(struct sc_load *load);
/* Whether every other value would make a right scenario. After the document was found right. */
void sc_try_choices(struct sc_load *load);
void sc_check_choose(struct sc_load *load, struct jp_node *node, void *base);

/* ---- scenario_rules.c ---- */

void sc_check_root(struct sc_load *load, struct jp_node *node, void *base);
void sc_check_map(struct sc_load *load, struct jp_node *node, void *base);
void sc_check_op(struct sc_load *load, struct jp_node *node, void *base);
/* Whether a key of the top level or of "runtime" means anything with a litmus program. */
bool sc_is_for_litmus(const char *key);
void sc_check_object(struct sc_load *load, struct jp_node *node, void *base);
void sc_check_expect(struct sc_load *load, struct jp_node *node, void *base);
/* The rules across objects, for a document without errors so far. */
void sc_check_program(struct sc_load *load, struct jp_node *root);

/* ---- scenario_resolve.c ---- */

char *sc_resolve(const struct scenario *s);

#endif
