/* The model's caches: who holds which line of 64 bytes, and what it costs that another did.
 *
 * A line that was written is known by its last writer and by who has read it since. Reading what
 * another processor wrote last, and writing what another one holds, are coherence misses. Lines
 * nobody wrote are not looked after and cost nothing extra: first touches and capacity are part of
 * the other costs.
 *
 * Only announced operations count, each at the line of its object's first byte, and only where
 * that line is the same in every build: in the arena and in PLAT_STATE variables. Where something
 * lies on a stack, or among the other variables of the program, is the compiler's business; hardly
 * anything there is another processor's as well.
 *
 * The table is directly mapped, so of two lines that fall together the one written later is
 * remembered; above 64 processors readers that differ by a multiple of 64 share a bit, which can
 * hide a miss, but never one of two processors that write in turns.
 */
#include "plat_model_int.h"
#include "runtime/check.h"

#include <string.h>

enum {
  LINE_SHIFT = 6,
  STATIC_LINES = 1 << 16, /* of PLAT_STATE variables, at most */
  TABLE_BITS = 14, /* 1 MiB of written lines is remembered */
  WRITER_BITS = 11
};
#define WRITER_MASK ((1u << WRITER_BITS) - 1)
_Static_assert((unsigned)PLAT_MODEL_PROCESSORS <= WRITER_MASK, "a processor fits beside a line");

struct line {
  uint64_t number;  /* of the line, 0: none; below it: nobody read since; the writer */
  uint64_t holders; /* by processor modulo 64 */
};
#define LINE_UNREAD (1ull << WRITER_BITS)
#define LINE_NUMBER_SHIFT (WRITER_BITS + 1)

static struct {
  struct line *table;
  bool is_used; /* something in it since it was cleared */
  struct plat_model_misses misses[PLAT_MODEL_PROCESSORS];
  uint16_t static_number[STATIC_LINES]; /* from 1; 0: not used yet */
  uint32_t statics;
} lines;

enum access { ACCESS_NONE, ACCESS_READ, ACCESS_WRITE };

static const uint8_t access_of[PLAT_OP_COUNT] = {
    [PLAT_OP_LOAD] = ACCESS_READ,        [PLAT_OP_STORE] = ACCESS_WRITE,
    [PLAT_OP_RMW] = ACCESS_WRITE,        [PLAT_OP_SLOT_LOAD] = ACCESS_READ,
    [PLAT_OP_SLOT_STORE] = ACCESS_WRITE, [PLAT_OP_PLAIN_LOAD] = ACCESS_READ,
    [PLAT_OP_PLAIN_STORE] = ACCESS_WRITE, [PLAT_OP_LOCK] = ACCESS_WRITE,
    [PLAT_OP_TRY_LOCK] = ACCESS_WRITE,   [PLAT_OP_UNLOCK] = ACCESS_WRITE,
    [PLAT_OP_WAIT] = ACCESS_WRITE,       [PLAT_OP_WAIT_UNTIL] = ACCESS_WRITE,
    [PLAT_OP_WAKE] = ACCESS_WRITE,       [PLAT_OP_CLEAR] = ACCESS_WRITE,
};

void model_lines_begin(void) {
  size_t bytes = sizeof *lines.table << TABLE_BITS;
  if (lines.table == NULL) lines.table = model_table(bytes);
  if (!lines.is_used) return;
  memset(lines.table, 0, bytes);
  memset(lines.misses, 0, sizeof lines.misses);
  memset(lines.static_number, 0, sizeof lines.static_number);
  lines.statics = 0;
  lines.is_used = false;
}

/* Regions lie in the top 4 bits of an object's id, offsets below 2^40. */
static uint64_t line_number(uint64_t object) {
  return (object >> 60 << 34 | (object & ((1ull << 40) - 1)) >> LINE_SHIFT) << LINE_NUMBER_SHIFT;
}

static struct line *find(uint64_t number) {
  return &lines.table[number * 0x9e3779b97f4a7c15ull >> (64 - TABLE_BITS)];
}

static uint64_t read_line(struct line *l, uint32_t processor) {
  uint64_t bit = 1ull << (processor % 64);
  uint64_t writer = l->number & WRITER_MASK;
  bool is_unread = (l->number & LINE_UNREAD) != 0;
  if (writer == processor || ((l->holders & bit) != 0 && !is_unread)) return 0;
  l->holders |= bit;
  l->number &= ~LINE_UNREAD;
  lines.misses[processor].read++;
  return plat_model_hot.cost_ps[PLAT_COST_line_miss_read];
}

static uint64_t write_line(struct line *l, uint32_t processor, uint64_t number) {
  uint64_t bit = 1ull << (processor % 64);
  uint64_t writer = l->number & WRITER_MASK;
  bool is_same = l->number >> LINE_NUMBER_SHIFT == number >> LINE_NUMBER_SHIFT;
  bool is_held = is_same && ((l->holders & ~bit) != 0 || writer != processor);
  lines.is_used = true;
  l->number = number | LINE_UNREAD | processor;
  l->holders = bit;
  if (!is_held) return 0;
  lines.misses[processor].write++;
  return plat_model_hot.cost_ps[PLAT_COST_line_miss_write];
}

/* Where a variable lies depends on the compiler: lines are numbered as they are first used. */
static uint64_t number_of_static(uint64_t object) {
  uint64_t line = (object & ((1ull << 40) - 1)) >> LINE_SHIFT;
  rt_assert(line < STATIC_LINES);
  if (lines.static_number[line] == 0) lines.static_number[line] = (uint16_t)++lines.statics;
  return line_number(object >> 60 << 60 | (uint64_t)lines.static_number[line] << LINE_SHIFT);
}

uint64_t model_line_access(enum plat_op kind, uint64_t object, uint32_t processor) {
  enum access access = (enum access)access_of[kind];
  enum plat_model_region region = plat_model_region_of(object);
  bool is_static = region == PLAT_REGION_STATE;
  if (access == ACCESS_NONE || (region != PLAT_REGION_ARENA && !is_static)) return 0;
  uint64_t number = is_static ? number_of_static(object) : line_number(object);
  struct line *l = find(number);
  if (access == ACCESS_WRITE) return write_line(l, processor, number);
  if (l->number >> LINE_NUMBER_SHIFT != number >> LINE_NUMBER_SHIFT) return 0;
  return read_line(l, processor);
}

void plat_model_misses_read(uint32_t processor, struct plat_model_misses *out) {
  *out = lines.misses[processor];
}
